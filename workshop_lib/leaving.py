"""The judge of leaving: does the LLM stop for a reader that has gone? Pure, and it counts tokens.

A stream that stays open costs its place at the provider even while it is silent, so an open one
counts as running on whatever was produced.
"""

from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import SLACK_TOKENS_PER_READER, Verdict

# A reader's leaving is seen at its server, and here, a few tenths of a second late. What comes in
# this time may be used up; and only after it an open stream means something.
GRACE_S = 2.0


def judge_leaving(recording: Recording) -> Verdict:
    """Tell "stopped" from "running on", by the streams of the readers that left."""
    gone = [stream for stream in recording.streams if stream.left]
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    if not gone:
        return Verdict("unclear", "no reader left. Add some that do, such as leaver:10.")
    still_open = [stream for stream in gone if stream.open]
    if still_open and _since_the_last_left_s(recording) < GRACE_S:
        return Verdict("unclear", "readers left just before the end. Let the run last longer.")
    if still_open or _after_leaving(gone) > _allowed_tokens(recording, gone):
        return Verdict("running on", _evidence(gone, still_open))
    if all(stream.produced_tokens >= recording.setup["answer_tokens"] for stream in gone):
        return Verdict("unclear", "the answers had ended when readers left. Make them longer.")
    return Verdict("stopped", _evidence(gone, still_open))


def _since_the_last_left_s(recording: Recording) -> float:
    """Return for how long the run went on with all of the leavers gone; 0 for one not sampled."""
    samples = recording.samples
    gone = sum(stream.left for stream in recording.streams)
    seen_s = [sample.t_s for sample in samples if sample.group().left >= gone]
    return samples[-1].t_s - seen_s[0] if seen_s else 0.0


def _after_leaving(gone: list[StreamLedger]) -> int:
    return sum(stream.after_leaving_tokens for stream in gone)


def _allowed_tokens(recording: Recording, gone: list[StreamLedger]) -> float:
    rate = recording.setup["tokens_per_s"] or float("inf")
    return len(gone) * max(SLACK_TOKENS_PER_READER, rate * GRACE_S)


def _evidence(gone: list[StreamLedger], still_open: list[StreamLedger]) -> str:
    after, wasted = _after_leaving(gone), sum(stream.wasted_tokens for stream in gone)
    still = f"{len(still_open):,} of" if still_open else "none of"
    return (
        f"the LLM still answers {still} the {len(gone):,} readers that left; it produced "
        f"{after:,} tokens after they had gone, and {wasted:,} in all that nobody got."
    )
