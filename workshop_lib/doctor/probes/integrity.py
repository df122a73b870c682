"""Does each token come once, in order, with its text as the LLM wrote it?"""

from workshop_lib.doctor.channel import Channel
from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.reference import fast_answer, limit_of, paced_answer, text_of, whole_answer
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

SPLIT_TOKENS = 60


async def integrity(ward: Ward) -> Finding:
    paced = await paced_answer(ward)
    fast = await fast_answer(ward)
    split = await whole_answer(
        ward,
        "multi-byte",
        answer_tokens=SPLIT_TOKENS,
        tokens_per_s=0,
        text="multibyte",
        fault="split",
    )
    answers = [("at a reading pace", paced, False), ("at full speed", fast, False),
               ("with each `…` cut between its bytes", split, True)]  # fmt: skip
    found = [judge_integrity(visit, multibyte, when) for when, visit, multibyte in answers]
    for verdict in ("sick", "unclear"):
        for finding in found:
            if finding.verdict == verdict:
                return finding
    tokens = sum(len(visit.channel().numbers) for _, visit, _ in answers)
    said = f"{tokens} tokens in three answers came once each, in order, byte for byte as produced."
    return Finding("healthy", said, figures={"tokens": tokens})


def judge_integrity(visit: Visit, multibyte: bool, when: str) -> Finding:
    """Compare the text of one answer with what the LLM produced for it."""
    produced = max((row.tokens for row in visit.rows()), default=0)
    channel = visit.channel()
    if not produced:
        return Finding("unclear", f"{when}: the LLM was not asked.")
    if visit.witness.ended != "whole":
        cut = visit.witness.problem or "it was not through in time"
        return Finding("unclear", f"{when}: the answer did not end properly ({cut}).")
    if wrong := _wrong(channel, produced):
        return Finding("sick", f"{when}: {wrong}.")
    if text_of(produced, multibyte) in channel.text:
        limited = limit_of(visit)
        return Finding("healthy", f"{when}: all {produced} came" + (" (limited)" * bool(limited)))
    return _changed(channel, multibyte, when)


def _wrong(channel: Channel, produced: int) -> str | None:
    numbers = channel.numbers
    if channel.violation:
        missing, extra = produced - len(set(numbers)), len(numbers) - len(set(numbers))
        return f"{channel.violation}; of {produced} tokens {missing} are lost, {extra} came twice"
    if len(numbers) < produced:
        return f"the last {produced - len(numbers)} of {produced} tokens never came"
    return None


def _changed(channel: Channel, multibyte: bool, when: str) -> Finding:
    if "\ufffd" in channel.text:
        many = channel.text.count("\ufffd")
        said = (
            f"{many} replacement characters (U+FFFD) stand where `…` was: cut bytes were decoded."
        )
        return Finding("sick", f"{when}: {said}")
    if multibyte and "…" not in channel.text:
        return Finding("sick", f"{when}: `…` came garbled, as in {channel.text[:24]!r}.")
    if channel.loose or " " not in channel.text:
        return Finding(
            "sick", f"{when}: spaces at the ends of tokens are lost, so words run together."
        )
    return Finding("unclear", f"{when}: all tokens came in order, with other text among them.")


PROBE = Probe(
    "integrity",
    "Each token once, in order, as written",
    "Tokens carry their number. Three answers, one at a reading pace, one at full speed, and one "
    "of multi-byte text whose characters come in two reads each, are compared with what was "
    "produced, byte for byte.",
    "A server that translates, filters or trims its LLM's text on purpose. What is lost only under "
    "load shows in the probe of many readers, what a stalled reader loses in that of backpressure.",
    integrity,
)
