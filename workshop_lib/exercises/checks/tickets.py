"""The servers of the end-of-course test: their files, and the probes for their tickets."""

from pathlib import Path
from typing import NamedTuple

import servers.final_test
from workshop_lib.exercises.files import read_files


class Server(NamedTuple):
    """A server by its ticket's number; `probes` are what the doctor asks of it."""

    ticket: int
    probes: tuple[str, ...]


# The first probe is the one that is sick; the others see that a repair breaks nothing else.
SERVERS = {
    "support.py": Server(1, ("cancel_streaming", "cancel_before_first_token", "completeness")),
    "tutor.py": Server(2, ("backpressure", "completeness")),
    "assistant.mjs": Server(3, ("cancel_while_stalled", "backpressure")),
    "translator.py": Server(4, ("integrity", "arrival")),
    "helpdesk.mjs": Server(5, ("arrival_compressed", "arrival")),
}
FOLDER = Path(servers.final_test.__path__[0])
FILES = read_files(FOLDER, list(SERVERS))
