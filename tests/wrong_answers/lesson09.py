"""Wrong answers to the two exercises of lesson 09, with what is said of them."""

from typing import Any

Next = tuple[str, str, dict[str, str]] | None


def asks_again(name: str, last_id: str, ended: str) -> Next:
    return ("POST", "/chat", {}) if ended == "cut" and name else None


def forgets_where_it_was(name: str, last_id: str, ended: str) -> Next:
    return ("GET", f"/chat/{name}", {}) if ended == "cut" and name else None


def fetches_what_is_whole(name: str, last_id: str, ended: str) -> Next:
    return ("GET", f"/chat/{name}", {"Last-Event-ID": last_id}) if name else None


def goes_on_without_a_name(name: str, last_id: str, ended: str) -> Next:
    return ("GET", f"/chat/{name}", {"Last-Event-ID": last_id}) if ended == "cut" else None


def sends_an_empty_id(name: str, last_id: str, ended: str) -> Next:
    if ended != "cut" or not name:
        return None
    return "GET", f"/chat/{name}", {"Last-Event-ID": last_id}


def puts_the_id_into_the_path(name: str, last_id: str, ended: str) -> Next:
    return ("GET", f"/chat/{last_id}", {}) if ended == "cut" and name else None


def gives_up(name: str, last_id: str, ended: str) -> Next:
    return None


def returns_an_address(name: str, last_id: str, ended: str) -> Any:
    return f"/chat/{name}" if ended == "cut" and name else None


REQUESTS: dict[Any, str] = {
    asks_again: "made the LLM answer 2 times: 30 tokens are paid for again",
    forgets_where_it_was: "Token 0 came twice. Say in Last-Event-ID where to go on",
    fetches_what_is_whole: "There the answer is whole: nothing of it is missing",
    goes_on_without_a_name: "the server gave it no name, so nothing of it is kept",
    sends_an_empty_id: "after 0 events. GET /chat/",
    puts_the_id_into_the_path: "was answered 404",
    gives_up: "Your function sends nothing, and the rest is there",
    returns_an_address: "Return None, or a method, a path that begins with a slash",
}

LENGTHS: dict[Any, str] = {
    5_000: "That is for one reader alone: 10 of them wait at the same time",
    3_200: "That counts the text of the tokens: what waits is their events",
    32_000: "That counts the text of the tokens, and of one reader alone",
    600: "Divide the bytes by the readers, and by the bytes of an event",
    100: "Longer answers would do, too",
    "500": "Give a whole number of tokens, above 0",
}
