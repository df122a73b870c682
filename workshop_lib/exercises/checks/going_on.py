"""Does a page go on after a cut, where it can, and ask for nothing else by itself?"""

import re
from typing import Any, NamedTuple, cast

from aiohttp import ClientError, ClientSession, ClientTimeout

from servers import step6_resumable
from workshop_lib.exercises.calling import call
from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sse import SseParser
from workshop_lib.pipe.upstream import app_of

ANSWER_TOKENS = 30
CUT_AFTER = (12, 0)
PATIENCE = ClientTimeout(total=20)
NAME, ID = "Vq3kX0aB9sT2mW7c", "Vq3kX0aB9sT2mW7c.12"
_NUMBER = re.compile(r"#(\d+)")

# What is over, and why nothing is to be sent: the arguments, and the reason.
OVER = (
    ((NAME, ID, "done"), "the answer is whole: nothing of it is missing"),
    ((NAME, ID, "stopped"), "its user has stopped it: they do not want the rest"),
    ((NAME, ID, "told"), "the server has said that it broke off: there is no rest to fetch"),
    (("", "", "cut"), "the server gave it no name, so nothing of it is kept: let the user decide"),
)


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]


class Lost(NamedTuple):
    """What a page has of an answer when its connection breaks."""

    name: str
    last_id: str
    numbers: list[int]


async def judge_going_on(attempt: Any) -> str:
    if not callable(attempt):
        raise NotYet(f"The check got {attempt!r}. Give it your function, without parentheses.")
    for arguments, why in OVER:
        if wanted := _next(attempt, *arguments):
            raise NotYet(
                f"For name, last_id and ended = {arguments} your function sends {wanted.method} "
                f"{wanted.path}. There {why}. Return None."
            )
    with (
        FakeLLM(tokens_per_s=0, answer_tokens=ANSWER_TOKENS) as llm,
        ServerThread(lambda: app_of(step6_resumable.chat), env=llm.env) as server,
    ):
        async with ClientSession(server.url, timeout=PATIENCE) as session:
            for cut_after in CUT_AFTER:
                await _cut_and_go_on(attempt, session, llm, cut_after)
    return (
        f"Cut after {CUT_AFTER[0]} events and before the first, each answer came whole: "
        f"{ANSWER_TOKENS} tokens, once each, from 1 call of the LLM. Of what was over it asked "
        "nothing."
    )


async def _cut_and_go_on(attempt: Any, session: ClientSession, llm: FakeLLM, after: int) -> None:
    asked_before = llm.totals().streams
    lost = await _lose(session, after)
    where = f"The connection broke after {after} events. "
    wanted = _next(attempt, lost.name, lost.last_id, "cut")
    if wanted is None:
        raise NotYet(f"{where}Your function sends nothing, and the rest is there. Fetch it.")
    rest = await _fetch(session, wanted, where)
    asked = llm.totals().streams - asked_before
    if asked > 1:
        raise NotYet(
            f"{where}{wanted.method} {wanted.path} made the LLM answer {asked} times: "
            f"{len(rest)} tokens are paid for again. Ask for what is there."
        )
    _check_numbers(lost.numbers + rest, where)


async def _lose(session: ClientSession, after: int) -> Lost:
    """Begin an answer, and close its connection after so many events."""
    numbers: list[int] = []
    parser = SseParser()
    async with session.post("/chat", json={"prompt": "reader 0"}) as response:
        name = response.headers["X-Answer-Id"]
        while len(numbers) < after:
            for event in parser.push(await response.content.readany()):
                numbers += _numbers(event.data)
                if len(numbers) == after:
                    return Lost(name, event.last_event_id, numbers)
    return Lost(name, "", numbers)


async def _fetch(session: ClientSession, wanted: Request, where: str) -> list[int]:
    """Send what the learner wants; return the numbers of the tokens that come."""
    body = {"prompt": "reader 0"} if wanted.method == "POST" else None
    try:
        async with session.request(
            wanted.method, wanted.path, headers=wanted.headers, json=body
        ) as response:
            said = await response.text()
    except (ClientError, ValueError, TimeoutError) as problem:
        raise NotYet(f"{where}{wanted.method} {wanted.path} cannot be sent ({problem}).") from None
    if response.status >= 400 or response.status == 204:
        raise NotYet(
            f"{where}{wanted.method} {wanted.path} with the headers {wanted.headers} was answered "
            f"{response.status}: {said or 'nothing'} Look at how step6_resumable names an answer."
        )
    return _numbers("".join(event.data for event in SseParser().push(said.encode())))


def _next(attempt: Any, name: str, last_id: str, ended: str) -> Request | None:
    said = call(attempt, name, last_id, ended)
    if said is None:
        return None
    match said:
        case (str(method), str(path), dict()) if path.startswith("/"):
            headers = cast(dict[Any, Any], said[2])
            return Request(method, path, {str(key): str(value) for key, value in headers.items()})
        case _:
            raise NotYet(
                f"Your function returned {said!r}. Return None, or a method, a path that begins "
                'with a slash, and a dictionary of headers: ("GET", "/chat/...", {}).'
            )


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _NUMBER.findall(text)]


def _check_numbers(numbers: list[int], where: str) -> None:
    for due, number in enumerate(numbers):
        if number != due:
            wrong = "came twice" if number < due else f"came where token {due} was due"
            raise NotYet(f"{where}Token {number} {wrong}. Say in Last-Event-ID where to go on.")
    if len(numbers) < ANSWER_TOKENS:
        raise NotYet(f"{where}In the end {len(numbers)} of {ANSWER_TOKENS} tokens were there.")
