"""An examination: a patient, its LLM, and probes, each on a server that the last left well."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from workshop_lib.doctor.asking import Asking
from workshop_lib.doctor.discovery import Wanted, discover
from workshop_lib.doctor.finding import Diagnosis, Finding, Probe
from workshop_lib.doctor.frameworks import framework_of
from workshop_lib.doctor.llm_env import llm_env
from workshop_lib.doctor.outside import look_from_outside, outside_answer
from workshop_lib.doctor.patient import CannotExamine, Command, Patient
from workshop_lib.doctor.reference import paced_answer
from workshop_lib.doctor.remedies import remedy_for
from workshop_lib.doctor.ward import QUICK, Doses, Ward
from workshop_lib.pipe.fake_llm import FakeLLM

MakePatient = Callable[[Mapping[str, str]], Patient]
PROBE_LIMIT_S = 200.0


@dataclass
class Examination:
    """Examines one server by `probes`; `tell` hears of each diagnosis, and of what was found out.

    `make_patient` gets the variables that point a server to the doctor's LLM. Raises
    CannotExamine where there is nothing to examine.
    """

    make_patient: MakePatient
    wanted: Wanted
    probes: Sequence[Probe]
    doses: Doses
    llm_port: int | None = 0
    tell: Callable[[str | Diagnosis], None] = lambda news: None
    framework: str = ""
    asking: Asking = field(default_factory=lambda: Asking("/chat"))
    diagnoses: dict[str, Diagnosis] = field(default_factory=dict[str, Diagnosis])

    async def run(self) -> list[Diagnosis]:
        """Return the diagnoses in the order of the probes."""
        with ExitStack() as leaving:
            ward = await self._admit(leaving, self.llm_port)
            await self._get_to_know(ward)
            lanes = self._lanes(_can_double(ward.patient))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._round(ward, lanes[0]))
                beside = [
                    group.create_task(self._round_beside(leaving, ward, probes))
                    for probes in lanes[1:]
                ]
            for left_over in beside:
                await self._round(ward, left_over.result())
        return [self.diagnoses[probe.id] for probe in self.probes]

    def _lanes(self, side_by_side: bool) -> list[list[Probe]]:
        """Deal the probes out; what cannot run twice is examined by one after the other."""
        if not side_by_side:
            return [list(self.probes)]
        names = dict.fromkeys(probe.lane for probe in self.probes)
        return [[probe for probe in self.probes if probe.lane == name] for name in names]

    async def _get_to_know(self, ward: Ward) -> None:
        """Find out how it is asked and what answers."""
        if ward.llm:
            self.asking = await discover(ward, self.wanted)
            self.tell(f"{self.asking} reaches the LLM.")
            first = await paced_answer(ward)
        else:
            ward.asking = self.asking = self.wanted.first()
            self.tell(f"Asked by {self.asking}, with an LLM that is not the doctor's.")
            first = await outside_answer(ward)
        self.framework = framework_of(first.witness.headers)

    async def _admit(self, leaving: ExitStack, llm_port: int | None) -> Ward:
        """Start an LLM, and a patient that is pointed to it; both end with the stack."""
        llm = None
        if llm_port is not None:
            llm = await _to_its_end(lambda: leaving.enter_context(FakeLLM(port=llm_port)))
        env = llm_env(llm) if llm else {}
        if llm_port:
            self.tell("The server must have been started with:")
            self.tell("\n".join(f"export {name}={value}" for name, value in env.items()))
        patient = self.make_patient(env)
        leaving.callback(patient.stop)
        await patient.start()
        return Ward(patient, llm, self.asking, self.doses)

    async def _round_beside(
        self, leaving: ExitStack, ward: Ward, probes: Sequence[Probe]
    ) -> Sequence[Probe]:
        """Examine a second patient of the same kind; return what is left over if there is none."""
        try:
            beside = await self._admit(leaving, 0)
        except CannotExamine:
            return probes
        beside.asking, beside.notes = ward.asking, ward.notes
        await self._round(beside, probes)
        return []

    async def _round(self, ward: Ward, probes: Sequence[Probe]) -> None:
        for probe in probes:
            began_s = time.monotonic()
            finding = await self._with_its_life(ward, probe)
            remedy = remedy_for(probe.id, finding.verdict, self.framework)
            diagnosis = Diagnosis(probe, finding, remedy, time.monotonic() - began_s)
            self.diagnoses[probe.id] = diagnosis
            self.tell(diagnosis)

    async def _with_its_life(self, ward: Ward, probe: Probe) -> Finding:
        """Examine, and see whether the server lives: a death counts before all else, and once."""
        if not await _alive(ward):
            return Finding("unclear", f"it no longer answers since {ward.doing}. Start it afresh.")
        listeners = ward.patient.listeners()
        finding = await self._examine(ward, probe)
        harmed = probe.harms and (finding.verdict != "healthy" or self.doses is not QUICK)
        if not await _alive(ward) or listeners - ward.patient.listeners():
            finding, harmed = _died(ward), True
        if harmed:
            with suppress(CannotExamine):  # then it is not alive, which the next probe will say
                await ward.start_afresh()
        return finding

    async def _examine(self, ward: Ward, probe: Probe) -> Finding:
        try:
            async with asyncio.timeout(PROBE_LIMIT_S + 5 * self.doses.wait_s):
                return await (probe.run(ward) if ward.llm else look_from_outside(ward, probe))
        except TimeoutError:
            return Finding("unclear", "it was not through in time: the machine may be too busy.")
        except CannotExamine as problem:
            return Finding("unclear", str(problem))


async def _to_its_end(start: Callable[[], FakeLLM]) -> FakeLLM:
    """Start it in a thread; an interrupt waits until it is known, and so is stopped."""
    starting = asyncio.create_task(asyncio.to_thread(start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        raise


def _can_double(patient: Patient) -> bool:
    return isinstance(patient, Command) and patient.obeys_port


async def _alive(ward: Ward) -> bool:
    """Look twice: a server that restarts itself is not dead."""
    if ward.patient.alive():
        return True
    await asyncio.sleep(0.5)
    return ward.patient.alive()


def _died(ward: Ward) -> Finding:
    words = ward.patient.last_words()
    said = f"it died while {ward.doing}" + (f"; its last words: {words}" if words else "")
    return Finding("sick", f"{said}.")
