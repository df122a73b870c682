"""The fault matrix holds, cell by cell; and a thousand readers that leave leave nothing behind."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType

import pytest

from servers import step2_fixed, step3_cancelling, step4_production, step5_metered, step6_resumable
from tests.disconnects import disconnects
from tests.fault_cells import LLMS_FAULTS, MOMENTS, READERS_FAULTS, Served
from tests.fault_matrix import EXPECTED, Matrix, expectations
from tests.mechanism import nothing_left, until
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import SMALL

SEED = 20
REPAIRED = {"step3_cancelling", "step4_production", "step5_metered", "step6_resumable"}
# step6 asks its LLM as step5 does, and is read otherwise; `make faults` runs all of its cells
OF_STEP6 = {
    "stalls": ("midway", "waiting"),
    "freezes": ("waiting",),
    "leaves": ("before", "midway", "waiting", "end"),
    "resets": ("waiting",),
    "429": ("before",),
    "cut": ("midway",),
    "silence": ("midway",),
}
# long enough to be left at any moment, and large enough to make writers wait
ANSWER = {"tokens_per_s": 100, "answer_tokens": 1000, "token_bytes": 300, "first_token_s": 0.1}
# all readers are one user here, and some of them wait for a silent LLM
ROOMY = {
    "MAX_STREAMS_PER_USER": "1000",
    "BUDGET_TOKENS": "1000000",
    "HEARTBEAT_S": "0.05",
    "RESUME_S": "1",  # in less a busy machine forgets an answer before its first reader has come
}


@pytest.fixture(scope="module")
def matrix() -> Iterator[Matrix]:
    with nothing_left(), Matrix() as matrix:
        yield matrix


@pytest.mark.parametrize(
    ("step", "fault", "moment", "expected"),
    [
        pytest.param(*cell, id="-".join(cell[:3]))
        for cell in expectations()
        if cell[0] != "step6_resumable" or cell[2] in OF_STEP6.get(cell[1], ())
    ],
)
def test_a_cell_is_as_expected(matrix: Matrix, step: str, fault: str, moment: str, expected: str):
    outcome = matrix.outcome(step, fault, moment, expected)
    assert str(outcome) == expected, outcome


def test_the_table_has_every_cell_and_only_repaired_servers_are_clean():
    only_before = {"429", "500"}  # statuses, so they come before all else
    cells = {cell[:3]: cell[3] for cell in expectations()}
    assert set(cells) == {
        (step, fault, moment)
        for step in EXPECTED
        for fault in (*READERS_FAULTS, *LLMS_FAULTS)
        for moment in MOMENTS
        if moment == "before" or fault not in only_before
    }
    unclean = {cell[0] for cell, came in cells.items() if came not in ("clean", "freed")}
    assert unclean == set(EXPECTED) - REPAIRED


@pytest.fixture
def llm() -> Iterator[FakeLLM]:
    with nothing_left(), FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


@contextmanager
def left_by(step: ModuleType, readers: int, llm: FakeLLM) -> Iterator[Served]:
    """Give a server that so many readers have left."""
    with closing(Served(step.__name__.rpartition(".")[2], step.chat, llm, ROOMY)) as served:
        llm.set(**ANSWER)
        asyncio.run(disconnects(served.server.port, readers, SEED))
        yield served


@pytest.mark.parametrize(
    "step", [step3_cancelling, step4_production, step5_metered, step6_resumable]
)
def test_a_thousand_disconnects_leave_nothing(llm: FakeLLM, step: ModuleType):
    before = llm.totals()
    with left_by(step, 1000, llm) as served:
        until(lambda: not served.left_behind(), 15)
        totals = llm.totals()
        assert totals.streams - before.streams > 500
        assert totals.tokens - before.tokens > 1000
        assert served.serves_whole()
        assert served.server.errors == []


def test_without_the_repair_disconnects_leak(llm: FakeLLM):
    with left_by(step2_fixed, 100, llm) as served:
        until(lambda: set(served.left_behind()) <= {"stream"}, 15)
        assert llm.totals().open > 20
