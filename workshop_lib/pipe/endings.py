"""The ways in which an answer can end, each from a server that runs."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import NamedTuple

from servers import silent_endings, step3_cancelling
from servers.common import Handler, make_app
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread

ANSWER_TOKENS = 5
BREAKS_OFF_AFTER = 3


class Ending(NamedTuple):
    """A server, and the fault of the LLM behind it; `tokens` reach the reader."""

    chat: Handler
    fault: str = ""
    tokens: int = BREAKS_OFF_AFTER


ENDINGS = {
    "complete": Ending(step3_cancelling.chat, tokens=ANSWER_TOKENS),
    "error event": Ending(step3_cancelling.chat, "error_event"),
    "end without [DONE]": Ending(silent_endings.quiet, "cut"),
    "connection cut": Ending(silent_endings.torn, "cut"),
    "refused": Ending(step3_cancelling.chat, "unauthorized", tokens=0),
}


@contextmanager
def serving_endings(*names: str) -> Generator[dict[str, str]]:
    """Serve some of the endings, or all, and give their addresses by name."""
    with ExitStack() as stack:
        llm = stack.enter_context(FakeLLM(tokens_per_s=0, answer_tokens=ANSWER_TOKENS))
        yield {
            name: f"{stack.enter_context(_server(llm, ENDINGS[name])).url}/chat"
            for name in names or ENDINGS
        }


def _server(llm: FakeLLM, ending: Ending) -> ServerThread:
    model = f"fake-llm?fault={ending.fault}&fault_at={BREAKS_OFF_AFTER}"
    return ServerThread(partial(make_app, ending.chat), env=llm.env | {"MODEL": model})
