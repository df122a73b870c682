"""asyncio's streams without any framework, with flaws that only such a server can have."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from contextlib import aclosing

from openai import AsyncOpenAI

from tests.patients.relay import FLAW, HEADERS, PORT, Refused, begin

FIELDS = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    f"Transfer-Encoding: chunked\r\n{FIELDS}\r\n"
)
REFUSAL = (
    "HTTP/1.1 {} Refused\r\nContent-Type: application/json\r\nConnection: close\r\n"
    "Content-Length: {}\r\n\r\n{}"
)


async def main() -> None:
    async with AsyncOpenAI() as client:

        async def connected(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                await converse(client, reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", PORT, backlog=512)
        await server.serve_forever()


async def converse(client: AsyncOpenAI, reader: StreamReader, writer: StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    prompt = json.loads(await reader.readexactly(length))["prompt"]
    answering = asyncio.ensure_future(answer(client, prompt, writer))
    if FLAW == "forgets_leavers":
        return await answering
    leaving = asyncio.ensure_future(reader.read(1))
    await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
    for task in (answering, leaving):
        task.cancel()
    await asyncio.wait([answering, leaving])
    return None


async def answer(client: AsyncOpenAI, prompt: str, writer: StreamWriter) -> None:
    try:
        pieces = await begin(client, prompt)
    except Refused as refused:
        body = json.dumps(refused.body)
        writer.write(REFUSAL.format(refused.status, len(body), body).encode())
        return await writer.drain()
    writer.write(HEAD.encode())
    async with aclosing(pieces):
        async for piece in pieces:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if FLAW != "forgets_drain":
                await writer.drain()
    if FLAW == "lingers":
        await asyncio.Event().wait()
    writer.write(b"0\r\n\r\n")
    return await writer.drain()


if __name__ == "__main__":
    asyncio.run(main())
