"""Readers whose connections break: what they lose, what is paid twice, and who may go on."""

from dataclasses import replace
from typing import Any

import pytest

from servers import step4_production, step6_resumable
from workshop_lib.experiment import Experiment
from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.recording import Recording
from workshop_lib.passage import side_by_side
from workshop_lib.pipe.crowd.whole import WholeEvents
from workshop_lib.returning import judge_return, lost_tokens, paid_twice_tokens
from workshop_lib.show.claims import STORED

pytestmark = pytest.mark.measures

ANSWERS: dict[str, Any] = {"readers": 4, "tokens_per_s": 100, "answer_tokens": 120, "time_lapse": 4}
STOPS: dict[str, Any] = {"readers": 4, "tokens_per_s": 50, "time_lapse": 4}


async def test_what_a_cut_costs_is_counted():
    cut, repeated, resumed, stopped = await side_by_side(
        Experiment(step4_production, mix={"leaver:30:reset": 4}, seconds=4, **ANSWERS),
        Experiment(step4_production, mix={"returner:30": 4}, seconds=4, **ANSWERS),
        Experiment(step6_resumable, mix={"returner:30": 4}, seconds=4, **ANSWERS),
        Experiment(step6_resumable, mix={"stopper:30": 4}, seconds=4, **STOPS),
    )
    runs = cut, repeated, resumed
    assert [judge_return(run).outcome for run in runs] == ["cut", "repeated", "resumed"]
    assert [lost_tokens(run) for run in runs] == [4 * 90, 0, 0]
    again = [stream.produced_tokens - 120 for stream in repeated.streams]
    # 120 each, were the LLM not stopped by the cut; how soon it is, is the machine's affair
    assert all(30 <= twice < 120 for twice in again)
    assert paid_twice_tokens(repeated) == sum(again)
    assert (paid_twice_tokens(cut), paid_twice_tokens(resumed), resumed.complaints) == (0, 0, [])
    assert (judge_leaving(stopped).outcome, stopped.complaints) == ("stopped", [])


def stored(name: str) -> Recording:
    return Recording.load(STORED / f"09_{name}.json")


CHANGED: dict[str, tuple[Recording, str]] = {
    "a server that failed": (replace(stored("resumed"), errors=["ValueError: no"]), "unclear"),
    "a token out of order": (
        replace(stored("resumed"), complaints=["reader 1: token 60 came where token 50 was due"]),
        "cut",
    ),
    "a token that came twice": (
        replace(stored("resumed"), complaints=["reader 1: token 49 came twice"]),
        "repeated",
    ),
    "a reader without its end": (
        replace(
            stored("resumed"),
            streams=[replace(one, received_tokens=199) for one in stored("resumed").streams],
        ),
        "cut",
    ),
}


@pytest.mark.parametrize(("run", "outcome"), CHANGED.values(), ids=CHANGED)
def test_the_verdict_follows_the_counters(run: Recording, outcome: str):
    assert judge_return(run).outcome == outcome
    assert judge_return(run).evidence.endswith(".")


def test_an_event_without_its_blank_line_is_not_whole():
    whole = WholeEvents()
    whole.feed(b'id: a.1\ndata: {"token": "#0.. "}\n\nid: a.2\ndata: {"token": "#1.. "}\n')
    assert (whole.tokens, whole.last_event_id) == (1, "a.1")
    whole.feed(b"\n")
    assert (whole.tokens, whole.last_event_id) == (2, "a.2")
