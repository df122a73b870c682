"""The last of each answer in Redis: any of several server processes can go on reading it.

The process that has the LLM writes; a reader may come to another one. What says how long an answer
is kept is the life of its keys: it is renewed for as long as a reader takes, and when the keys are
gone, the writer finds that nobody wants the answer any more. A reader that waits holds a connection
to Redis.
"""

import asyncio
from typing import Any

from redis.exceptions import RedisError

from servers import replay_scripts
from servers.redis_client import connect
from servers.replay import AT_ONCE, Bounds, Taken, Unavailable

PATIENCE_S = 2.0
WAIT_S = 1.0  # shorter than the patience; so late learns a reader of a stop, or of another reader
ROOM_S = 0.05
LEASE_S = 5.0  # a process that has not said for so long that it still produces is taken for dead


class SharedReplay:
    """Keeps answers in Redis; Unavailable("away") while it cannot be asked."""

    def __init__(self, url: str, bounds: Bounds) -> None:
        self._redis = connect(url, PATIENCE_S, 2 * bounds.answers)  # who waits, and who writes
        names = ("BEGIN", "FORGET", "ADD", "LOOK", "ATTACH", "TAKE", "LEAVE", "STOP")
        scripts = {name: getattr(replay_scripts, name) for name in names}
        self._scripts = {name: self._redis.register_script(s) for name, s in scripts.items()}
        self._bounds = bounds
        self._resume_ms = round(1000 * bounds.resume_s)
        # a reader may take so long for the events it has got, and then be away
        self._reading_ms = self._resume_ms + round(1000 * bounds.stall_s)

    async def begin(self, name: str) -> None:
        lease_ms = round(1000 * LEASE_S)
        await self._run("BEGIN", name, self._bounds.answers, self._resume_ms, lease_ms)

    async def forget(self, name: str) -> None:
        await self._run("FORGET", name)

    async def add(self, name: str, number: int, event: bytes) -> bool:
        most = self._bounds.replay_bytes
        return bool((await self._run("ADD", name, number, event, most, 0))[0])

    async def end(self, name: str, number: int, event: bytes) -> None:
        await self._run("ADD", name, number, event, self._bounds.replay_bytes, 1)

    async def wait_for_room(self, name: str) -> None:
        await asyncio.sleep(ROOM_S)

    async def look(self, name: str) -> None:
        await self._run("LOOK", name, round(1000 * LEASE_S))

    async def attach(self, name: str, after: int) -> int:
        return (await self._run("ATTACH", name, after, self._reading_ms))[0]

    async def take(self, name: str, ticket: int, after: int) -> Taken:
        args = ticket, after, self._reading_ms, AT_ONCE
        are_last, events = await self._run("TAKE", name, *args)
        return Taken(events, bool(are_last))

    async def wait_for_more(self, name: str, after: int, limit_s: float) -> None:
        wait_ms = max(1, round(1000 * min(limit_s, WAIT_S)))
        try:
            await self._redis.xread({_keys(name)[0]: f"{after}-0"}, count=1, block=wait_ms)
        except RedisError:
            raise Unavailable("away") from None

    async def leave(self, name: str, ticket: int) -> None:
        await self._run("LEAVE", name, ticket, self._resume_ms)

    async def stop(self, name: str) -> None:
        await self._run("STOP", name, self._resume_ms)

    async def close(self) -> None:
        await self._redis.aclose()

    async def _run(self, script: str, name: str, *args: int | bytes) -> list[Any]:
        try:
            reason, *found = await self._scripts[script](_keys(name), args)
        except RedisError:
            raise Unavailable("away") from None
        if reason:
            raise Unavailable(reason.decode())
        return found


def _keys(name: str) -> list[str]:
    # braces: a cluster keeps all of them together, for a script can only ask what is in one place
    return [f"{{chat}}:events:{name}", f"{{chat}}:answer:{name}", "{chat}:answers"]
