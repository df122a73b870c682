"""The options beside Locust's own: they stand in --help, and most of them on the web page, too."""

# pyright: reportUnknownMemberType=false
# configargparse, which Locust's parser is made of, has no types.
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser

from workshop_lib.doctor.asking import PRESETS
from workshop_lib.load.plan import COUNTS

OPTIONS: dict[str, dict[str, Any]] = {
    "--path": {"default": "/chat", "help": "The endpoint's path; {prompt} is replaced in it."},
    "--method": {"default": "POST", "help": "The request's method."},
    "--preset": {"default": "prompt", "help": f"A usual body: {', '.join(PRESETS)}."},
    "--body": {"default": "", "help": "The request's body instead, with {prompt} in it."},
    "--prompt": {"default": "reader {k}", "help": "What is asked; {k} numbers the answers."},
    "--mix": {
        "default": "steady",
        "help": "How the readers read, such as steady=0.8,stalled:20=0.2. Habits: steady, "
        "steady:400 (bytes a second), sleeper:1024:0.1 (bytes, seconds), stalled:5, leaver:10, "
        "stopper:10, returner:10 (tokens), freezer:10:2 (tokens, seconds).",
    },
    "--count": {
        "default": "events",
        "help": f"What counts as a token: {' or '.join(COUNTS)}. Numbers are for the workshop's "
        "fake LLM: loss and repetition show.",
    },
    "--end-mark": {
        "default": "[DONE]",
        "help": "An answer without it is cut; empty: there is none.",
    },
    "--stall-s": {
        "type": float,
        "default": 1.0,
        "help": "A longer gap between two tokens is a stall.",
    },
    "--patience-s": {
        "type": float,
        "default": 60.0,
        "help": "A reader gives an answer up that has no token for so long; 0: never.",
    },
    "--pause-s": {
        "type": float,
        "default": 1.0,
        "help": "From the end of a reader's answer to its next question.",
    },
    "--rcvbuf": {
        "type": int,
        "default": 0,
        "help": "Bytes to ask of the kernel for each socket before it connects; 0: its own choice.",
    },
}
# What a command line says and no web page: a page may not name whom to load, nor show a key.
OF_THE_COMMAND: dict[str, dict[str, Any]] = {
    "--header": {
        "action": "append",
        "metavar": "'NAME: VALUE'",
        "help": "One more header of each request.",
    },
    "--allow-host": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "A host that is yours. Each machine that is to load it must be told.",
    },
}


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Add them; what is read from them is checked when a test starts, wherever it was typed."""
    group = parser.add_argument_group("What the readers ask, and how they read")
    for option, about in OPTIONS.items():
        action: Any = group.add_argument(option, **about)
        action.include_in_web_ui = True  # Locust asks its own parser's options alone
    for option, about in OF_THE_COMMAND.items():
        group.add_argument(option, **about)
