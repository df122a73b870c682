"""nginx, and the relay that stands in for it: what they do to streams, and what they leave."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType

import psutil
import pytest

from servers import step3_cancelling, step4_production
from servers.common import Handler, make_app
from tests.mechanism import nothing_left, read_all, until
from tests.production import HEALTHY, post
from tests.test_servers import events, parts
from workshop_lib.arriving import judge_arrival, judge_end
from workshop_lib.experiment import Experiment, Proxy
from workshop_lib.meter.recording import Recording
from workshop_lib.passage import large_events, run_all, small_events
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.proxy import OLD_DEFAULT, find_nginx
from workshop_lib.pipe.server import ServerThread
from workshop_lib.verdict import judge

pytestmark = pytest.mark.measures

JSON = "Content-Type: application/json"
GZIP = "Accept-Encoding: gzip"
BODY = b'{"prompt": "reader 0"}'


@pytest.fixture(scope="module", params=["nginx", "relay"])
def plays(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which program plays the proxy: both have to do the same."""
    if request.param == "nginx":
        request.getfixturevalue("nginx")
        yield "nginx"
        return
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NGINX", "none")
        yield "a relay of ours"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM() as llm:
        llm.set(**HEALTHY)
        yield llm


def hurried(experiment: Experiment) -> Experiment:
    rate, seconds = experiment.tokens_per_s * 4, experiment.seconds / 4
    return replace(experiment, tokens_per_s=rate, seconds=seconds, time_lapse=4)


def answer(llm: FakeLLM, chat: Handler, proxy: Proxy, *lines: str) -> tuple[dict[str, str], bytes]:
    """Ask through a proxy; return the head's fields and the body as it came."""
    with (
        ServerThread(lambda: make_app(chat), env=llm.env) as server,
        proxy.before(server.port) as running,
    ):
        status, fields, body = parts(read_all(post(running.port, BODY, JSON, *lines)))
    assert status == 200
    return fields, body


def test_an_answer_comes_through_whole_and_nothing_stays(llm: FakeLLM, plays: str):
    before = set(Path(gettempdir()).glob("nginx-*"))
    with nothing_left():
        _, body = answer(llm, step3_cancelling.chat, Proxy())
    assert events(body)[-1] == "[DONE]"
    assert set(Path(gettempdir()).glob("nginx-*")) <= before


@pytest.fixture(scope="module")
def runs(plays: str) -> dict[str, Recording]:
    """Run them side by side: most of each is waiting."""
    step3, step4, off = step3_cancelling, step4_production, Proxy(buffering=False)
    small = {"HTTP/1.0": (step3, OLD_DEFAULT), "HTTP/1.1": (step3, Proxy())}
    small |= {"header": (step4, OLD_DEFAULT)}
    large = {"buffered": (step3, Proxy()), "header, stalled": (step4, Proxy()), "off": (step3, off)}
    limits = {"idle": (step3, Proxy(idle_s=1.2)), "heartbeats": (step4, Proxy(idle_s=1.2))}
    limits |= {"deadline": (step4, Proxy(whole_s=1.0))}
    asked = {name: hurried(small_events(*set_up)) for name, set_up in small.items()}
    asked |= {name: hurried(large_events(*set_up)) for name, set_up in large.items()}
    asked |= {name: thinking(*set_up) for name, set_up in limits.items()}
    return asyncio.run(run_all(asked))


def thinking(server: ModuleType, proxy: Proxy) -> Experiment:
    return Experiment(
        server, 1, {"steady": 1}, tokens_per_s=100, answer_tokens=10, first_token_s=2, seconds=3,
        time_lapse=50, env={"HEARTBEAT_S": "0.2"}, proxy=proxy,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arrival"),
    [("HTTP/1.0", "in lumps"), ("HTTP/1.1", "one by one"), ("header", "one by one")],
)
def test_small_events(name: str, arrival: str, runs: dict[str, Recording], plays: str):
    assert runs[name].setup["proxy"]["name"].startswith(plays)
    assert judge_arrival(runs[name]).outcome == arrival


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("buffered", "growing"), ("header, stalled", "bounded"), ("off", "bounded")],
)
def test_a_stalled_reader(name: str, outcome: str, runs: dict[str, Recording], plays: str):
    verdict = judge(runs[name])
    assert verdict.outcome == outcome
    assert f"queues of the server and of {plays}" in verdict.evidence


@pytest.mark.parametrize(
    ("name", "end"), [("idle", "cut"), ("heartbeats", "complete"), ("deadline", "cut")]
)
def test_limits(name: str, end: str, runs: dict[str, Recording]):
    assert judge_end(runs[name]).outcome == end


def test_gzip_is_for_who_accepts_it(llm: FakeLLM, plays: str):
    packing = Proxy(gzip=True)
    fields, body = answer(llm, step3_cancelling.chat, packing, GZIP)
    assert fields["content-encoding"] == "gzip"
    assert events(gzip.decompress(body))[-1] == "[DONE]"
    fields, body = answer(llm, step3_cancelling.chat, packing)
    assert "content-encoding" not in fields
    assert events(body)[-1] == "[DONE]"


def test_nginx_does_not_read_no_transform_and_the_relay_does(
    llm: FakeLLM, nginx: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NGINX", nginx)
    fields, body = answer(llm, step4_production.chat, Proxy(gzip=True), GZIP)
    assert "no-transform" in fields["cache-control"]
    assert zlib.decompress(body, wbits=31).endswith(b"data: [DONE]\n\n")
    fields, _ = answer(llm, step4_production.chat, Proxy(gzip=True, ours=True), GZIP)
    assert "content-encoding" not in fields


def test_an_answer_over_http_1_0_ends_for_a_reader_who_keeps_the_connection(
    llm: FakeLLM, plays: str
):
    _, body = answer(llm, step3_cancelling.chat, OLD_DEFAULT, "Connection: keep-alive")
    assert b"[DONE]" in body


def test_who_stops_waiting_stops_the_llm_through_a_proxy(llm: FakeLLM, plays: str):
    llm.set(tokens_per_s=100, answer_tokens=100_000)
    with (
        ServerThread(lambda: make_app(step4_production.chat), env=llm.env) as server,
        Proxy().before(server.port) as running,
    ):
        reader = post(running.port, BODY, JSON)
        until(lambda: llm.totals().open)
        reader.close()
        until(lambda: not llm.totals().open)
    llm.set(**HEALTHY)


def test_nginx_goes_with_the_process_that_owns_it(
    llm: FakeLLM, nginx: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("NGINX", nginx)
    running = Proxy().before(llm.port)
    (daemon,) = psutil.Process(running._child.pid).children()
    running._child.end()  # as the pipe closes when its owner dies
    until(lambda: not daemon.is_running())
    running.__exit__(None, None, None)


def test_one_that_is_named_and_does_not_start_is_done_without(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NGINX", "none")
    assert find_nginx() is None


def test_a_time_lapse_shortens_its_limits():
    assert Proxy(idle_s=60, whole_s=30).times(30) == Proxy(idle_s=2, whole_s=1)
