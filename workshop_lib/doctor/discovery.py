"""Which request makes the server ask its LLM: found by trying the usual ones, in their order."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from workshop_lib.doctor.asking import PATHS, PRESETS, PROMPT, Asking
from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.doctor.visit import Visit, until
from workshop_lib.doctor.ward import Ward

NO_SUCH_PATH = (404, 501)
OTHER_METHOD = 405
UNAVAILABLE = 503
UNPROCESSABLE = 422
TRY_S = 20.0
WARM_UP_S = 15.0
TAGS = re.compile(r"<style.*?</style>|<[^>]*>", re.DOTALL)
QUERIES = ("prompt", "message", "q", "query", "question", "input")


@dataclass(frozen=True)
class Wanted:
    """What the command line says of the request; None: to be found out."""

    path: str | None = None
    method: str | None = None
    body: str | None = None
    preset: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def first(self) -> Asking:
        """Return the likeliest request, where none can be tried out."""
        return next(self.askings())[0]

    def askings(self) -> Iterator[list[Asking]]:
        """Yield, path by path, the requests to try."""
        headers = dict(self.headers)
        bodies = PRESETS if self.preset is None else {self.preset: PRESETS[self.preset]}
        if self.body is not None:
            bodies = {"body": self.body}
        for path in PATHS if self.path is None else [self.path]:
            shapes = [Asking(path, self.method or "POST", *one) for one in _ordered(path, bodies)]
            if self.method == "GET" or (self.method is None and self.body is None):
                shapes += _gets(path)
            if self.method == "GET":
                shapes = _gets(path)
            yield [replace(shape, headers=headers) for shape in shapes]


def _ordered(path: str, bodies: dict[str, str]) -> Iterator[tuple[str, dict[str, str], str]]:
    first = {"/v1/chat/completions": "openai"}.get(path, "prompt")
    for name in sorted(bodies, key=lambda name: name != first):
        yield bodies[name], {}, name


def _gets(path: str) -> list[Asking]:
    if PROMPT in path:
        return [Asking(path, "GET", "", preset="path")]
    sign = "&" if "?" in path else "?"
    return [Asking(f"{path}{sign}{name}={PROMPT}", "GET", "", preset=name) for name in QUERIES]


class Answered(NamedTuple):
    """What a request brought that did not reach the LLM."""

    status: int | None
    text: str


async def discover(ward: Ward, wanted: Wanted) -> Asking:
    """Return the first request that reached the LLM; raises CannotExamine with what came."""
    give_up_s = time.monotonic() + WARM_UP_S
    while True:
        answers: list[Answered] = []
        for shapes in wanted.askings():
            if found := await _on_path(ward, shapes, answers):
                return found
        warming = all(one.status == UNAVAILABLE for one in answers)
        if not warming or time.monotonic() > give_up_s:
            raise CannotExamine(_nothing_found(ward, answers))
        await asyncio.sleep(1)


async def _on_path(ward: Ward, shapes: list[Asking], answers: list[Answered]) -> Asking | None:
    """Try the requests for one path; note the most telling answer."""
    methods = {shape.method for shape in shapes}
    told: list[Answered] = []
    for asking in shapes:
        if asking.method not in methods:
            continue
        visit = await _try(ward, asking)
        if visit.rows():
            await visit.witness.read_all(TRY_S)
            visit.witness.leave()
            return asking
        visit.witness.leave()
        told.append(_answered(asking, visit))
        if not ward.patient.alive():  # some die of a body that they do not understand
            await ward.start_afresh()
        if told[-1].status in (*NO_SUCH_PATH, OTHER_METHOD, None):
            methods.discard(asking.method)
        shapes += [one for one in _asked_for(asking, visit) if one not in shapes]
    answers.append(min(told, key=lambda one: one.status or 599))
    return None


async def _try(ward: Ward, asking: Asking) -> Visit:
    ward.asking = asking
    visit = await ward.visit(f"it was asked by {asking}", answer_tokens=12, tokens_per_s=100)
    if visit.witness.ended == "cut":
        raise CannotExamine(f"{ward.patient.origin}: {visit.witness.problem}. Start it first.")
    witness = visit.witness
    done = asyncio.create_task(witness.read(lambda: bool(witness.body.bytes), TRY_S))
    await until(lambda: bool(visit.rows()) or done.done(), TRY_S)
    await until(lambda: bool(visit.rows()), 0.3)
    done.cancel()
    await asyncio.gather(done, return_exceptions=True)
    return visit


def _asked_for(asking: Asking, visit: Visit) -> list[Asking]:
    """Make the body that FastAPI asks for when it says which fields it misses."""
    if visit.witness.status != UNPROCESSABLE:
        return []
    try:
        missing = [error["loc"] for error in json.loads(visit.body())["detail"]]
        fields = {loc[1]: PROMPT for loc in missing if loc[0] == "body" and len(loc) == 2}
    except (ValueError, LookupError, TypeError):
        return []
    return [replace(asking, body=json.dumps(fields), preset="asked for")] if fields else []


def _answered(asking: Asking, visit: Visit) -> Answered:
    witness = visit.witness
    request = f"{asking.method} {asking.path}"
    if witness.status is None:
        why = witness.problem or "it was waited for in vain"
        return Answered(None, f"{request} got no answer ({why})")
    said = " ".join(TAGS.sub(" ", visit.body().decode("utf-8", "replace")).split())[:80]
    return Answered(witness.status, f"{request} answered {witness.status} ({said or 'no body'})")


def _nothing_found(ward: Ward, answers: list[Answered]) -> str:
    origin = ward.patient.origin
    others = [one for one in answers if one.status not in NO_SUCH_PATH]
    said = "; ".join(one.text for one in (others or answers)[:3])
    if any(one.status and one.status < 300 for one in others):
        return (
            f"{origin} answers, and never asks the doctor's LLM: {said}. Let it take the address "
            "of its LLM from OPENAI_BASE_URL, and see that --path and --body are right."
        )
    return (
        f"No request that was tried made {origin} ask its LLM: {said}. "
        "Give the right one with --path, and --preset or --body. The doctor's LLM answers POST "
        "/v1/chat/completions and nothing else."
    )
