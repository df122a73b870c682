"""Errors of a server in the background: kept for its owner, never printed into a lesson."""

import asyncio
import logging
from collections.abc import Callable


def loop_handler(
    errors: list[str],
) -> Callable[[asyncio.AbstractEventLoop, dict[str, object]], None]:
    """Make an event loop's handler for errors that no task was awaited for."""

    def keep(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        problem = context.get("exception")
        # a stream that a cancelled handler left open is closed twice as the loop ends: no harm
        if "asyncgen" not in context and not isinstance(problem, ConnectionError):
            errors.append(f"{context['message']} ({problem!r})")

    return keep


def logger(errors: list[str]) -> logging.Logger:
    """Make aiohttp's logger one that keeps a handler's error and forgets a reader that left."""

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            problem = record.exc_info[1] if record.exc_info else None
            if not isinstance(problem, ConnectionError):
                errors.append(f"{type(problem).__name__}: {problem}" if problem else record.msg)

    keeping = logging.Logger("server under test", level=logging.WARNING)
    keeping.addHandler(Collect())
    return keeping
