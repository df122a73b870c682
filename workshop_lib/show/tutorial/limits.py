"""What the tutorial says of the limits of its approach, and in its list of questions."""

import inspect

from httpx2 import AsyncClient

from workshop_lib.leaving import judge_leaving
from workshop_lib.meter.recording import Recording
from workshop_lib.returning import judge_return, lost_tokens, paid_twice_tokens
from workshop_lib.show.claims import Cited, Claim

LIMITS_OF_IT = (
    Claim(
        "09",
        "Server-sent events have reconnection built in.",
        ("09_cut",),
        lambda runs: judge_return(runs["09_cut"]).outcome != "cut",
        lambda runs: f"{_share_lost(runs['09_cut']):.0%} of the answers lost in one cut",
        wrong="EventSource has, fetch has not",
    ),
    Claim(
        "09",
        "To go on after a cut you need ids and a replay of your own.",
        ("09_repeated", "09_resumed"),
        lambda runs: (
            [judge_return(run).outcome for run in runs.values()] == ["repeated", "resumed"]
        ),
        lambda runs: " against ".join(
            f"{paid_twice_tokens(run):,} tokens paid twice" for run in runs.values()
        ),
    ),
    Claim(
        "09",
        "It is one-way: to be told to stop it needs WebSockets.",
        ("09_by_request", "09_by_message"),
        lambda runs: judge_leaving(runs["09_by_request"]).outcome != "stopped",
        lambda runs: " and ".join(
            f"{_after(run)} tokens after a {how}"
            for run, how in zip(runs.values(), ("second request", "message"), strict=True)
        ),
        wrong="a second request stops it, too",
    ),
    Claim(
        "09",
        "Streaming does not hide a cold start.",
        ("09_cold", "09_warm"),
        lambda runs: _first_s(runs["09_cold"]) > _first_s(runs["09_warm"]),
        lambda runs: " against ".join(
            f"{_first_s(run):.1f} s to the first token" for run in runs.values()
        ),
    ),
    Cited(
        "09",
        "DevTools show one pending request; the events are in its EventStream tab.",
        "right, since Chrome 123",
        "before it that tab stayed empty for fetch",
        "https://bugs.chromium.org/p/chromium/issues/detail?id=1025893",
    ),
    Claim(
        "09",
        "The pause reaches OpenAI through HTTP/2.",
        (),
        lambda _: _speaks_http2(),
        lambda _: "the client of OpenAI's SDK is made with http2=False",
        wrong="it does, over HTTP/1.1",
        by="the default of httpx2.AsyncClient",
    ),
    Cited(
        "09",
        "The Vercel AI SDK is right end to end, and StreamingTextResponse is where it breaks.",
        "not measured here",
        "it describes the same pull; StreamingTextResponse has gone since its version 4.0",
        "https://ai-sdk.dev/docs/advanced/backpressure",
    ),
    Cited(
        "09",
        "k6 can play a slow client.",
        "wrong",
        "its HTTP client reads an answer to the end before the script sees it",
        "lesson 06, on loads that show nothing",
        read="",
    ),
)


def _speaks_http2() -> bool:
    return bool(inspect.signature(AsyncClient).parameters["http2"].default)


def _share_lost(run: Recording) -> float:
    return lost_tokens(run) / (run.setup["answer_tokens"] * run.setup["readers"])


def _after(run: Recording) -> int:
    return sum(stream.after_leaving_tokens for stream in run.streams)


def _first_s(run: Recording) -> float:
    return max(stream.first_token_s or 0.0 for stream in run.streams)
