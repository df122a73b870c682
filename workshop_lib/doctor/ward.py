"""Where a patient lies: its LLM before it, our readers behind it, one visit after the other."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import psutil

from workshop_lib.doctor.asking import Asking
from workshop_lib.doctor.patient import Patient
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.witness import Witness
from workshop_lib.pipe.fake_llm import Answer, FakeLLM

MIB = 1024 * 1024


@dataclass(frozen=True)
class Doses:
    """How much an examination gives.

    `flood_bytes` goes to one stalled reader; `readers` come at once; `wait_s` is how long a
    silence, or a stalled reader, is waited for; `late_s` how long anything else may take;
    `silence_s` how long the LLM is silent while a reader leaves; `refusals` how many sorts it has.
    """

    flood_bytes: int = 64 * MIB
    readers: int = 20
    wait_s: float = 35.0
    late_s: float = 20.0
    flood_s: float = 45.0
    silence_s: float = 6.0
    refusals: int = 3

    def at_most(self, other: "Doses") -> "Doses":
        """Return these doses, with no more floods and readers than the others'."""
        flood_bytes = min(self.flood_bytes, other.flood_bytes)
        return replace(self, flood_bytes=flood_bytes, readers=min(self.readers, other.readers))


NORMAL = Doses()
QUICK = Doses(40 * MIB, 8, 4.0, 10.0, 10.0, 3.0, 2)
THOROUGH = Doses(128 * MIB, 100, 100.0, 30.0, 120.0, 10.0)
STRANGERS = Doses(24 * MIB, 4, 35.0, 20.0, 20.0)


@dataclass
class Ward:
    """A patient in examination, with the LLM that it calls (None: one that is not ours).

    `notes` holds answers that several probes look at.
    """

    patient: Patient
    llm: FakeLLM | None
    asking: Asking
    doses: Doses
    notes: dict[str, Visit] = field(default_factory=dict[str, Visit])
    doing: str = "it was started"
    visits: int = 0
    rss_grown_bytes: int | None = None
    stalled_at_bytes: int = 0

    async def visit(
        self,
        doing: str,
        *,
        headers: Mapping[str, str] | None = None,
        rcvbuf: int = 0,
        **knobs: float | str,
    ) -> Visit:
        """Turn the LLM's knobs and send a reader, which reads nothing yet; `doing` for the log."""
        self.doing = doing
        self.visits += 1
        prompt = f"Please count, reader {self.visits}-{secrets.token_hex(3)}."
        since = 0
        if self.llm:
            self.llm.set(**(asdict(Answer()) | knobs))
            since = self.llm.totals().streams
        witness = Witness(self.asking.call(self.patient.origin, headers), prompt, rcvbuf)
        visit = Visit(witness, self.llm, since, prompt)
        await witness.ask()
        return visit

    async def start_afresh(self) -> None:
        """Stop the patient and start it again, if it is ours."""
        if self.patient.can_restart:
            # it may take seconds to go, and the readers of another lane must be read for
            await asyncio.to_thread(self.patient.stop)
            await self.patient.start()

    def processes(self) -> list[psutil.Process]:
        """Return the patient's processes."""
        return self.patient.processes()
