"""Readers whose connections break at random moments, and that come back: from a seed."""

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import h11

from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.sockets import SMALL, connecting_socket
from workshop_lib.pipe.sse import SseParser

PIECE_BYTES = 512
USUAL_BYTES = 5000  # that a connection lasts, give and take
LONGEST_STALL_S = 0.1


class Broken(Exception):
    """The connection has been cut, as it was decided."""


@dataclass
class Tale:
    """What one reader has got of one answer, over all its connections."""

    answer: str = ""
    last_id: str = ""
    numbers: list[int] = field(default_factory=list[int])
    texts: list[str] = field(default_factory=list[str])
    ending: Any = None
    errors: Counter[str] = field(default_factory=Counter[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    phases: Counter[str] = field(default_factory=Counter[str])

    def take(self, parser: SseParser, chunk: bytes) -> None:
        """Take the events that came whole: what is left of one is asked for again."""
        for event in parser.push(chunk):
            said = event.data if event.data == "[DONE]" else json.loads(event.data)
            if isinstance(said, dict) and "token" in said:
                self.texts.append(said["token"])
            elif isinstance(said, dict):
                self.errors[said["error"]["code"]] += 1
                continue
            else:
                self.ending = said
            self.last_id = event.last_event_id
            self.numbers.append(int(event.last_event_id.rpartition(".")[2]))


async def told_with_cuts(ports: list[int], cuts: int, seed: int) -> Tale:
    """Read one answer over so many connections that break, each through the next server."""
    rng, tale = random.Random(seed), Tale()
    for cut in range(cuts + 1):
        port = ports[(seed + cut) % len(ports)]
        try:
            await _connection(port, rng, tale, breaks=cut < cuts)
        except Broken:
            continue
        if tale.ending is None:  # a request that was held up has come after this one
            await _connection(port, rng, tale, breaks=False)
    return tale


async def _connection(port: int, rng: random.Random, tale: Tale, breaks: bool) -> None:
    over = bool(tale.ending)
    early = ("head", "head", "head", "bytes")  # before the first token, as often as not
    usual = ("head", "bytes", "bytes", "bytes", "stall")
    phase = rng.choice(usual if tale.numbers else early) if breaks else "whole"
    left_bytes = {"head": 0, "whole": 2**40}.get(phase, rng.randrange(2 * USUAL_BYTES))
    with connecting_socket(SMALL.reader_rcvbuf) as sock:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", port))
        http, parser = h11.Connection(h11.CLIENT), SseParser()
        await loop.sock_sendall(sock, _request(port, tale, http))
        while left_bytes > 0 or not tale.answer:
            # the head is read whole: whoever does not know the name cannot come back
            piece = await loop.sock_recv(sock, max(1, min(PIECE_BYTES, left_bytes)))
            left_bytes -= len(piece)
            if _fed(http, piece, parser, tale):
                break
        else:
            if phase == "stall":
                await asyncio.sleep(rng.uniform(0, LONGEST_STALL_S))
        if breaks:
            tale.phases["over" if over else phase if tale.numbers else "no token yet"] += 1
            if rng.random() < 0.5:  # a reset, that throws away what is on the way; or a close
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Broken


def _request(port: int, tale: Tale, http: h11.Connection) -> bytes:
    url = f"http://127.0.0.1:{port}/chat"
    if not tale.answer:
        return Call.to(url, "POST", {}, '{"prompt": "{prompt}"}').request(http, "reader 0")
    ids = {"Last-Event-ID": tale.last_id} if tale.last_id else {}
    return Call.to(f"{url}/{tale.answer}", "GET", ids, "").request(http, "")


def _fed(http: h11.Connection, piece: bytes, parser: SseParser, tale: Tale) -> bool:
    """Take a piece of the response; tell whether it is over."""
    http.receive_data(piece)
    while True:
        event = http.next_event()
        if isinstance(event, h11.Response):
            tale.statuses[event.status_code] += 1
            tale.answer = tale.answer or dict(event.headers)[b"x-answer-id"].decode()
        elif isinstance(event, h11.Data):
            tale.take(parser, bytes(event.data))
        else:
            return event is not h11.NEED_DATA
