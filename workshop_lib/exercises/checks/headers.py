"""Do an answer's headers bring tokens through a buffering proxy, and through a compressing one?"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from aiohttp import web

from servers.common import LLM_ERRORS, Handler, ask_llm, ending, event_of, failure, start_stream
from servers.presence import while_reader_stays
from workshop_lib.arriving import judge_arrival
from workshop_lib.exercises.contract import NotYet
from workshop_lib.experiment import Experiment, Proxy
from workshop_lib.meter.recording import Recording
from workshop_lib.passage import large_events, small_events
from workshop_lib.pipe.proxy import OLD_DEFAULT
from workshop_lib.verdict import judge

CHECK_TIME_LAPSE = 4.0
FRAMING = {"transfer-encoding", "content-length", "trailer", "upgrade"}
ACCEPTS = {"Accept-Encoding": "gzip"}
COMPRESSOR = Proxy(gzip=True, ours=True)


async def judge_headers(attempt: Any) -> str:
    headers = _checked(attempt)
    chat = answering_with(headers)
    arrival = await _run(small_events(chat, OLD_DEFAULT))
    name, verdict = arrival.setup["proxy"]["name"], judge_arrival(arrival)
    if verdict.outcome != "one by one":
        raise NotYet(f"Behind {name} tokens come {verdict} {_advice(headers)}")
    stall = judge(await _run(large_events(chat, Proxy())))
    if stall.outcome != "bounded":
        raise NotYet(f"Behind {name} a stalled reader does not stop the LLM. It is {stall}")
    packed = judge_arrival(await _run(small_events(chat, COMPRESSOR, headers=ACCEPTS)))
    if packed.outcome != "one by one":
        raise NotYet(
            f"Behind {name} both are right. Behind a compressor tokens come {packed} It gathers "
            "them until a block is full: which word in Cache-Control keeps others from "
            "transforming an answer?"
        )
    return f"Behind {name} tokens come {verdict} A stalled reader: {stall} Compressed: {packed}"


def answering_with(headers: Mapping[str, str]) -> Handler:
    """Make step3_cancelling with other headers."""

    async def chat(request: web.Request) -> web.StreamResponse:
        async with while_reader_stays(request), await ask_llm(request) as stream:
            response, writer = await start_stream(request, headers)
            last = None
            try:
                async for last in stream:
                    await response.write(event_of(last))
                    await writer.drain()
                    await asyncio.sleep(0)
                await response.write(ending(last))
            except LLM_ERRORS:
                await response.write(failure())
        return response

    return chat


def _checked(attempt: Any) -> dict[str, str]:
    if not isinstance(attempt, dict) or not all(
        isinstance(part, str) for pair in cast(dict[Any, Any], attempt).items() for part in pair
    ):
        raise NotYet(f"The check got {attempt!r}. Give a dictionary of names and values, as text.")
    headers = {name.title(): value for name, value in cast(dict[str, str], attempt).items()}
    for name in headers:
        if name.lower() in FRAMING:
            raise NotYet(
                f"{name} says where the answer ends on one connection, and the server writes it "
                "by itself. Take it out: it cannot speak to a proxy's buffers."
            )
    if headers.get("Content-Type") != "text/event-stream":
        raise NotYet("It is no event stream any more. Put the Content-Type of the starter back.")
    return headers


def _advice(headers: Mapping[str, str]) -> str:
    if (said := headers.get("X-Accel-Buffering")) and said != "no":
        return f"X-Accel-Buffering: {said} asks for what you want to be rid of. Say no."
    if "Connection" in headers:
        return (
            "Connection is a word between two neighbours, and the proxy does not act on it: look "
            "for a header that speaks of buffers."
        )
    return (
        "Cache-Control speaks to caches, and these are buffers: look into servers/opening.py for "
        "the header that speaks to them."
    )


async def _run(planned: Experiment) -> Recording:
    """Run it in a time-lapse, the same at any pace of the lessons."""
    rate, seconds = planned.tokens_per_s * CHECK_TIME_LAPSE, planned.seconds / CHECK_TIME_LAPSE
    hurried = replace(planned, tokens_per_s=rate, seconds=seconds, time_lapse=CHECK_TIME_LAPSE)
    return await hurried.run()
