"""The patients are many and differ. Whether their truths hold is for the doctor's tests to say."""

from pathlib import Path

import pytest

from tests.patients.catalogue import PATIENTS
from tests.patients.truth import BY_FLAW, DOUBTFUL, PROBES

HERE = Path(__file__).parent
SOURCES = "".join(path.read_text() for path in (HERE / "patients").rglob("*patient.py")) + "".join(
    path.read_text()
    for pattern in ("relay.py", "flaws.py", "blocking.py", "node/*.mjs")
    for path in (HERE / "patients").glob(pattern)
)


def test_there_are_many_and_none_twice():
    assert len(PATIENTS) >= 60
    assert len({patient.name for patient in PATIENTS}) == len(PATIENTS)
    asked = [(one.command, one.path, tuple(one.env.items())) for one in PATIENTS]
    assert len(set(asked)) == len(asked)


def test_truths_are_of_probes_and_each_has_both_verdicts():
    told = {(probe, verdict) for one in PATIENTS for probe, verdict in one.truth.items()}
    assert {probe for probe, _ in told} <= set(PROBES)
    one_sided = {"memory"}  # nothing certain is known of it
    for probe in set(PROBES) - one_sided:
        assert {(probe, "healthy"), (probe, "sick")} <= told, probe


@pytest.mark.parametrize("flaw", sorted({*BY_FLAW, *DOUBTFUL} - {"healthy"}))
def test_a_flaw_is_written_somewhere_and_somebody_has_it(flaw: str):
    assert f'"{flaw}"' in SOURCES or f"'{flaw}'" in SOURCES
    assert any(patient.env.get("FLAW") == flaw for patient in PATIENTS)
