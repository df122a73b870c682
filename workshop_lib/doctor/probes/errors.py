"""Does the reader learn that the LLM failed, before the start and in the middle of an answer?"""

from workshop_lib.doctor.finding import Finding, Probe, Verdict
from workshop_lib.doctor.telling import Told, told_by
from workshop_lib.doctor.ward import Ward

BROKEN_AT = 6
BEFORE = {"unauthorized": "401", "server_error": "500", "rate_limit": "429"}
AMID = {"error_event": "an error event", "cut": "a cut connection"}
RETRIES_S = 25.0  # an SDK tries twice again, and waits in between


async def errors_before_start(ward: Ward) -> Finding:
    told: dict[str, Told] = {}
    for fault, status in list(BEFORE.items())[: ward.doses.refusals]:
        visit = await ward.visit(f"its LLM answered {status}", fault=fault)
        await visit.witness.read_all(RETRIES_S)
        visit.witness.leave()
        if visit.rows():
            told[status] = told_by(ward, visit)
    return _judge(told)


async def errors_mid_stream(ward: Ward) -> Finding:
    told: dict[str, Told] = {}
    for fault, name in AMID.items():
        visit = await ward.visit(
            f"its LLM broke off with {name}",
            answer_tokens=BROKEN_AT * 4,
            tokens_per_s=40,
            fault=fault,
            fault_at=BROKEN_AT,
        )
        await visit.witness.read_all(ward.doses.late_s)
        visit.witness.leave()
        if visit.rows():
            told[name] = told_by(ward, visit)
    return _judge(told)


def _judge(told: dict[str, Told]) -> Finding:
    if not told:
        return Finding("unclear", "the server did not ask its LLM.")
    for when, one in told.items():
        if one.leaks:
            leaks = " and ".join(one.leaks)
            return Finding("sick", f"after {when} its answer shows {leaks}.")
    hidden = [f"after {when} the reader gets {one.how}" for when, one in told.items()
              if one.honest is False]  # fmt: skip
    if hidden:
        return Finding("sick", f"{'; '.join(hidden)}.")
    verdict: Verdict = "unclear" if any(one.honest is None for one in told.values()) else "healthy"
    return Finding(verdict, "; ".join(f"{when}: {one.how}" for when, one in told.items()) + ".")


LEAKS = "The key, the LLM's address and stack traces are looked for in all that comes."
BEFORE_START = Probe(
    "errors_before_start",
    "Tells when its LLM refuses",
    "The LLM answers 401, 500 and 429 before anything else. A status of 400 or more, an error in "
    f"the body or a cut connection is honest; an empty or whole-looking answer is not. {LEAKS}",
    "An error told in words that only people understand is called unclear. A second LLM that the "
    "server falls back to is not the doctor's.",
    errors_before_start,
)
MID_STREAM = Probe(
    "errors_mid_stream",
    "Tells when its LLM breaks off",
    f"After {BROKEN_AT} tokens the LLM sends an error event, and in another answer cuts its "
    "connection. The reader must get an error in the body or a cut connection: an answer that ends "
    f"like a whole one hides it, and one that never ends does too. {LEAKS}",
    "An error that a client is told by other means, such as a field that the doctor does not know.",
    errors_mid_stream,
)
