"""The two ways to measure an incident: an experiment with its judge, or one of the doctor's probes.

Both put the server between our LLM and our readers, and both come to an outcome with its evidence.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from servers.common import Handler
from workshop_lib.doctor.asking import Asking
from workshop_lib.doctor.finding import Probe
from workshop_lib.doctor.llm_env import llm_env
from workshop_lib.doctor.patient import Running
from workshop_lib.doctor.ward import QUICK, Ward
from workshop_lib.experiment import Experiment
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.node import install_packages
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.upstream import app_of
from workshop_lib.verdict import Verdict

# A second for a minute of a proxy's or a heartbeat's clock, as in lesson 08; tokens come at their
# usual pace. It also says that a quick run has nothing to hurry: these are short at any pace.
TIME_LAPSE = 60.0


Served = ModuleType | Handler | Sequence[str]


class Found(NamedTuple):
    """An outcome, and in a sentence what it rests on; an experiment's `recording` as well."""

    outcome: str
    evidence: str
    recording: Recording | None = None


class Measurement(Protocol):
    """What turns a server into an outcome."""

    @property
    def instrument(self) -> str: ...
    async def of(self, served: Any, stopping: threading.Event) -> Found: ...


@dataclass(frozen=True)
class Run:
    """An experiment with these settings, and the judge of its recording."""

    judge: Callable[[Recording], Verdict]
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def instrument(self) -> str:
        """Name the judge as its module does."""
        return f"{self.judge.__module__.rpartition('.')[2]}.{self.judge.__name__}"

    async def of(self, served: Served, stopping: threading.Event) -> Found:
        if not isinstance(served, ModuleType) and not callable(served):
            await asyncio.to_thread(install_packages)
        experiment = Experiment(served, time_lapse=TIME_LAPSE, **self.settings)
        recording = await experiment.run(stopping=stopping)
        verdict = self.judge(recording)
        return Found(verdict.outcome, verdict.evidence, recording)


@dataclass(frozen=True)
class Examined:
    """One probe of the doctor."""

    probe: Probe

    @property
    def instrument(self) -> str:
        """Name the probe as `stream-doctor --only` does."""
        return f"doctor: {self.probe.id}"

    async def of(self, served: Handler, stopping: threading.Event) -> Found:
        """Probe to the end: in a few seconds it is through, and in the middle it has readers."""
        with FakeLLM() as llm, ServerThread(lambda: app_of(served), env=llm_env(llm)) as server:
            ward = Ward(Running(server.url), llm, Asking("/chat"), QUICK)
            finding = await self.probe.run(ward)
        return Found(finding.verdict, finding.evidence)
