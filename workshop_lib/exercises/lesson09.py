"""Lesson 09: what to send when a connection has broken; how long an answer may be."""

from workshop_lib.exercises.checks.going_on import judge_going_on
from workshop_lib.exercises.checks.longest import judge_longest
from workshop_lib.exercises.contract import Exercise


def my_request(name: str, last_id: str, ended: str) -> tuple[str, str, dict[str, str]] | None:
    return "POST", "/chat", {}


def next_request(name: str, last_id: str, ended: str) -> tuple[str, str, dict[str, str]] | None:
    if ended != "cut" or not name:
        return None
    headers = {"Last-Event-ID": last_id} if last_id else {}
    return "GET", f"/chat/{name}", headers


go_on_after_a_cut = Exercise(
    name="go_on_after_a_cut",
    task=(
        "Say what a page sends by itself when an answer has ended: method, path and headers, or "
        "None for nothing. `name` is what the server called the answer in X-Answer-Id, `last_id` "
        'the id of the last whole event; both may be empty. `ended` is "cut", "done", "told" of '
        'an error, or "stopped" by the user. No answer may be paid for twice.'
    ),
    starter=my_request,
    answer=next_request,
    hints=(
        "Of four endings only one leaves something to fetch. What does an answer need, besides, to "
        "be found again?",
        "step6_resumable has it at GET /chat/ and its name. POST /chat always begins another "
        "answer.",
        "Last-Event-ID says where to go on. A connection that broke before the first event has "
        "none to send: leave the header out then.",
    ),
    judge=judge_going_on,
)

choose_the_longest_answer = Exercise(
    name="choose_the_longest_answer",
    task=(
        "step1_broken waits for nobody, and may have 160,000 bytes waiting, as counted on the "
        "wire. How many tokens may an answer have at most, when 10 readers stall at its start? A "
        "token's text has 5 bytes, and its event 32 on the wire."
    ),
    starter=None,
    answer=480,
    hints=(
        "Each of the readers has an answer of its own, and all of them wait at the same time.",
        "What waits is not text: it is events, with their frames, as they go over the wire.",
        "Divide the bytes that may wait by the readers, and then by the bytes of one event. Take a "
        "little less.",
    ),
    judge=judge_longest,
    variable="my_answer_tokens",
)
