"""Ten cases and twelve causes: each case examined once, each cause held against what was seen."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace

import pytest

from tests.mechanism import children
from workshop_lib.cases import examination
from workshop_lib.cases.case import CASES, THINKS_S, Case
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.diagnosis import diagnose, fitting
from workshop_lib.cases.evidence import Evidence, evidence_of
from workshop_lib.cases.examination import (
    DISTURBED_S,
    MOST_ROUNDS,
    Examination,
    examine,
    examined,
)
from workshop_lib.cases.remedies import REMEDIES
from workshop_lib.meter.recording import Recording, Sample
from workshop_lib.pipe.proxy import Proxy

pytestmark = pytest.mark.measures

# step4 with nothing broken, behind a proxy that would gather, and cut it off while its LLM thinks
HEALTHY = Case(
    "healthy",
    "",
    "",
    proxy=Proxy(http="1.0", idle_s=THINKS_S * 0.8, ours=True),
    thinks_s=THINKS_S,
    env={"HEARTBEAT_S": str(THINKS_S / 4)},
)


@pytest.fixture(scope="module")
def evidence() -> dict[str, Evidence]:
    """What was seen of all cases; the exercises' tests see the same."""

    async def see() -> dict[str, Evidence]:
        seen = await asyncio.gather(examined("".join(CASES)), examine(HEALTHY))
        return {one.case.letter: evidence_of(one) for some in seen for one in some}

    return asyncio.run(see())


@pytest.mark.parametrize("letter", CASES)
def test_only_the_true_cause_fits(letter: str, evidence: dict[str, Evidence]) -> None:
    assert fitting(evidence[letter]) == [CASES[letter].cause], evidence[letter]


def test_no_cause_fits_where_nothing_is_broken(evidence: dict[str, Evidence]) -> None:
    assert fitting(evidence["healthy"]) == [], evidence["healthy"]
    assert evidence["healthy"].browser_ended == "complete"


@pytest.mark.parametrize("letter", CASES)
@pytest.mark.parametrize("cause", CAUSES)
def test_a_wrong_cause_is_told_what_excludes_it(
    letter: str, cause: str, evidence: dict[str, Evidence]
) -> None:
    case = CASES[letter]
    finding = diagnose(case, cause, evidence[letter])
    assert finding.right == (cause == case.cause)
    measured = CAUSES[cause].measured(evidence[letter])
    if finding.right:
        remedy = REMEDIES[cause]
        wanted = f"{cause} it is. Measured: {measured}. The repair: {remedy.fix} "
    else:
        wanted = f"{cause} is excluded. Measured: {measured}. Under that cause it would be: "
    assert finding.text.startswith(wanted)
    assert finding.text.endswith(".")


def test_ten_causes_are_true_of_one_case_each_and_two_of_none() -> None:
    assert len(CASES) == len({case.cause for case in CASES.values()}) == 10
    assert set(CAUSES) - {case.cause for case in CASES.values()} == {
        "blocked-loop",
        "lossy-network",
    }
    assert set(REMEDIES) == {case.cause for case in CASES.values()}


def test_a_run_that_was_disturbed_says_so_and_excludes_nothing(
    evidence: dict[str, Evidence],
) -> None:
    disturbed = replace(evidence["B"], held_share=0.9, queued_share=0.1)
    for cause in ("proxy-gathers", "nobody-waits"):
        finding = diagnose(CASES["B"], cause, disturbed)
        assert not finding.right
        assert finding.text.startswith(f"This run does not decide about {cause}: ")
        assert finding.text.endswith("Examine case B again, when less else is running.")


def test_a_decoy_would_be_found_if_it_were_true(evidence: dict[str, Evidence]) -> None:
    blocked = replace(evidence["healthy"], steady_share=0.1)
    lossy = replace(evidence["healthy"], disorder="reader 1: token 3 came where token 2 was due")
    assert fitting(blocked) == ["blocked-loop"]
    assert fitting(lossy) == ["lossy-network"]


def test_a_cause_that_is_not_listed_is_answered_with_the_list(
    evidence: dict[str, Evidence],
) -> None:
    with pytest.raises(ValueError, match=r"No cause is called 'magic'\. Take one of proxy-gathers"):
        diagnose(CASES["A"], "magic", evidence["A"])


async def test_a_case_that_the_machine_has_disturbed_is_examined_again_and_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = {"B": [0.1], "D": [DISTURBED_S + 0.1, 0.1], "F": [1.0, 1.0, 1.0, 1.0]}
    asked, at_work = list[str](), set[str]()

    async def examined_in(case: Case) -> Examination:
        assert not at_work or len(asked) < len(late), "a second look has nothing beside it"
        at_work.add(case.letter)
        await asyncio.sleep(0)
        at_work.remove(case.letter)
        asked.append(case.letter)
        apart_s = late[case.letter][asked.count(case.letter) - 1]
        samples = [Sample(0.0, {}), Sample(apart_s, {})]
        return Examination(case, Recording({}, samples))

    monkeypatch.setattr(examination, "_in_a_thread", examined_in)
    monkeypatch.setattr(examination, "_seen", {})
    seen = await examine(CASES["D"], CASES["B"], CASES["F"])
    assert [one.case.letter for one in seen] == ["D", "B", "F"]
    assert Counter(asked) == {"B": 1, "D": 2, "F": MOST_ROUNDS}
    assert [one.disturbed for one in seen] == [False, False, True]


async def test_an_interrupted_examination_leaves_nothing() -> None:
    def threads() -> set[threading.Thread]:
        # an event loop's own threads for blocking calls live as long as it does
        return {one for one in threading.enumerate() if not one.name.startswith("asyncio_")}

    before = threads()
    running = asyncio.create_task(examine(HEALTHY))
    while len(children()) < 3:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not children()
    assert threads() == before
