"""One of the crowd's processes: runs its readers, reports now and then, obeys its parent."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from workshop_lib.pipe.child import Message, messages, report
from workshop_lib.pipe.crowd.asking import Plan
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.line import Gate
from workshop_lib.pipe.crowd.mix import habit_of
from workshop_lib.pipe.crowd.reader import Reader
from workshop_lib.pipe.crowd.row import ReaderRow, news_of
from workshop_lib.pipe.sockets import connecting_socket, granted


class Readers:
    """All readers of this process, their gate, and what was reported of them last."""

    def __init__(self, config: Message) -> None:
        self._gate = Gate()
        self._readers = [Reader(plan, self._gate) for plan in _plans(config)]
        self._report_every_s: float = config["report_every_s"]
        self._tasks: list[asyncio.Task[None]] = []
        self._told: list[ReaderRow | None] = [None] * len(self._readers)
        self._began_s = time.monotonic()
        self._obeyed = 0
        self._ending = False
        self._wake = asyncio.Event()

    def obey(self, message: Message) -> None:
        """Begin, freeze, thaw or only report; the next report names the command as obeyed."""
        match message["do"]:
            case "begin":
                self._began_s = message["at_s"]
                self._tasks = [asyncio.create_task(one.run(self._began_s)) for one in self._readers]
            case "freeze":
                self._gate.shut()
            case "thaw":
                self._gate.open()
            case _:
                pass
        self._obeyed = message["number"]
        self._wake.set()

    async def keep_reporting(self) -> None:
        """Report every so often, at once after a command, and a last time at the end."""
        while True:
            last = self._ending
            # in a thread: a parent that is busy must not keep the readers from reading
            await asyncio.to_thread(report, self.news())
            if last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._report_every_s)
            self._wake.clear()

    def end(self) -> None:
        """Read nothing more, and report once more."""
        self._gate.shut()
        self._ending = True
        self._wake.set()

    def news(self) -> Message:
        """Return what differs from the last report."""
        obeyed, now_s = self._obeyed, time.monotonic() - self._began_s
        rows = [reader.row() for reader in self._readers]
        news = [news_of(row, told) for row, told in zip(rows, self._told, strict=True)]
        self._told = [*rows]
        changed = [one for one in news if one]
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
    readers = Readers(config)
    with connecting_socket(config["rcvbuf"]) as probe:
        report({"rcvbuf_bytes": granted(probe).receive_bytes})
    reporting = asyncio.create_task(readers.keep_reporting())
    async for message in inbox:
        readers.obey(message)
    readers.end()
    await asyncio.gather(reporting, return_exceptions=True)
    await readers.close()


def _plans(config: dict[str, Any]) -> list[Plan]:
    call, users = Call(**config["call"]), config["users"]
    return [
        Plan(
            reader,
            habit_of(habit),
            config["prompt"].replace("{k}", str(reader)),
            call.named(users[reader]) if users else call,
            config["rcvbuf"],
            begin_s,
            config["end_mark"],
        )
        for reader, habit, begin_s in config["readers"]
    ]


if __name__ == "__main__":
    asyncio.run(main())
