"""Does a load test tell a server that hoards from one that does not?"""

from types import ModuleType
from typing import Any

from servers import step1_broken, step2_fixed
from workshop_lib.exercises.calling import call
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import HEALTHY, judge

WANTED = {step1_broken: "growing", step2_fixed: "bounded"}
LEAST_SHARE_OF_WHO_KEEPS_UP = 0.8
MOST = {"seconds": 30, "readers": 100, "tokens_per_s": 100, "token_bytes": 256}


async def judge_load_test(attempt: Any) -> str:
    if not callable(attempt):
        raise NotYet(
            f"The check got {attempt!r}. Give it your function, by its name and without "
            "parentheses: it is called once with each server."
        )
    asked = [(_asked_for(attempt, server), wanted) for server, wanted in WANTED.items()]
    lines: list[str] = []
    for experiment, wanted in asked:
        recording = await _run(experiment)
        _check_readers(recording)
        verdict = judge(recording)
        if verdict.outcome != wanted:
            raise NotYet(
                f"It ought to find {experiment.name} {wanted}, and its verdict is {verdict}"
                f"{_advice(experiment, recording) if verdict.outcome == 'unclear' else ''}"
            )
        lines.append(f"{experiment.name} is {verdict}")
    return "\n".join(lines)


def _asked_for(attempt: Any, server: ModuleType) -> Experiment:
    """Return what the learner's function describes, within what a check may take."""
    experiment = call(attempt, server)
    if not isinstance(experiment, Experiment):
        raise NotYet(
            f"Your function returned {experiment!r}. End it with `return Experiment(server, ...)`."
        )
    if experiment.server is not server:
        raise NotYet(
            f"Your function was given {server.__name__} and tests {experiment.name}. Pass on the "
            "server that it gets: Experiment(server, ...)."
        )
    for name, most in MOST.items():
        asked = getattr(experiment, name)
        if not isinstance(asked, int | float) or not 0 < asked <= most:
            raise NotYet(f"It asks for {name}={asked!r}. Take more than 0 and at most {most:,}.")
    return experiment


def _advice(experiment: Experiment, recording: Recording) -> str:
    if not any(habit != HEALTHY for habit in recording.setup["mix"]):
        return ""
    if 0 in (experiment.buffers.server_sndbuf, experiment.buffers.reader_rcvbuf):
        return (
            " The kernel's own buffers take megabytes for each reader, which no load test fills: "
            "leave `buffers` out, and they are small."
        )
    return (
        f" {experiment.seconds:g} seconds were not enough to fill the sockets and to see what "
        "happens then: take more."
    )


def _check_readers(recording: Recording) -> None:
    """Find what makes a run say nothing about its server."""
    slow = recording.samples[-1].group(h for h in recording.setup["mix"] if h != HEALTHY)
    got = f"The slow readers got {slow.received_tokens:,} of {slow.produced_tokens:,} tokens"
    if slow.open < slow.readers:
        raise NotYet(
            f"{got}, and {slow.readers - slow.open:,} of their {slow.readers:,} answers came to an "
            "end. Let the answers outlast the run, and the readers stay."
        )
    if slow.received_tokens > slow.produced_tokens * LEAST_SHARE_OF_WHO_KEEPS_UP:
        raise NotYet(f"{got}: they keep up, and nothing has to wait. Let them stop reading.")


async def _run(experiment: Experiment) -> Recording:
    try:
        return await experiment.run()
    except ValueError as problem:  # a mix or a knob that cannot be; the text says what can
        raise NotYet(str(problem)) from None
