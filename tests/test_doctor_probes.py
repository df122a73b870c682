"""Each probe before a server that is well, and before one with the flaw that it is there for."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest
from aiohttp import web

from servers import step1_broken, step2_fixed, step4_production
from servers.common import ask_llm, event_of, start_stream
from servers.presence import while_reader_stays
from tests.doctor_wards import DONE, Server, examined, good
from workshop_lib.doctor.llm_env import API_KEY
from workshop_lib.doctor.probes import (
    after_the_end,
    arrival,
    backpressure,
    cancel_while_stalled,
    cancellation,
    completeness,
    crowd,
    errors,
    framing,
    integrity,
    memory,
    proxy_headers,
    stall_deadline,
)

pytestmark = pytest.mark.measures

WITHOUT_HARM = (
    arrival.ARRIVAL,
    arrival.ARRIVAL_COMPRESSED,
    integrity.PROBE,
    completeness.PROBE,
    framing.PROBE,
    errors.BEFORE_START,
    errors.MID_STREAM,
    after_the_end.PROBE,
    crowd.PROBE,
)
CANCELS = (
    cancellation.STREAMING,
    cancellation.BEFORE_FIRST_TOKEN,
    cancel_while_stalled.PROBE,
)
PRESSING = (*CANCELS, backpressure.PROBE, memory.PROBE)


@pytest.mark.parametrize("probes", [WITHOUT_HARM, PRESSING])
async def test_a_server_that_is_well_is_healthy(probes):
    findings = await examined(good, *probes)
    assert [(one.verdict, one.evidence) for one in findings if one.verdict != "healthy"] == []


@dataclass
class Altering(Server):
    flaw: str = ""

    def frames(self, text: str, number: int) -> list[bytes]:
        if self.flaw == "loses" and number % 10 == 9:
            return []
        if self.flaw == "doubles" and number == 13:
            return super().frames(text, number) * 2
        if self.flaw == "garbles":
            text = text.encode().decode("ascii", "replace")
        return super().frames(text.strip() if self.flaw == "trims" else text, number)


@pytest.mark.parametrize(
    ("flaw", "evidence"),
    [
        ("loses", "token 10 came where token 9 was due"),
        ("doubles", "token 13 came twice"),
        ("garbles", "U+FFFD"),
        ("trims", "words run together"),
    ],
)
async def test_tokens_that_are_not_as_they_were_written(flaw, evidence):
    (finding,) = await examined(Altering(flaw=flaw).chat, integrity.PROBE)
    assert finding.verdict == "sick"
    assert evidence in finding.evidence


async def test_no_mark_at_the_end():
    (finding,) = await examined(Server(end=b'data: {"token": ""}\n\n').chat, completeness.PROBE)
    assert (finding.verdict, "nothing says" in finding.evidence) == ("sick", True)


async def test_a_broken_answer_that_looks_whole():
    hides = Server(end_when_broken=DONE)
    mark, told = await examined(hides.chat, completeness.PROBE, errors.MID_STREAM)
    assert (mark.verdict, told.verdict) == ("sick", "sick")
    assert "as a whole one does" in told.evidence


async def test_an_error_that_shows_the_key():
    leaks = Server(end_when_broken=f'data: {{"error": "key {API_KEY}"}}\n\n'.encode())
    (finding,) = await examined(leaks.chat, errors.MID_STREAM)
    assert finding.verdict == "sick"
    assert "the API key" in finding.evidence


@dataclass
class Bare(Server):
    def frames(self, text: str, number: int) -> list[bytes]:
        return [f"data: {text}\n\n".encode()]


async def test_a_type_that_is_not_what_comes_and_lines_that_are_lost():
    plain = Server(headers=(("Content-Type", "text/plain"), ("X-Accel-Buffering", "no")))
    wrong_type, headers = await examined(plain.chat, framing.PROBE, proxy_headers.PROBE)
    assert (wrong_type.verdict, headers.verdict) == ("sick", "unclear")
    (lines,) = await examined(Bare().chat, framing.PROBE)
    assert lines.verdict == "sick"
    assert "line ends" in lines.evidence


@dataclass
class Joined(Server):
    def frames(self, text: str, number: int) -> list[bytes]:
        return [super().frames(text, number)[0][:-1]]


async def test_events_without_a_blank_line():
    (finding,) = await examined(Joined().chat, framing.PROBE)
    assert finding.verdict == "sick"
    assert "run into one another" in finding.evidence


async def greeting(request: web.Request) -> web.StreamResponse:
    async with while_reader_stays(request):
        response, _ = await start_stream(request)
        await response.write(b": hello\n\n")
        await asyncio.sleep(cancellation.READ_S + 0.2)
        async with await ask_llm(request) as stream:
            async for chunk in stream:
                await response.write(event_of(chunk))
    return response


async def test_a_server_that_greets_long_before_it_asks_its_llm():
    (finding,) = await examined(greeting, cancellation.STREAMING)
    assert finding.verdict == "healthy", finding.evidence


async def gathering(request: web.Request) -> web.StreamResponse:
    async with await ask_llm(request) as stream:
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
    body = "".join(f"data: {text}\n\n" for text in texts).encode() + DONE
    return web.Response(body=body, content_type="text/event-stream")


async def test_all_at_the_end():
    (finding,) = await examined(gathering, arrival.ARRIVAL)
    assert finding.verdict == "sick"
    assert "came together" in finding.evidence


async def test_a_response_that_never_ends():
    async def lingering(request: web.Request) -> web.StreamResponse:
        response = await step2_fixed.chat(request)
        await asyncio.sleep(3600)
        return response

    (finding,) = await examined(lingering, after_the_end.PROBE)
    assert finding.verdict == "sick"
    assert "never ended" in finding.evidence


async def reading_on(request: web.Request) -> web.StreamResponse:
    stream = await ask_llm(request)
    response, _ = await start_stream(request)
    async for chunk in stream:
        with suppress(ConnectionError):
            await response.write(event_of(chunk))
    return response


async def test_an_llm_that_runs_on_for_nobody():
    probes = cancellation.STREAMING, cancel_while_stalled.PROBE
    for probe, finding in zip(probes, await examined(reading_on, *probes), strict=True):
        assert finding.verdict == "sick", probe.id


async def test_a_hoard():
    (finding,) = await examined(step1_broken.chat, backpressure.PROBE)
    assert finding.verdict == "sick"
    assert "pulled all 42.4 MB" in finding.evidence


async def test_readers_served_in_turn():
    turn = asyncio.Lock()

    async def one_by_one(request: web.Request) -> web.StreamResponse:
        async with turn:
            return await step2_fixed.chat(request)

    (finding,) = await examined(one_by_one, crowd.PROBE)
    assert finding.verdict == "sick"
    assert finding.figures["at_once"] < 1.5


async def test_a_deadline_for_readers_that_stall():
    (finding,) = await examined(step4_production.chat, stall_deadline.PROBE, STALL_S="1")
    assert finding.verdict == "healthy"
