"""Do a budget and a limit of streams keep a greedy user in bounds, and nobody else from answers?"""

from typing import Any, cast

from servers import step5_metered
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.crowd.habits import Leaver
from workshop_lib.pipe.crowd.mix import habits_for
from workshop_lib.sharing import judge_shares, most_allowed_tokens, tokens_by_user

GREEDY = "greedy"
POLITE, ASKS = 9, 10
ANSWER_TOKENS, LEAVES_AFTER = 150, 120
MOST_TOKENS = 300
MIX = {f"leaver:{LEAVES_AFTER}": ASKS, "steady": POLITE}
NAMES = ("BUDGET_TOKENS", "MAX_STREAMS_PER_USER")


async def judge_budget(attempt: Any) -> str:
    settings = _checked(attempt)
    recording = await _run(settings)
    got = tokens_by_user(recording)[GREEDY]
    verdict = judge_shares(recording)
    if "asked once" in verdict.evidence:
        raise NotYet(
            f"{verdict.evidence} A budget must let through what a polite user asks for: "
            f"{ANSWER_TOKENS} tokens."
        )
    if int(settings["BUDGET_TOKENS"]) > MOST_TOKENS:
        raise NotYet(
            f"greedy got {got:,} tokens, and {MOST_TOKENS} are allowed. It asks again and again: "
            "fewer streams at once only make it wait, so the budget has to end it."
        )
    if (most := most_allowed_tokens(recording)) > MOST_TOKENS:
        raise NotYet(
            f"greedy got {got:,} tokens this time, and may get {most:,}: each of its streams "
            "notices only at its next charge, up to 21 tokens later, that nothing is left. Leave "
            "room for that, by fewer streams or a smaller budget."
        )
    if got > MOST_TOKENS:
        raise NotYet(f"greedy got {got:,} tokens: step5_metered does not charge as it should.")
    return (
        f"greedy left each answer early and was still charged for it: it got {got:,} tokens, of "
        f"{MOST_TOKENS} at most. All {POLITE} polite users got their {ANSWER_TOKENS}."
    )


def _checked(attempt: Any) -> dict[str, str]:
    if not isinstance(attempt, dict) or set(cast(dict[Any, Any], attempt)) != set(NAMES):
        raise NotYet(f"The check got {attempt!r}. Give a dictionary of {' and '.join(NAMES)}.")
    for name, value in cast(dict[str, Any], attempt).items():
        if type(value) is not int or value < 1:
            raise NotYet(f"{name} is {value!r}. Set it to a whole number above 0.")
    return {name: str(value) for name, value in cast(dict[str, int], attempt).items()}


async def _run(settings: dict[str, str]) -> Recording:
    """Let all ask within 2 s; greedy has no name but this, however often it asks."""
    planned = Experiment(step5_metered, POLITE + ASKS, MIX)
    polite = (f"polite {number}" for number in range(1, POLITE + 1))
    users = [
        GREEDY if isinstance(habit, Leaver) else next(polite)
        for habit in habits_for(planned.readers, planned.mix, planned.seed)
    ]
    experiment = Experiment(
        step5_metered,
        planned.readers,
        planned.mix,
        users=users,
        tokens_per_s=200,
        answer_tokens=ANSWER_TOKENS,
        ramp_s=2,
        seconds=3.5,
        time_lapse=4,
        env=settings,
    )
    return await experiment.run()
