"""Why an answer cannot be had, or not any more: told as a status, and as an event in the middle."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from servers.common import event, refusal
from servers.replay import Unavailable

TRY_AGAIN_S = 5  # when another answer will be forgotten cannot be known

REASONS: dict[str, tuple[type[web.HTTPError], str]] = {
    "gone": (web.HTTPNotFound, "This answer is not kept, or not any more. Ask again."),
    "stopped": (web.HTTPGone, "This answer has been stopped. Ask again."),
    "missed": (web.HTTPGone, "What comes next is not kept any more. Ask again."),
    "taken_over": (web.HTTPConflict, "This answer is read elsewhere now. Go on there."),
    "full": (web.HTTPServiceUnavailable, "Too many answers are being kept. Try again later."),
    "away": (web.HTTPServiceUnavailable, "The memory of answers is away. Ask again later."),
    "lost": (web.HTTPGone, "The server that produced this answer has gone. Ask again."),
}


@contextmanager
def told() -> Iterator[None]:
    """Turn what is not available into a status."""
    try:
        yield
    except Unavailable as why:
        if str(why) == "over":  # what tells an EventSource to stop coming back (HTML, 9.2.3)
            raise web.HTTPNoContent from None
        status, message = REASONS[str(why)]
        again = {"Retry-After": str(TRY_AGAIN_S)} if status is web.HTTPServiceUnavailable else {}
        raise refusal(status, str(why), message, headers=again) from None


def event_of(why: Unavailable) -> bytes:
    """Make the error event; without an id, for there is nothing to go on after."""
    return event({"error": {"code": str(why), "message": REASONS[str(why)][1]}})
