"""The judge of coming back: what became of answers whose connection broke? Pure, it counts tokens.

A reader that has to ask again gets its answer in the end, and the answer is paid for once more.
"""

from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import Verdict


def paid_twice_tokens(recording: Recording) -> int:
    """Return how many tokens were produced beyond those of one whole answer for each reader."""
    wanted = recording.setup["answer_tokens"]
    return sum(max(0, stream.produced_tokens - wanted) for stream in recording.streams)


def lost_tokens(recording: Recording) -> int:
    """Return how many tokens of the answers never came."""
    wanted = recording.setup["answer_tokens"]
    return sum(max(0, wanted - stream.received_tokens) for stream in recording.streams)


def judge_return(recording: Recording) -> Verdict:
    """Tell "resumed" from "repeated" and "cut", for readers whose connection broke once."""
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    lost, twice, readers = lost_tokens(recording), paid_twice_tokens(recording), _readers(recording)
    if lost:
        return Verdict("cut", f"{lost:,} tokens never came to {readers}.")
    if recording.complaints and "came twice" not in recording.complaints[0]:
        return Verdict("cut", f"{recording.complaints[0]}.")
    if twice or recording.complaints:
        return Verdict("repeated", f"{twice:,} tokens were produced twice for {readers}.")
    return Verdict("resumed", f"each token came once, in order, to {readers}; none was paid twice.")


def _readers(recording: Recording) -> str:
    return f"{len(recording.streams):,} readers"
