"""The judge of sharing: what did each user get? Pure, and it counts tokens.

What the LLM has produced ahead, into sockets, comes on top, and a budget cannot see it.
"""

from servers.metering import CHARGE_TOKENS
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import Verdict


def tokens_by_user(recording: Recording) -> dict[str, int]:
    """Return the tokens that came to each user, in the order of the users."""
    counted = dict.fromkeys(recording.setup["users"], 0)
    for stream in recording.streams:
        counted[recording.setup["users"][stream.reader]] += stream.received_tokens
    return counted


def most_allowed_tokens(recording: Recording) -> int:
    """Return what a user may get by the run's settings: the budget, and a step for each stream."""
    env = recording.setup["env"]
    # a stream learns with its next token that the last charge has spent the budget
    step = CHARGE_TOKENS + 1
    return int(env["BUDGET_TOKENS"]) + int(env["MAX_STREAMS_PER_USER"]) * step


def judge_shares(recording: Recording) -> Verdict:
    """Tell "fair" from "unfair": nobody above the budget, and all who ask within it served."""
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    came, allowed = tokens_by_user(recording), most_allowed_tokens(recording)
    greediest = max(came, key=came.__getitem__)
    got = f"{greediest} got {came[greediest]:,} of {sum(came.values()):,} tokens"
    modest, wanted = _of_who_asked_once(recording), recording.setup["answer_tokens"]
    hungry = [stream for stream in modest if stream.received_tokens < wanted]
    if hungry:
        least = min(stream.received_tokens for stream in hungry)
        who = f"{len(hungry):,} of {len(modest):,} users who asked once"
        return Verdict("unfair", f"{who} got no whole answer, one {least:,} of {wanted:,} tokens.")
    if came[greediest] > allowed:
        return Verdict("unfair", f"{got}; its budget and a step for each stream are {allowed:,}.")
    return Verdict("fair", f"{got}, within {allowed:,}; the {len(modest):,} others got theirs.")


def _of_who_asked_once(recording: Recording) -> list[StreamLedger]:
    users: list[str] = recording.setup["users"]
    return [stream for stream in recording.streams if users.count(users[stream.reader]) == 1]
