"""What the doctor's verdicts rest on, judged without a server."""

import gzip

import brotli  # pyright: ignore[reportMissingTypeStubs]
import pytest

from workshop_lib.doctor.channel import Channel
from workshop_lib.doctor.clean_env import clean_env
from workshop_lib.doctor.coding import UndecodableError, decoder
from workshop_lib.doctor.finding import Diagnosis, Finding
from workshop_lib.doctor.frames import frames_of
from workshop_lib.doctor.frameworks import framework_of
from workshop_lib.doctor.hosts import NotAllowed, check_host
from workshop_lib.doctor.leaks import leaks_in
from workshop_lib.doctor.llm_env import API_KEY
from workshop_lib.doctor.orders import Orders, examination_for, own_env, pick
from workshop_lib.doctor.probes import PROBES
from workshop_lib.doctor.probes.arrival import judge_arrival
from workshop_lib.doctor.probes.heartbeat import judge_silence
from workshop_lib.doctor.probes.proxy_headers import judge_headers
from workshop_lib.doctor.remedies import ANY, BY_FRAMEWORK, remedy_for
from workshop_lib.doctor.reports.machine import Report
from workshop_lib.doctor.reports.page import as_page
from workshop_lib.doctor.telling import error_in


def came_at(*times_s: float) -> Channel:
    return Channel("", tuple(range(len(times_s))), times_s, tuple(range(len(times_s))))


@pytest.mark.parametrize(
    ("times_s", "verdict"),
    [
        ([n / 16 for n in range(24)], "healthy"),
        ([1.5 + n / 1000 for n in range(24)], "sick"),
        ([n // 8 * 0.5 for n in range(24)], "sick"),
        ([n // 2 * 0.12 for n in range(24)], "unclear"),
        ([0.0, 0.1], "unclear"),
    ],
)
def test_arrival_is_judged_by_the_tokens_a_moment(times_s, verdict):
    assert judge_arrival(came_at(*times_s)).verdict == verdict


@pytest.mark.parametrize(
    ("gaps_s", "wait_s", "verdict"),
    [
        ((15.2, 15.1), 35, "healthy"),
        ((35, 15), 35, "sick"),
        ((35, 35), 35, "sick"),
        ((4, 4), 4, "unclear"),
    ],
)
def test_silence_is_judged_only_after_a_long_wait(gaps_s, wait_s, verdict):
    assert judge_silence(gaps_s[0], gaps_s[1], wait_s, "").verdict == verdict


@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({"x-accel-buffering": "no", "cache-control": "no-store"}, "healthy"),
        ({"x-accel-buffering": "no"}, "unclear"),
        ({"cache-control": "no-cache, no-transform"}, "sick"),
    ],
)
def test_headers(headers, verdict):
    assert judge_headers(headers).verdict == verdict


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('data: {"error": {"code": "x"}}\n\n', True),
        ('data: {"type": "error", "errorText": "x"}\n\n', True),
        ("event: error\ndata: gone\n\n", True),
        ('data: {"finish_reason": "error"}\n\n', True),
        ("data: [ERROR] the model failed\n\n", True),
        ('data: {"token": "an error of mine"}\n\n', False),
        ('data: {"error": null, "token": "a"}\n\n', False),
        ("data: [DONE]\n\n", False),
    ],
)
def test_errors_are_told_by_event_by_type_or_by_field(body, told):
    frames = frames_of("sse", [(0.0, body.encode())])
    assert bool(error_in(frames)) == told


def test_leaks_are_seen_and_ordinary_words_are_none():
    llm = "http://127.0.0.1:4567/v1"
    assert leaks_in(f"key {API_KEY[:8]}*****{API_KEY[-4:]}.", llm)
    assert leaks_in("connect ECONNREFUSED 127.0.0.1:4567", llm)
    assert leaks_in('Traceback (most recent call last):\n  File "/app/x.py", line 3', llm)
    assert leaks_in("at chat (file:///app/server.mjs:12:3)", llm)
    assert not leaks_in("The model failed (sk-...). Look at the logs at 12:30:15.", llm)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]/"])
def test_this_machine_may_be_called(url):
    assert check_host(url, ())


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1/", "https://127.0.0.1/", "ftp://localhost/", "nonsense", "http://[::"]
)
def test_others_may_not_be_called_unless_somebody_says_so(url):
    with pytest.raises(NotAllowed):
        check_host(url, ())


def test_an_allowed_host_gets_less():
    orders = Orders(url="http://192.0.2.1/chat", allowed=("192.0.2.1",), thorough=True)
    doses = examination_for(orders, print).doses
    assert doses.readers <= 4
    assert doses.flood_bytes < orders.doses.flood_bytes


def test_the_patient_inherits_no_secret():
    mine = {"PATH": "/bin", "OPENAI_API_KEY": "sk", "DATABASE_URL": "x", "GH_TOKEN": "x"}
    assert set(clean_env(mine)) == {"PATH", "NO_PROXY", "no_proxy"}


def test_every_probe_has_a_remedy_and_says_how_it_judges():
    assert set(ANY) == {probe.id for probe in PROBES}
    assert {name for name, _ in BY_FRAMEWORK} <= set(ANY)
    for probe in PROBES:
        assert probe.how.endswith(".") and probe.fooled_by.endswith("."), probe.id
        assert "{" not in probe.how + probe.fooled_by, probe.id


def test_the_remedy_is_the_frameworks():
    express = framework_of({"x-powered-by": "Express", "keep-alive": "timeout=5"})
    assert "res.on('close'" in remedy_for("cancel_streaming", "sick", express)
    assert remedy_for("cancel_streaming", "healthy", express) == ""
    assert framework_of({"server": "Python/3.13 aiohttp/3.14"}) == "aiohttp"
    assert framework_of({"date": "today"}) == ""


def test_probes_are_picked_by_name():
    assert [probe.id for probe in pick(["integrity", "arrival"], ["arrival"])] == ["integrity"]
    with pytest.raises(ValueError, match="There is no probe 'nope'"):
        pick(["nope"], [])


def test_what_a_server_says_of_itself_is_escaped_on_the_page():
    evil = Finding("sick", "it said `<script>alert(1)</script>` and <i>", "<i>", axes=("<i>", ""),
                   trace=((0.0, 1.0, 0.0), (1.0, 2.0, 0.0)))  # fmt: skip
    diagnosis = Diagnosis(PROBES[0], evil, "write `a<i>b`", 1.0)
    page = as_page(Report("<i>", "<i>", "<i>", "quick", True, [diagnosis]), "<i>")
    assert "<script" not in page and "<i>" not in page
    assert "<code>&lt;script&gt;alert(1)&lt;/script&gt;</code>" in page
    assert "<polyline" in page


def test_codings_are_taken_off_wherever_they_are_cut():
    text = b"data: #1 \n\n" * 50
    for coding, packed in (("gzip", gzip.compress(text)), ("br", brotli.compress(text))):
        decode = decoder(coding)
        assert b"".join(decode(packed[at : at + 1]) for at in range(len(packed))) == text
        with pytest.raises(UndecodableError):
            decoder(coding)(b"data: plain" * 9)
    assert decoder("")(text) == text


def test_a_server_gets_the_variables_it_needs_besides(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MINE", "m")
    monkeypatch.delenv("NOBODYS", raising=False)
    llm = {"OPENAI_BASE_URL": "http://llm/v1"}
    env = own_env(llm, ["LLM={OPENAI_BASE_URL}/chat", "MINE", "EMPTY="])
    assert env == llm | {"LLM": "http://llm/v1/chat", "MINE": "m", "EMPTY": ""}
    with pytest.raises(ValueError, match="it is not set here"):
        own_env(llm, ["NOBODYS"])
