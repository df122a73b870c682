"""At which step of the ladder in Express is a finding gone? The doctor is asked at each of them."""

import asyncio
import threading
from typing import Any

from workshop_lib.doctor.finding import Diagnosis
from workshop_lib.doctor.notebook import orders_for
from workshop_lib.doctor.orders import Orders, carry_out
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.express import express_server

LADDER = ("step1_broken", "step2_fixed", "step3_cancelling", "step4_production")
REPAIRED_IN = {
    "backpressure": "step2_fixed",
    "cancel_streaming": "step3_cancelling",
    "cancel_before_first_token": "step3_cancelling",
    "proxy_headers": "step4_production",
}
FINDINGS = tuple(REPAIRED_IN)
LOOK_S = 0.1
AT_ONCE = 2

Found = dict[str, Diagnosis]

_found: dict[str, Found] = {}
_one_at_a_time = threading.Lock()


async def judge_repairs(attempt: Any) -> str:
    named = _named(attempt)
    found = await _examined()
    wrong = [said for finding, step in named.items() if (said := _objection(found, finding, step))]
    right, missing = len(named) - len(wrong), [one for one in FINDINGS if one not in named]
    if wrong:
        told = "\n".join(wrong)
        raise NotYet(f"{right} of {len(FINDINGS)} are right.\n{told}")
    if missing:
        raise NotYet(f"{right} of {len(FINDINGS)} are right. Name a step for {', '.join(missing)}.")
    return f"All {right} are right: at each step the doctor was asked again, just now."


def _objection(found: dict[str, Found], finding: str, step: str) -> str:
    """Say what the doctor has found that speaks against a step; nothing for the right one."""
    at, before = LADDER.index(step), LADDER.index(step) - 1
    here = found[step][finding]
    if here.verdict == "unclear":
        return (
            f"{finding}: {step} is unclear: {here.finding.evidence} Check again on a quiet machine."
        )
    if here.verdict != "healthy":
        return f"{finding}: {step} is {here.verdict} still: {here.finding.evidence} Climb on."
    earlier = found[LADDER[before]][finding] if at else None
    if earlier and earlier.verdict == "healthy":
        said = earlier.finding.evidence
        return f"{finding}: {step} is healthy, and so is the step before it: {said} Climb down."
    return ""


async def _examined() -> dict[str, Found]:
    """Return what the doctor finds at each step, and examine the ladder if nobody has done so."""
    # another thread may be at it, and what it finds will do
    while not _one_at_a_time.acquire(blocking=False):  # noqa: ASYNC110 - its loop is another
        await asyncio.sleep(LOOK_S)
    try:
        left = [step for step in LADDER if step not in _found]
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(_examine(step, places)) for step in left]
        _found.update({step: task.result() for step, task in zip(left, running, strict=True)})
    finally:
        _one_at_a_time.release()
    return _found


async def _examine(step: str, places: asyncio.Semaphore) -> Found:
    """Examine a step; once more if the machine was too busy for all to be clear."""
    orders = orders_for(express_server(step), only=FINDINGS)
    async with places:
        found = await _found_by(orders)
        if any(one.verdict == "unclear" for one in found.values()):
            found = await _found_by(orders)
    return found


async def _found_by(orders: Orders) -> Found:
    report = await carry_out(orders, lambda news: None)
    return {one.probe.id: one for one in report.diagnoses}


def _named(attempt: Any) -> dict[str, str]:
    """Read a line a finding, such as "backpressure: step2_fixed"; blank ones are passed over."""
    if not isinstance(attempt, str):
        raise NotYet(f"The check got {attempt!r}. Give it a text, with a line for each finding.")
    named: dict[str, str] = {}
    for line in attempt.split("\n"):
        finding, _, step = (part.strip() for part in line.partition(":"))
        if finding and finding not in FINDINGS:
            raise NotYet(
                f"{finding!r} is no finding of this report. Begin a line with one of "
                f"{', '.join(FINDINGS)}."
            )
        if step and step not in LADDER:
            raise NotYet(f"No step is called {step!r}. Take one of {', '.join(LADDER)}.")
        if step:
            named[finding] = step
    return named
