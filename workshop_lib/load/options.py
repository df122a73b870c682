"""The options beside Locust's own: they stand in --help, and most of them on the web page, too."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# configargparse, which Locust's parser is made of, has no types.
from locust.argument_parser import LocustArgumentParser

from workshop_lib.doctor.asking import PRESETS
from workshop_lib.load.plan import COUNTS


def add_options(parser: LocustArgumentParser) -> None:
    """Add them; what is read from them is checked when a test starts, wherever it is typed."""
    add = parser.add_argument
    add("--path", default="/chat", help="The endpoint's path; {prompt} is replaced in it.")
    add("--method", default="POST", help="The request's method.")
    add("--preset", default="prompt", help=f"A usual body: {', '.join(PRESETS)}.")
    add("--body", default="", help="The request's body instead, with {prompt} in it.")
    add("--prompt", default="reader {k}", help="What is asked; {k} numbers the answers.")
    add(
        "--mix",
        default="steady",
        metavar="HABIT=SHARE,...",
        help="How the readers read, such as steady=0.8,stalled:20=0.2. Habits: steady, steady:400"
        " (bytes a second), sleeper:1024:0.1 (bytes, seconds), stalled:5, leaver:10, stopper:10,"
        " returner:10 (tokens), freezer:10:2 (tokens, seconds).",
    )
    add("--count", default="events", help=f"What counts as a token: {' or '.join(COUNTS)}. Numbers "
        "are for the workshop's fake LLM: loss and repetition show.")  # fmt: skip
    add("--end-mark", default="[DONE]", help="An answer without it is cut; empty: there is none.")
    add("--stall-s", type=float, default=1.0, help="A longer gap between tokens is a stall.")
    add("--patience-s", type=float, default=60.0, help="Without a token for so long, a reader gives"
        " its answer up; 0: never.")  # fmt: skip
    add("--pause-s", type=float, default=1.0, help="From one answer of a reader to its next.")
    add("--rcvbuf", type=int, default=0, help="Bytes to ask of the kernel for each socket, before"
        " it connects; 0: its own choice.")  # fmt: skip
    add("--header", action="append", metavar="'NAME: VALUE'", include_in_web_ui=False,
        help="One more header of each request.")  # fmt: skip
    add("--allow-host", action="append", metavar="NAME", default=[], include_in_web_ui=False,
        help="A host that is yours. Each machine that is to load it must be told.")  # fmt: skip
