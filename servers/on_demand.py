"""Start the server when the first reader comes, as a platform does that scales to zero.

Run it alone: python -m servers.on_demand
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress

PIECE_BYTES = 65536
LOOK_EVERY_S = 0.02


class OnDemand:
    """The door of a server whose process does not run yet."""

    def __init__(self, module: str) -> None:
        self._module, self._port = module, free_port()
        self._process: Process | None = None
        self._starting = asyncio.Lock()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on; the end of either side is the end of both."""
        answers, asks = await self._connect()
        ways = [asyncio.create_task(pass_on(reader, asks))]
        ways.append(asyncio.create_task(pass_on(answers, writer)))
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            asks.close()
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with self._starting:  # whoever comes meanwhile waits for the same start
            if self._process is None:
                env = os.environ | {"PORT": str(self._port)}
                command = sys.executable, "-m", self._module
                self._process = await asyncio.create_subprocess_exec(*command, env=env)
            while self._process.returncode is None:
                with suppress(ConnectionRefusedError):
                    return await asyncio.open_connection("127.0.0.1", self._port)
                await asyncio.sleep(LOOK_EVERY_S)
        raise SystemExit(f"{self._module} has ended. Run it alone to see why.")


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(PIECE_BYTES):
            writer.write(data)
            await writer.drain()  # what the reader does not take stays with the server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as asked:
        return int(asked.getsockname()[1])


async def main() -> None:
    door = OnDemand("servers.step3_cancelling")
    port = int(os.environ.get("PORT", "0"))
    async with await asyncio.start_server(door.carry, "127.0.0.1", port) as server:
        print(f"Listening on port {server.sockets[0].getsockname()[1]}.", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
