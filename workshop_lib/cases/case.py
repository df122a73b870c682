"""The ten cases: what somebody complains of, and the patient, with one thing broken each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from servers import (
    mysteries,
    silent_endings,
    step1_broken,
    step3_cancelling,
    step4_production,
)
from servers.common import Handler
from workshop_lib.pipe.proxy import Proxy

# A second for a minute of a proxy's or a heartbeat's clock. Tokens come at their usual pace.
TIME_LAPSE = 60.0
THINKS_S = 60 / TIME_LAPSE
OFTEN = {"HEARTBEAT_S": str(15 / TIME_LAPSE)}
NEVER = {"HEARTBEAT_S": "3600"}
GATHERING = Proxy(http="1.0", ours=True)
CUTTING = Proxy(buffering=False, idle_s=30 / TIME_LAPSE, ours=True)
# Large ones, like the result of a tool, fill a reader's sockets after a few.
LARGE_BYTES, USUAL_BYTES = 2000, 5


@dataclass(frozen=True)
class Case:
    """A complaint, in the words of whoever has it, and its true `cause` (causes.py).

    `proxy` stands between the browser and the server's port; `thinks_s` is how long the LLM is
    silent before its first token; `swap` puts a broken part into the page.
    """

    letter: str
    complaint: str
    cause: str
    server: Handler = step4_production.chat
    proxy: Proxy | None = None
    token_bytes: int = LARGE_BYTES
    thinks_s: float = 0.0
    knobs: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    tabs: int = 1
    swap: str = ""


CASES = {
    case.letter: case
    for case in (
        Case(
            "A",
            "On my laptop the words run. In production the cursor blinks for the whole answer, "
            "and then all of it stands there.",
            "proxy-gathers",
            step3_cancelling.chat,
            proxy=GATHERING,
            token_bytes=USUAL_BYTES,
        ),
        Case(
            "B",
            "Memory climbs all day. No request is slow, and no error is logged.",
            "nobody-waits",
            step1_broken.chat,
        ),
        Case(
            "C",
            "Hard questions break off after about 30 seconds. The short ones never do.",
            "idle-limit",
            proxy=CUTTING,
            thinks_s=THINKS_S,
            env=NEVER,
        ),
        Case(
            "D",
            "Since the last release words come in lumps, at the developers' own desks too.",
            "compression",
            mysteries.compressed,
        ),
        Case(
            "E",
            "Half of our users press Stop early. The bill has not moved.",
            "leave-unseen",
            mysteries.reads_on,
        ),
        Case(
            "F",
            "After a day of bad mobile networks hundreds of answers are open, for a few users.",
            "wait-without-end",
            mysteries.waits_for_room,
        ),
        Case(
            "G",
            "I look into another tab while it writes. When I come back, not one word is new.",
            "frames-only",
            swap="./frames=framesOnly.ts",
        ),
        Case(
            "H",
            "Some answers end in the middle of a sentence. The log shows 200, and no error.",
            "silent-end",
            silent_endings.quiet,
            knobs={"fault": "cut", "fault_at": 50},
        ),
        Case(
            "I",
            "Whenever the model thinks for long, an empty message comes, and then an error.",
            "comment-as-message",
            thinks_s=THINKS_S,
            env=OFTEN,
            swap="./sse=everyBlock.ts",
        ),
        Case(
            "J",
            "I keep many chats open. The newest tab never loads. In another browser it does.",
            "six-connections",
            knobs={"answer_tokens": 100_000},
            tabs=7,
        ),
    )
}
