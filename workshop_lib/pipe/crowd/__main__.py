"""The crowd's process: runs the readers, reports several times a second, obeys its parent."""

import asyncio
import random
import time
from contextlib import suppress
from typing import Any

from workshop_lib.pipe.child import messages, report
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.line import Gate
from workshop_lib.pipe.crowd.mix import habit_of
from workshop_lib.pipe.crowd.reader import Plan, Reader
from workshop_lib.pipe.sockets import connecting_socket, granted

REPORT_EVERY_S = 0.2
OTHER_FILES = 64


class Crowd:
    """All readers of one process, their gate, and what was reported of them last."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._gate = Gate()
        self._began_s = time.monotonic()
        self._readers = [Reader(plan, self._gate, self._began_s) for plan in _plans(config)]
        self._tasks = [asyncio.create_task(reader.run()) for reader in self._readers]
        self._reported: list[list[Any]] = [[] for _ in self._readers]
        self._obeyed = 0
        self._ending = False
        self._wake = asyncio.Event()

    def obey(self, message: dict[str, Any]) -> None:
        """Freeze, thaw or only report; the next report names the command as obeyed."""
        if message["do"] == "freeze":
            self._gate.shut()
        elif message["do"] == "thaw":
            self._gate.open()
        self._obeyed = message["number"]
        self._wake.set()

    async def keep_reporting(self) -> None:
        """Report every so often, at once after a command, and a last time at the end."""
        while True:
            last = self._ending
            # in a thread: a parent that is busy must not keep the readers from reading
            await asyncio.to_thread(report, self.changes())
            if last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), REPORT_EVERY_S)
            self._wake.clear()

    def end(self) -> None:
        """Read nothing more, and report once more."""
        self._gate.shut()
        self._ending = True
        self._wake.set()

    def changes(self) -> dict[str, Any]:
        """Return the rows that differ from those of the last report."""
        obeyed, now_s = self._obeyed, time.monotonic() - self._began_s
        rows = [reader.row().values() for reader in self._readers]
        changed = [row for row, old in zip(rows, self._reported, strict=True) if row != old]
        self._reported = rows
        return {"obeyed": obeyed, "now_s": now_s, "cpu_s": time.process_time(), "rows": changed}

    async def close(self) -> None:
        """End every task, then close every socket."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for reader in self._readers:
            reader.close()


async def main() -> None:
    inbox = messages()
    config = await anext(inbox)
    _allow_open_files(len(config["habits"]) + OTHER_FILES)
    crowd = Crowd(config)
    with connecting_socket(config["rcvbuf"]) as probe:
        report({"rcvbuf_bytes": granted(probe).receive_bytes})
    reporting = asyncio.create_task(crowd.keep_reporting())
    async for message in inbox:
        crowd.obey(message)
    crowd.end()
    await asyncio.gather(reporting, return_exceptions=True)
    await crowd.close()


def _plans(config: dict[str, Any]) -> list[Plan]:
    call = Call(**config["call"])
    rng = random.Random(config["seed"])
    return [
        Plan(
            reader,
            habit_of(habit),
            config["prompt"].replace("{k}", str(reader)),
            call,
            config["rcvbuf"],
            rng.uniform(0, config["ramp_s"]),
            config["end_mark"],
        )
        for reader, habit in enumerate(config["habits"])
    ]


def _allow_open_files(wanted: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise SystemExit(
                f"{wanted} open files are needed and this machine allows {hard}: "
                f"take fewer readers, or raise the limit with `ulimit -n {wanted}`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    asyncio.run(main())
