"""The slow link's process: takes bytes off the server at the link's pace, delivers them late."""

import asyncio
import socket
from contextlib import suppress

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.crowd.line import Gate, Line
from workshop_lib.pipe.link import Throttle
from workshop_lib.pipe.sockets import connecting_socket, listening_socket

REPORT_EVERY_S = 0.1
PIECE_BYTES = 1448  # what a packet of Ethernet carries (RFC 879, less the timestamps of RFC 7323)
REQUEST_BYTES = 65536


class Carriage:
    """One reader's connection, and the server's side of it."""

    def __init__(
        self, to_server: socket.socket, writer: asyncio.StreamWriter, throttle: Throttle, gate: Gate
    ) -> None:
        self._line, self._writer, self._gate = Line(to_server, gate), writer, gate
        self._throttle = throttle
        self._one_way_s = throttle.round_trip_s / 2
        self._most_bytes = PIECE_BYTES + throttle.bytes_per_s * self._one_way_s
        self._in_the_air: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._air_bytes = 0
        self._delivered = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @property
    def held_bytes(self) -> int:
        return self._air_bytes + self._writer.transport.get_write_buffer_size()

    async def request(self, reader: asyncio.StreamReader) -> None:
        """Carry what the reader sends, and the end of it."""
        while data := await reader.read(REQUEST_BYTES):
            await asyncio.sleep(self._one_way_s)
            await self._line.send(data)
        self._line.end_sending()

    async def take(self) -> None:
        """Take from the server what the link has room for, at the link's pace."""
        free_s = self._loop.time()
        while True:
            while self.held_bytes >= self._most_bytes:
                self._delivered.clear()
                await self._delivered.wait()
            await self._line.receive(PIECE_BYTES, self._count)
            now_s = self._loop.time()
            free_s = max(now_s, free_s) + len(self._piece) / self._throttle.bytes_per_s
            self._in_the_air.put_nowait((free_s + self._one_way_s, self._piece))
            if not self._piece:
                return
            await asyncio.sleep(free_s - now_s)

    def _count(self, piece: bytes) -> int:
        self._piece = piece
        self._air_bytes += len(piece)
        return 0  # no more of them yet

    async def deliver(self) -> None:
        """Give the reader each piece when it has crossed, and wait until the socket has it."""
        while True:
            at_s, data = await self._in_the_air.get()
            await asyncio.sleep(at_s - self._loop.time())
            await self._gate.passed()
            if not data:
                return
            self._writer.write(data)
            self._air_bytes -= len(data)
            await self._writer.drain()
            self._delivered.set()


class Process:
    """All connections, and the gate that they pass."""

    def __init__(self, to_port: int, sndbuf: int, rcvbuf: int, throttle: Throttle) -> None:
        self._to_port, self._rcvbuf, self._throttle = to_port, rcvbuf, throttle
        self.listener = listening_socket(sndbuf=sndbuf)
        self.gate = Gate()
        self.obeyed = 0
        self._open: dict[tuple[int, int], Carriage] = {}

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection to its end, which is the end of both of its sides."""
        writer.transport.set_write_buffer_limits(high=0)
        with connecting_socket(self._rcvbuf) as to_server, suppress(OSError):
            loop = asyncio.get_running_loop()
            await loop.sock_connect(to_server, ("127.0.0.1", self._to_port))
            carriage = Carriage(to_server, writer, self._throttle, self.gate)
            ports = writer.get_extra_info("peername")[1], to_server.getsockname()[1]
            self._open[ports] = carriage
            upwards = asyncio.create_task(carriage.request(reader))
            downwards = asyncio.gather(carriage.take(), carriage.deliver())
            try:
                await downwards
            finally:
                del self._open[ports]
                upwards.cancel()
                downwards.cancel()
                await asyncio.gather(upwards, downwards, return_exceptions=True)
        writer.close()

    def tell(self) -> None:
        wires = [(*ports, carriage.held_bytes) for ports, carriage in self._open.items()]
        report({"obeyed": self.obeyed, "wires": wires})

    async def keep_telling(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(REPORT_EVERY_S)


async def main() -> None:
    inbox = messages()
    config = await anext(inbox)
    throttle = Throttle(config["bytes_per_s"], config["round_trip_s"])
    process = Process(config["to_port"], config["sndbuf"], config["rcvbuf"], throttle)
    server = await asyncio.start_server(process.carry, sock=process.listener)
    report({"port": process.listener.getsockname()[1]})
    telling = asyncio.create_task(process.keep_telling())
    async for command in inbox:
        process.gate.shut()
        process.obeyed = command["freeze"]
        process.tell()
    telling.cancel()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
