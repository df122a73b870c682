"""Exercises of lesson 10: read a report, and let one decide."""

from typing import Any

from workshop_lib.exercises.checks.gate import judge_gate
from workshop_lib.exercises.checks.repairs import FINDINGS, REPAIRED_IN, judge_repairs
from workshop_lib.exercises.contract import Exercise


def my_gate(report: dict[str, Any], required: list[str]) -> list[str]:
    return [probe["id"] for probe in report["probes"] if probe["verdict"] == "sick"]


def gate(report: dict[str, Any], required: list[str]) -> list[str]:
    found = {probe["id"]: probe for probe in report["probes"]}
    stops = [
        name
        for name, probe in found.items()
        if probe["verdict"] == "sick" and probe["severity"] == "harm"
    ]
    for name in required:
        verdict = found[name]["verdict"] if name in found else "not examined"
        if name not in stops and verdict not in ("healthy", "not_applicable"):
            stops.append(name)
    return stops


find_the_repair = Exercise(
    name="find_the_repair",
    task="Name for each finding the first step of the ladder at which the doctor is content.",
    starter="\n" + "".join(f"{finding}:\n" for finding in FINDINGS),
    answer="\n" + "".join(f"{finding}: {REPAIRED_IN[finding]}\n" for finding in FINDINGS),
    hints=(
        "The ladder is step1_broken, step2_fixed, step3_cancelling, step4_production. Each step "
        "repairs what its lesson, or lessons, were about.",
        'Ask the doctor: `await examine(express_server("step2_fixed"), only=FOUR)` shows what is '
        "left of this report at the next step.",
        "Two of the findings go at the same step. What stands between a server and its readers is "
        "the matter of the last one.",
    ),
    judge=judge_repairs,
    variable="my_repairs",
)

gate_the_deployment = Exercise(
    name="gate_the_deployment",
    task=(
        "Return the ids of the probes because of which a deployment is stopped: those that are "
        "sick and do harm, and those of `required` of which nothing good is proved. Advice stops "
        "nothing, and neither does what is not applicable."
    ),
    starter=my_gate,
    answer=gate,
    hints=(
        'A probe\'s `severity` is "harm" or "advice", and both can be sick.',
        'Of a probe that is "unclear" the doctor knows nothing, neither good nor bad: let it stop '
        "you if it is in `required`, and only then.",
        "A probe that was left out with --skip stands nowhere in the report. Go through `required` "
        "as well, and not only through what is there.",
    ),
    judge=judge_gate,
)
