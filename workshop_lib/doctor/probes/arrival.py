"""Do tokens arrive one by one? And to a reader that allows compression, as every browser does?"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from workshop_lib.doctor.channel import Channel
from workshop_lib.doctor.finding import Finding, Point, Probe, Verdict
from workshop_lib.doctor.reference import PACE_PER_S, TOKENS, paced_answer
from workshop_lib.doctor.visit import Visit
from workshop_lib.doctor.ward import Ward

TOGETHER_S = 0.02
TOGETHER = 2
FEWEST_TOKENS = 8
MOST_TOKENS_A_TIME = 1.5
CLUMP_TOKENS = 3.0
AXES = ("tokens that came", "tokens produced")


def judge_arrival(channel: Channel) -> Finding:
    """Count the moments at which tokens came."""
    times_s, tokens = channel.times_s, len(channel.times_s)
    if tokens < FEWEST_TOKENS:
        return Finding("unclear", f"only {tokens} of {TOKENS} tokens came, too few to tell.")
    gaps_s = [after - before for before, after in pairwise(times_s)]
    arrivals = 1 + sum(gap_s > TOGETHER_S for gap_s in gaps_s)
    longest_ms = round(1000 * max(gaps_s))
    figures = {"tokens": tokens, "arrivals": arrivals, "longest_gap_ms": longest_ms}
    verdict = _verdict(tokens, arrivals)
    said = (
        f"{tokens} tokens, one produced each {1000 / PACE_PER_S:.0f} ms, came at {arrivals} "
        f"moments, the longest gap {longest_ms} ms."
    )
    if arrivals <= TOGETHER:
        said = f"all {tokens} tokens came together, {times_s[-1]:.1f} s after the request."
    elif verdict != "healthy":
        said = f"they come in clumps of about {tokens / arrivals:.1f}: {said}"
    return Finding(verdict, said, "", figures, _trace(times_s), AXES)


def _verdict(tokens: int, arrivals: int) -> Verdict:
    if tokens <= arrivals * MOST_TOKENS_A_TIME:
        return "healthy"
    return "sick" if tokens >= arrivals * CLUMP_TOKENS else "unclear"


def _trace(times_s: Sequence[float]) -> tuple[Point, ...]:
    """Draw what came beside what had been produced by then."""
    came = enumerate(times_s, 1)
    due = ((at_s, float(n), min(len(times_s), 1 + at_s * PACE_PER_S)) for n, at_s in came)
    return ((0.0, 0.0, 1.0), *due)


async def arrival(ward: Ward) -> Finding:
    visit = await paced_answer(ward)
    finding = judge_arrival(visit.channel())
    if finding.verdict != "healthy":  # a busy machine may clump, once
        again = judge_arrival((await _paced(ward, {})).channel())
        finding = min(finding, again, key=_clumped)
    return finding


async def arrival_compressed(ward: Ward) -> Finding:
    finding = await _compressed(ward)
    return finding if finding.verdict == "healthy" else await _compressed(ward)


async def _compressed(ward: Ward) -> Finding:
    visit = await _paced(ward, {"Accept-Encoding": "gzip, br"})
    coding = visit.witness.headers.get("content-encoding", "")
    if undecoded := visit.witness.body.undecoded:
        return Finding("sick", f"its {coding} cannot be decoded ({undecoded}).")
    finding = judge_arrival(visit.channel())
    how = f"compressed with {coding}" if coding else "it does not compress the stream"
    return replace(finding, evidence=f"{how}: {finding.evidence}")


async def _paced(ward: Ward, headers: dict[str, str]) -> Visit:
    visit = await ward.visit(
        "it gave a paced answer", headers=headers, answer_tokens=TOKENS, tokens_per_s=PACE_PER_S
    )
    await visit.witness.read_all(ward.doses.late_s + TOKENS / PACE_PER_S)
    visit.witness.leave()
    return visit


def _clumped(finding: Finding) -> float:
    figures = finding.figures
    return figures["tokens"] / figures["arrivals"] if "arrivals" in figures else 1e9


HOW = (
    f"The LLM produces {TOKENS} tokens, {PACE_PER_S:g} a second, and the reader notes the moment "
    f"at which each comes. Up to {MOST_TOKENS_A_TIME:g} tokens a moment are one by one, "
    f"{CLUMP_TOKENS:g} or more are clumps. What is not healthy is measured twice, and the better "
    "counts."
)
ARRIVAL = Probe(
    "arrival",
    "Tokens arrive one by one",
    HOW,
    "A machine so busy that it clumps twice. A server that joins tokens for less than 100 ms on "
    "purpose is called healthy.",
    arrival,
)
ARRIVAL_COMPRESSED = Probe(
    "arrival_compressed",
    "One by one under compression, too",
    f"The same with `Accept-Encoding: gzip, br`, which every browser sends. {HOW}",
    "Compression in a proxy or a CDN in front of the server is not seen from here.",
    arrival_compressed,
)
