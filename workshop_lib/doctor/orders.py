"""What somebody ordered on the command line, checked, and made into an examination."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from workshop_lib.doctor.discovery import Wanted
from workshop_lib.doctor.examination import Examination
from workshop_lib.doctor.finding import Diagnosis, Probe, failing
from workshop_lib.doctor.hosts import check_host
from workshop_lib.doctor.patient import START_TIMEOUT_S, Command, Patient, Running
from workshop_lib.doctor.probes import PROBES
from workshop_lib.doctor.reports.machine import Report
from workshop_lib.doctor.ward import NORMAL, QUICK, STRANGERS, THOROUGH, Doses


@dataclass(frozen=True)
class Orders:
    """The command line's options under their names."""

    command: str | None = None
    url: str | None = None
    llm_port: int | None = None
    variables: tuple[str, ...] = ()
    path: str | None = None
    method: str | None = None
    headers: tuple[str, ...] = ()
    body: str | None = None
    preset: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    quick: bool = False
    thorough: bool = False
    wait_s: float | None = None
    strict: bool = False
    allowed: tuple[str, ...] = ()
    json_path: str | None = None
    junit_path: str | None = None
    html_path: str | None = None

    @property
    def target(self) -> str:
        """What is examined, in a word."""
        return self.command or self.url or ""

    @property
    def mode(self) -> str:
        return "quick" if self.quick else "thorough" if self.thorough else "normal"

    @property
    def doses(self) -> Doses:
        """How much the server gets."""
        doses = {"quick": QUICK, "thorough": THOROUGH, "normal": NORMAL}[self.mode]
        return doses if self.wait_s is None else replace(doses, wait_s=self.wait_s)

    def wanted(self) -> Wanted:
        """Return what is said of the request; raises ValueError for a header that is none."""
        headers = [header.partition(":") for header in self.headers]
        if bad := [name for name, colon, _ in headers if not colon]:
            raise ValueError(f"{bad[0]!r} is no header. Write it like 'Authorization: Bearer x'.")
        pairs = tuple((name.strip(), value.strip()) for name, _, value in headers)
        return Wanted(self.path or _path_of(self.url), self.method, self.body, self.preset, pairs)


async def carry_out(orders: Orders, tell: Callable[[str | Diagnosis], None]) -> Report:
    """Examine as ordered; `tell` hears of each diagnosis.

    Raises CannotExamine, NotAllowed or ValueError, with what to order instead.
    """
    examination = examination_for(orders, tell)
    diagnoses = await examination.run()
    sick = bool(failing(diagnoses, orders.strict))
    asking, framework = str(examination.asking), examination.framework
    return Report(orders.target, asking, framework, orders.mode, sick, diagnoses)


def examination_for(orders: Orders, tell: Callable[[str | Diagnosis], None]) -> Examination:
    """Make the examination; raises ValueError or NotAllowed with what to order instead."""
    if bool(orders.command) == bool(orders.url):
        raise ValueError(
            "Give --run with the command that starts your server, or --url with the address of one "
            "that runs."
        )
    doses, command, url = orders.doses, orders.command, orders.url
    probes, wanted = pick(orders.only, orders.skip), orders.wanted()
    if url and not check_host(url, orders.allowed):
        doses = doses.at_most(STRANGERS)

    patience_s = START_TIMEOUT_S if orders.llm_port else 0.0

    def make(env: Mapping[str, str]) -> Patient:
        return (
            Command(command, own_env(env, orders.variables))
            if command
            else Running(url or "", patience_s)
        )

    return Examination(make, wanted, probes, doses, 0 if command else orders.llm_port, tell)


def own_env(env: Mapping[str, str], variables: Sequence[str]) -> dict[str, str]:
    """Add what a server needs besides, such as the LLM's address by a name of its own.

    Raises ValueError for a variable that is to be passed on and is not set.
    """
    added = dict(env)
    for variable in variables:
        name, given, value = variable.partition("=")
        if not given and name not in os.environ:
            raise ValueError(f"--env {name}: it is not set here. Write --env {name}=VALUE.")
        value = value if given else os.environ[name]
        for known, its in env.items():
            value = value.replace(f"{{{known}}}", its)
        added[name] = value
    return added


def pick(only: Sequence[str], skip: Sequence[str]) -> list[Probe]:
    """Return the probes to run; raises ValueError for a name that none has."""
    names = [probe.id for probe in PROBES]
    for name in (*only, *skip):
        if name not in names:
            raise ValueError(f"There is no probe {name!r}. There are: {', '.join(names)}.")
    return [p for p in PROBES if (not only or p.id in only) and p.id not in skip]


def _path_of(url: str | None) -> str | None:
    """Return the path that an address names; one without leaves it to be found out."""
    parts = urlsplit(url or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return path if path not in ("", "/") else None
