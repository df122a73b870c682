"""The doctor before patients of known truth: python -m tests.doctor_truth [PART OF A NAME ...].

Prints a confusion table of what is true against what was found, and each verdict that is wrong;
the exit status is 1 if there is one. `unclear` where the truth is certain is no error, and counted.
"""

import argparse
import asyncio
import shlex
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tests.patients.catalogue import PATIENTS
from tests.patients.patient import NODE, Patient
from workshop_lib.doctor.discovery import Wanted
from workshop_lib.doctor.examination import Examination
from workshop_lib.doctor.finding import Diagnosis, Verdict
from workshop_lib.doctor.orders import pick
from workshop_lib.doctor.patient import CannotExamine, Command
from workshop_lib.doctor.ward import NORMAL, Doses
from workshop_lib.pipe.node import install_packages

VERDICTS: tuple[Verdict, ...] = ("healthy", "sick", "unclear", "not_applicable")


@dataclass(frozen=True)
class Seen:
    """One verdict beside its truth."""

    patient: str
    probe: str
    truth: Verdict
    found: Verdict
    evidence: str

    @property
    def wrong(self) -> bool:
        return self.found not in (self.truth, "unclear")


def examine(patient: Patient, only: Sequence[str], doses: Doses) -> list[Seen]:
    """Examine one patient as the command line would, and set its truth beside the findings."""
    probes = [probe for probe in pick(only, ()) if probe.id in patient.truth]
    command, env = shlex.join(patient.command), patient.env
    wanted = Wanted(patient.path, None, patient.body)
    examination = Examination(lambda llm: Command(command, {**llm, **env}), wanted, probes, doses)
    began_s = time.monotonic()
    try:
        diagnoses = asyncio.run(examination.run())
    except (CannotExamine, RuntimeError) as problem:
        print(f"{patient.name}: COULD NOT EXAMINE. {problem}", flush=True)
        return [Seen(patient.name, "all", "healthy", "not_applicable", str(problem))]
    seen = [_seen(patient, one) for one in diagnoses]
    wrong, unclear = (sum(one.wrong for one in seen), sum(one.found == "unclear" for one in seen))
    took_s = time.monotonic() - began_s
    print(f"{patient.name}: {wrong} wrong, {unclear} unclear of {len(seen)}, {took_s:.0f} s",
          flush=True)  # fmt: skip
    for one in seen:
        if one.found != one.truth:
            print(f"    {one.probe}: {one.truth} in truth, found {one.found}: {one.evidence}",
                  flush=True)  # fmt: skip
    return seen


def _seen(patient: Patient, one: Diagnosis) -> Seen:
    truth = patient.truth[one.probe.id]
    return Seen(patient.name, one.probe.id, truth, one.verdict, one.finding.evidence)


def confusion(seen: Sequence[Seen]) -> str:
    """Write how often each truth was found to be what."""
    counts = Counter((one.truth, one.found) for one in seen)
    head = f"{'true / found':>15}" + "".join(f"{verdict:>16}" for verdict in VERDICTS)
    rows = [
        f"{truth:>15}" + "".join(f"{counts[truth, found]:>16}" for found in VERDICTS)
        for truth in VERDICTS
    ]
    return "\n".join([head, *rows])


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.doctor_truth", description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the patients' names; all without any")
    parser.add_argument("--only", action="append", default=[], help="a probe; may be repeated")
    parser.add_argument(
        "--wait", type=float, default=NORMAL.wait_s, help="seconds, as the doctor's"
    )
    parser.add_argument("--at-once", type=int, default=1, help="patients examined at a time")
    given = parser.parse_args()
    chosen = [one for one in PATIENTS
              if not given.names or any(name in one.name for name in given.names)]  # fmt: skip
    install_packages(NODE)
    doses = replace(NORMAL, wait_s=given.wait)
    with ThreadPoolExecutor(given.at_once) as pool:
        rounds = pool.map(lambda patient: examine(patient, given.only, doses), chosen)
        seen = [one for round_ in rounds for one in round_]
    wrong = [one for one in seen if one.wrong]
    print(f"\n{len(chosen)} patients, {len(seen)} verdicts, {len(wrong)} wrong\n{confusion(seen)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
