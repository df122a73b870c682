"""The doctor before some patients of known truth; `make patients` shows it all of them."""

from dataclasses import replace

import pytest

from tests.doctor_truth import examine
from tests.patients.patient import Patient
from workshop_lib.doctor.ward import QUICK

pytestmark = pytest.mark.measures

TELLING = [
    ("Express: hoards", "backpressure"),
    ("Express: compresses", "arrival_compressed"),
    ("Hono: no_signal", "cancel_streaming"),
    ("AI SDK: healthy", "integrity"),
]


@pytest.mark.parametrize(("name", "probe"), TELLING)
def test_the_truth_is_found(name: str, probe: str, patients: list[Patient]):
    (patient,) = [one for one in patients if one.name == name]
    (seen,) = examine(patient, [probe], replace(QUICK, late_s=20.0))
    assert seen.found == seen.truth, seen.evidence
