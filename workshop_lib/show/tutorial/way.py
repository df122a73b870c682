"""What the tutorial says of the way to the reader, and of how to read the symptoms."""

from workshop_lib.cases.case import CASES
from workshop_lib.meter.recording import Recording
from workshop_lib.pipe.express import writable_lengths
from workshop_lib.pipe.sse_corpus import HandCase, hand_cases, reading
from workshop_lib.sharing import judge_shares, tokens_by_user
from workshop_lib.show.claims import Cited, Claim
from workshop_lib.show.limits import LIMITS
from workshop_lib.show.units import size
from workshop_lib.verdict import judge

GATHERING = ("proxy-gathers", "compression")

WAY = (
    Claim(
        "07",
        "Behind nginx backpressure does nothing, unless it is told not to buffer.",
        ("07_buffered",),
        lambda runs: judge(runs["07_buffered"]).outcome == "growing",
        lambda runs: f"the LLM went on at {_share_of_pace(runs['07_buffered']):.0%} of its pace",
    ),
    Claim(
        "07",
        "It takes both, proxy_buffering off and X-Accel-Buffering: no.",
        ("07_unbuffered",),
        lambda runs: judge(runs["07_unbuffered"]).outcome != "bounded",
        lambda runs: (
            f"with the header alone the LLM went on at {_share_of_pace(runs['07_unbuffered']):.0%}"
        ),
        wrong="either is enough",
    ),
    Cited(
        "07",
        "Cloudflare buffers server-sent events on some plans.",
        "not by default",
        "it streams; buffering is a setting that Enterprise zones can switch on",
        "the documentation of response_buffering in Cloudflare's API client",
    ),
    Claim(
        "07",
        "A comment every 15 s keeps an idle connection alive.",
        (),
        lambda _: all(limit.heartbeat.startswith("yes") for limit in LIMITS),
        lambda _: f"it cures {_cured()} of {len(LIMITS)} limits; no byte cures one of the whole",
        wrong="right, for limits of silence",
        by="the limits of lesson 07",
    ),
    Claim(
        "07",
        "Parsers ignore comments.",
        (),
        lambda _: all(map(_is_read_right, _with_comments())),
        lambda _: f"in {len(_with_comments())} of {len(_with_comments())} streams with some",
        wrong="not all of them",
        by="the corpus of lesson 04",
    ),
    Claim(
        "07",
        "Over HTTP/1.1 a browser opens six streams to one origin.",
        ("07_over_http1",),
        lambda runs: runs["07_over_http1"].at_once == 6,
        lambda runs: f"{runs['07_over_http1'].at_once} of 8 began at once",
    ),
    Claim(
        "07",
        "HTTP/2 lifts that limit.",
        ("07_over_http2",),
        lambda runs: runs["07_over_http2"].at_once == 8,
        lambda runs: f"{runs['07_over_http2'].at_once} of 8 began at once",
    ),
    Claim(
        "07",
        "Backpressure does not protect your bill: give each user a budget.",
        ("07_generous", "07_metered"),
        lambda runs: [judge_shares(run).outcome for run in runs.values()] == ["unfair", "fair"],
        lambda runs: " against ".join(
            f"{_most(run):,} tokens for one user" for run in runs.values()
        ),
    ),
    Cited(
        "07",
        "AWS ALB ends silence at 60 s, GCP and Heroku at 30 s.",
        "one of three",
        "GCP's 30 s are for the whole answer; Heroku's for the first byte, and 55 s after it",
        "the limits of lesson 07, with their sources",
        read="",
    ),
    Claim(
        "08",
        "If it stalls in production only, 99 of 100 times a proxy buffers.",
        (),
        lambda _: len(_gathered()) > 0.9 * len(CASES),
        lambda _: f"{len(_gathered())} of our {len(CASES)} cases; measure before you believe",
        wrong="nothing to measure it by",
        by="the cases of lesson 08",
    ),
    Cited(
        "08",
        "Compression gathers events.",
        "right, for who accepts it",
        "gzip in the app or in a proxy: in lumps; without Accept-Encoding: one by one",
        "lesson 07, the four runs with gzip",
        read="",
    ),
    Claim(
        "08",
        "A server that forgets to await its writes is the broken one again.",
        ("06_broken",),
        lambda runs: judge(runs["06_broken"]).outcome == "growing",
        lambda runs: f"{size(max(writable_lengths(runs['06_broken'].printed)))} in one buffer",
    ),
    Claim(
        "08",
        "Where the abort does not reach the LLM, it works for readers who have left.",
        ("03_forgets",),
        lambda runs: runs["03_forgets"].samples[-1].group().wasted_tokens > 1_000,
        lambda runs: f"{runs['03_forgets'].samples[-1].group().wasted_tokens:,} tokens for nobody",
    ),
)


def _share_of_pace(run: Recording) -> float:
    last = run.samples[-1]
    due = run.setup["tokens_per_s"] * last.t_s * last.group().readers
    return last.group().produced_tokens / due


def _cured() -> int:
    return sum(limit.heartbeat.startswith("yes") for limit in LIMITS)


def _with_comments() -> list[HandCase]:
    return [case for case in hand_cases() if "comment" in case.name]


def _is_read_right(case: HandCase) -> bool:
    return reading(case.chunks) == case.expected


def _most(run: Recording) -> int:
    return max(tokens_by_user(run).values())


def _gathered() -> list[str]:
    return [letter for letter, case in CASES.items() if case.cause in GATHERING]
