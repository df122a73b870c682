"""asyncio's streams without any framework: as little between the SDK and the socket as can be."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter

import openai
from openai import AsyncOpenAI

from servers.common import LLM_ERRORS, ending, event_of, failure
from tests.bench.peers import inherited_socket

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
)
EMPTY = "HTTP/1.1 {} \r\nContent-Length: 0\r\n\r\n"


async def main() -> None:
    async with AsyncOpenAI() as client:

        async def connected(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                await converse(client, reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, sock=inherited_socket(), backlog=4096)
        await server.serve_forever()


async def converse(client: AsyncOpenAI, reader: StreamReader, writer: StreamWriter) -> None:
    """Serve one connection until its chat is answered; whatever else it asks is not here."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if not head.startswith("post /chat "):
            writer.write(EMPTY.format(404).encode())
            continue
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        prompt = json.loads(await reader.readexactly(length))["prompt"]
        return await until_left(reader, answer(client, prompt, writer))


async def until_left(reader: StreamReader, answering: object) -> None:
    """Cancel the answer when the reader's end of the connection closes."""
    answered = asyncio.ensure_future(answering)  # type: ignore[arg-type]
    leaving = asyncio.create_task(reader.read(1))
    await asyncio.wait([answered, leaving], return_when=asyncio.FIRST_COMPLETED)
    for task in (answered, leaving):
        task.cancel()
    await asyncio.wait([answered, leaving])


async def answer(client: AsyncOpenAI, prompt: str, writer: StreamWriter) -> None:
    try:
        asking = client.chat.completions.create(
            model="fake-llm", messages=[{"role": "user", "content": prompt}], stream=True
        )
        async with await asking as stream:
            writer.write(HEAD)
            last = None
            try:
                async for last in stream:
                    if data := event_of(last):
                        writer.write(chunk_of(data))
                        await writer.drain()
                writer.write(chunk_of(ending(last)) + chunk_of(b""))
            except LLM_ERRORS:
                writer.write(chunk_of(failure()) + chunk_of(b""))
    except openai.APIError:
        writer.write(EMPTY.format(502).encode())
    await writer.drain()


def chunk_of(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    asyncio.run(main())
