"""Is it over when it is over?"""

from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.visit import until
from workshop_lib.doctor.ward import Ward

AFTERWARDS_S = 1.0
TOKENS = 10


async def after_the_end(ward: Ward) -> Finding:
    visit = await ward.visit("an answer ended", answer_tokens=TOKENS, tokens_per_s=50)
    if not await visit.witness.read_all(ward.doses.late_s):
        visit.witness.leave()
        tokens = len(visit.channel().numbers)
        said = f"{tokens} of {TOKENS} tokens came, and the response was never ended."
        return Finding("sick", f"{said} Its reader waits on, and holds a connection.")
    visit.witness.leave()
    calls = len(visit.rows())
    await until(lambda: len(visit.rows()) > calls, AFTERWARDS_S)
    if visit.upstream_open():
        return Finding("sick", "the response has ended, and a call to the LLM is still open.")
    if len(visit.rows()) > calls:
        return Finding("sick", "after the end of the answer it asked its LLM again.")
    follower = await ward.visit("the next reader came", answer_tokens=TOKENS, tokens_per_s=50)
    await follower.witness.read_all(ward.doses.late_s)
    follower.witness.leave()
    if not follower.channel().numbers:
        why = follower.witness.problem or f"status {follower.witness.status}"
        return Finding("sick", f"after one answer the next reader got none ({why}).")
    return Finding(
        "healthy", "response and call ended with the answer; the next reader was served."
    )


PROBE = Probe(
    "after_the_end",
    "Ends when the answer ends",
    "After the last token the response must end on its own, no call to the LLM may stay open or be "
    "made again, and the next reader must be served.",
    "A server that works on after an answer on purpose, such as one that asks for a title.",
    after_the_end,
)
