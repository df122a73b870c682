"""Who is measured: a name, a command, and what is to be known of it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workshop_lib.pipe.node import EXPRESS, node_program

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Peer:
    """One row of the table; `sdk` tells whether it makes the openai SDK's objects of all chunks."""

    name: str
    command: Sequence[str]
    about: str
    sdk: bool = True

    def on_socket(self, sndbuf: int) -> list[str]:
        """Return the command that serves with so many bytes to send from (0: the kernel's)."""
        return [sys.executable, "-m", "tests.bench.launch", str(sndbuf), *self.command]


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.peers.{module}", *arguments]


def lineup() -> list[Peer]:
    """Return all peers, ours first."""
    express = [node_program(), "--import", str(PEERS / "inherited_socket.mjs")]
    return [
        Peer("step2", _python("ours", "servers.step2_fixed"), "aiohttp, waits for the socket"),
        Peer(
            "step3",
            _python("ours", "servers.step3_cancelling"),
            "aiohttp, a turn for everybody after each event, stops the LLM",
        ),
        Peer(
            "step3, tight",
            _python("ours", "servers.step3_cancelling", "0", "16384"),
            "step3 with a mark of 0 for drain(), and 16 KiB to receive the LLM into",
        ),
        Peer("starlette", _python("starlette_peer"), "StreamingResponse on uvicorn"),
        Peer("sse-starlette", _python("sse_starlette_peer"), "EventSourceResponse on uvicorn"),
        Peer("FastAPI", _python("fastapi_peer"), "its own EventSourceResponse on uvicorn"),
        Peer("asyncio", _python("asyncio_peer"), "asyncio's streams, no framework"),
        Peer("Express", [*express, str(EXPRESS / "step3_cancelling.mjs")], "step3's twin on Node"),
        Peer(
            "lean relay",
            _python("ours", "servers.lean_relay"),
            "aiohttp at both ends, JSON and no SDK",
            sdk=False,
        ),
        Peer("raw relay", _python("raw_relay"), "the LLM's bytes, unread", sdk=False),
    ]
