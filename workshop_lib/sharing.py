"""The judge of sharing: what did each user's answers cost? Pure, and it counts tokens."""

from servers.metering import CHARGE_TOKENS
from workshop_lib.meter.ledger import StreamLedger
from workshop_lib.meter.recording import Recording
from workshop_lib.verdict import Verdict


def tokens_by_user(recording: Recording) -> dict[str, int]:
    """Return the tokens that the LLM produced in each user's name, in the order of the users."""
    counted = dict.fromkeys(recording.setup["users"], 0)
    for stream in recording.streams:
        counted[recording.setup["users"][stream.reader]] += stream.produced_tokens
    return counted


def most_allowed_tokens(recording: Recording) -> int:
    """Return what a user may cost by the run's settings: the budget, and a step for each stream."""
    env = recording.setup["env"]
    # a stream learns with its next token that the last charge has spent the budget
    step = CHARGE_TOKENS + 1
    return int(env["BUDGET_TOKENS"]) + int(env["MAX_STREAMS_PER_USER"]) * step


def judge_shares(recording: Recording) -> Verdict:
    """Tell "fair" from "unfair": nobody above the budget, and all who ask within it served."""
    if recording.errors:
        return Verdict("unclear", f"the server failed: {recording.errors[0]}. Repair that first.")
    spent, allowed = tokens_by_user(recording), most_allowed_tokens(recording)
    greediest = max(spent, key=spent.__getitem__)
    cost = f"{greediest} cost {spent[greediest]:,} of {sum(spent.values()):,} tokens"
    modest, wanted = _of_who_asked_once(recording), recording.setup["answer_tokens"]
    hungry = [stream for stream in modest if stream.received_tokens < wanted]
    if hungry:
        got = min(stream.received_tokens for stream in hungry)
        who = f"{len(hungry):,} of {len(modest):,} users who asked once"
        return Verdict("unfair", f"{who} got no whole answer, one {got:,} of {wanted:,} tokens.")
    if spent[greediest] > allowed:
        return Verdict("unfair", f"{cost}; its budget and a step for each stream are {allowed:,}.")
    return Verdict("fair", f"{cost}, within {allowed:,}; the {len(modest):,} others got theirs.")


def _of_who_asked_once(recording: Recording) -> list[StreamLedger]:
    users: list[str] = recording.setup["users"]
    return [stream for stream in recording.streams if users.count(users[stream.reader]) == 1]
