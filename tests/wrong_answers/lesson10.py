"""Wrong answers to the two exercises of lesson 10, with what is said of them."""

from typing import Any

ALL_RIGHT = {
    "backpressure": "step2_fixed",
    "cancel_streaming": "step3_cancelling",
    "cancel_before_first_token": "step3_cancelling",
    "proxy_headers": "step4_production",
}


def named(**instead: str) -> str:
    """Returns the right steps with some others in their places."""
    return "\n".join(f"{finding}: {step}" for finding, step in (ALL_RIGHT | instead).items())


REPAIRS: dict[Any, str] = {
    # who waits for the socket notices that a reader has left
    named(cancel_streaming="step2_fixed"): (
        "3 of 4 are right.\ncancel_streaming: step2_fixed is sick still: the LLM had made "
    ),
    # the production server repairs everything, so it is the first to do so
    named(backpressure="step4_production", cancel_streaming="step4_production"): (
        "2 of 4 are right.\nbackpressure: step4_production is healthy, and so is the step before"
    ),
    # before the first token there is nothing to cancel yet
    named(cancel_before_first_token="step4_production"): (
        "cancel_before_first_token: step4_production is healthy, and so is the step before it: "
    ),
    # the fixed server is fixed
    named(proxy_headers="step2_fixed"): "proxy_headers: step2_fixed is sick still: X-Accel-Buffer",
    named(backpressure="step1_broken"): "backpressure: step1_broken is sick still: it pulled all ",
    named(proxy_headers=""): "3 of 4 are right. Name a step for proxy_headers.",
    named(backpressure="step5"): "No step is called 'step5'. Take one of step1_broken, ",
    "crowd: step2_fixed": "'crowd' is no finding of this report. Begin a line with one of ",
    7: "The check got 7. Give it a text, with a line for each finding.",
}

Probes = dict[str, Any]


def all_that_is_not_healthy(report: Probes, required: list[str]) -> list[str]:
    return [probe["id"] for probe in report["probes"] if probe["verdict"] != "healthy"]


def only_what_is_required(report: Probes, required: list[str]) -> list[str]:
    verdicts = {probe["id"]: probe["verdict"] for probe in report["probes"]}
    return [name for name in required if verdicts.get(name) != "healthy"]


def harm_alone(report: Probes, required: list[str]) -> list[str]:
    sick = [probe for probe in report["probes"] if probe["verdict"] == "sick"]
    return [probe["id"] for probe in sick if probe["severity"] == "harm"]


def harm_and_unclear(report: Probes, required: list[str]) -> list[str]:
    unclear = [probe["id"] for probe in report["probes"] if probe["verdict"] == "unclear"]
    return harm_alone(report, required) + unclear


def what_is_there(report: Probes, required: list[str]) -> list[str]:
    unclear = [probe["id"] for probe in report["probes"] if probe["verdict"] == "unclear"]
    return harm_alone(report, required) + [name for name in unclear if name in required]


def whatever_is_not_proved(report: Probes, required: list[str]) -> list[str]:
    healthy = [probe["id"] for probe in report["probes"] if probe["verdict"] == "healthy"]
    harm = harm_alone(report, required)
    return harm + [name for name in required if name not in healthy and name not in harm]


def trusts_the_word(report: Probes, required: list[str]) -> Any:
    return report["sick"]


def looks_for_another_name(report: Probes, required: list[str]) -> list[str]:
    return [probe["id"] for probe in report["diagnoses"]]


GATES: dict[Any, str] = {
    all_that_is_not_healthy: "A server without heartbeats: your gate is closed by heartbeat, ",
    only_what_is_required: "A server that hoards: your gate is closed by backpressure, and what ",
    harm_alone: "A server on a busy machine: your gate is closed by nothing, and what must close ",
    harm_and_unclear: "A server that was examined in haste: your gate is closed by heartbeat, ",
    what_is_there: "A server examined with --skip backpressure: your gate is closed by nothing, ",
    whatever_is_not_proved: "A server of plain text: your gate is closed by completeness, ",
    trusts_the_word: "It returned False. Let it return a list of ids, empty to let pass.",
    looks_for_another_name: "Your function raised KeyError: 'diagnoses', in line {line} of your",
    7: "The check got 7. Give it your function, without parentheses.",
}
