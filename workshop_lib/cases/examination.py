"""One examination, the same for every case: what a browser, the server, the LLM and a page say.

The patient is served between our LLM and our readers, as everywhere in this workshop. Beside the
crowd a browser asks it the way that its users do, somebody asks at the server's own port, and the
page reads in a tab that nobody looks at.
"""

import asyncio
import threading
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from workshop_lib.cases.case import CASES, TIME_LAPSE, Case
from workshop_lib.experiment import Buffers, Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.hidden_page import HiddenPage, Look
from workshop_lib.pipe.server import Server
from workshop_lib.pipe.witness import Visit, Witnesses

AT_ONCE = 3
# Samples are due every tenth of a second. Where they are further apart, a heartbeat may have
# been late as well, or a leave: what was seen then tells of the machine.
DISTURBED_S = 0.25
MOST_ROUNDS = 3
LOOK_S = 0.1
TOKENS_PER_S = 40.0
ANSWER_TOKENS = 100
SECONDS = 2.9
STALLED, STEADY = "stalled", "steady"
LEAVES_READING, LEAVES_STALLED = "leaver:1", "leaver:1:close:1"
MIX = {STALLED: 2, LEAVES_READING: 2, LEAVES_STALLED: 2, STEADY: 1}
# towards the readers small, for a stalled one to be felt; towards the LLM the kernel's own, for an
# answer that nobody stops to run on
BUFFERS = Buffers(llm_sndbuf=0, server_rcvbuf=0)


@dataclass
class Examination:
    """What was seen of one case: `produced` has the LLM's tokens by who asked for them."""

    case: Case
    recording: Recording = field(default_factory=lambda: Recording({}))
    tabs: list[Visit] = field(default_factory=list[Visit])
    direct: Visit = field(default_factory=lambda: Visit("direct"))
    looks: list[Look] = field(default_factory=list[Look])
    produced: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def disturbed(self) -> bool:
        """Whether the machine was too busy for what was seen to count."""
        return self.recording.longest_gap_s > DISTURBED_S

    @property
    def browser(self) -> Visit:
        """The tab that the complaint is about: the last one."""
        return self.tabs[-1]


_seen: dict[str, Examination] = {}
_one_at_a_time = threading.Lock()


async def examined(letters: str) -> list[Examination]:
    """Return the last examination of some cases, and examine those that have had none."""
    # another thread may be at it, and what it sees will do
    while not _one_at_a_time.acquire(blocking=False):  # noqa: ASYNC110 - its loop is another
        await asyncio.sleep(LOOK_S)
    try:
        await examine(*(CASES[letter] for letter in letters if letter not in _seen))
    finally:
        _one_at_a_time.release()
    return [_seen[letter] for letter in letters]


def last(letter: str) -> Examination:
    """Return the last examination of a case. Raises LookupError if there has been none."""
    return _seen[letter]


async def examine(*cases: Case) -> list[Examination]:
    """Examine some cases, a few of them at once; however it ends, nothing is left running.

    Whatever a busy machine has disturbed is examined again, with nothing beside it.
    """
    seen = await _some(cases, AT_ONCE)
    for _ in range(MOST_ROUNDS - 1):
        seen |= await _some([one.case for one in seen.values() if one.disturbed], at_once=1)
    _seen.update(seen)
    return [seen[case.letter] for case in cases]


async def _some(cases: Iterable[Case], at_once: int) -> dict[str, Examination]:
    places = asyncio.Semaphore(at_once)

    async def in_turn(case: Case) -> Examination:
        async with places:
            return await _in_a_thread(case)

    async with asyncio.TaskGroup() as group:
        running = {case.letter: group.create_task(in_turn(case)) for case in cases}
    return {letter: task.result() for letter, task in running.items()}


async def _in_a_thread(case: Case) -> Examination:
    """Examine in a thread: where processes are started one case would wait for the other."""
    stopped = threading.Event()
    working = asyncio.to_thread(lambda: asyncio.run(_examine(case, stopped)))
    running = asyncio.create_task(working)
    try:
        while not running.done():  # a kernel's interrupt is seen when its loop wakes up
            await asyncio.wait([running], timeout=LOOK_S)
        return running.result()
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([running])
        raise


async def _examine(case: Case, stopped: threading.Event) -> Examination:
    seen, stopping = Examination(case), asyncio.Event()
    experiment = Experiment(
        case.server,
        sum(MIX.values()),
        MIX,
        tokens_per_s=TOKENS_PER_S,
        token_bytes=case.token_bytes,
        answer_tokens=ANSWER_TOKENS,
        seconds=SECONDS + case.thinks_s,
        first_token_s=case.thinks_s,
        buffers=BUFFERS,
        time_lapse=TIME_LAPSE,
        knobs=case.knobs,
        env=case.env,
    )
    seen.recording = await experiment.run(
        lambda _: stopping.set() if stopped.is_set() else None,
        stopping,
        lambda llm, server: _looking(case, seen, llm, server),
    )
    return seen


@contextmanager
def _looking(case: Case, seen: Examination, llm: FakeLLM, server: Server) -> Generator[None]:
    before = case.proxy.before(server.port) if case.proxy else nullcontext(server)
    with before as front:
        url = f"http://127.0.0.1:{front.port}/chat"
        witnesses = Witnesses(url, f"{server.url}/chat", case.tabs)
        page = HiddenPage(url, case.swap)
        with page, witnesses:
            yield
            seen.produced = {row.prompt: row.tokens for row in llm.ledger()}
    seen.tabs, seen.direct, seen.looks = witnesses.tabs, witnesses.direct, page.looks
