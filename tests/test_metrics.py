"""What Prometheus reads is what happened: open streams, tokens, hoarded bytes, ends, refusals."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.mechanism import ask, read_all, until
from tests.production import ENDLESS, HEALTHY, LARGE, post, read_until, send, serving
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL

ON = {"METRICS": "1"}


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm:
        llm.totals()  # its connection to here is no server's
        yield llm


def scrape(server: ServerThread) -> dict[str, float]:
    """Read every sample as Prometheus does, by its name and its label's value."""
    status, fields, body = parts(read_all(send(server.port, "GET /metrics HTTP/1.1")))
    assert (status, fields["content-type"].split(";")[0]) == (200, "text/plain")
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_they_are_off_unless_asked_for(llm: FakeLLM):
    with serving(llm) as server:
        assert parts(read_all(send(server.port, "GET /metrics HTTP/1.1")))[0] == 404


def test_ended_answers_are_summed(llm: FakeLLM):
    with serving(llm, ON | {"HEARTBEAT_S": "0.02"}, first_token_s=0.3) as server:
        for _ in range(2):
            read_all(ask(server.port))
        read_all(post(server.port, b"{}"))
        seen = scrape(server)
    assert seen["chat_tokens_total"] == 2 * HEALTHY["answer_tokens"]
    assert seen["chat_heartbeats_total"] >= 2
    assert seen["chat_answers_total complete"] == 2
    assert seen["chat_answers_total refused"] == seen["chat_refusals_total 400"] == 1
    assert seen["chat_open_streams"] == seen["chat_hoarded_bytes"] == 0


def test_an_open_stream_is_seen_with_its_tokens(llm: FakeLLM):
    with serving(llm, ON, **ENDLESS) as server:
        with ask(server.port) as reader:
            read_until(reader, b"#9")
            seen = scrape(server)
        until(lambda: scrape(server).get("chat_answers_total left") == 1)
        after = scrape(server)
    assert seen["chat_open_streams"] == 1
    assert seen["chat_tokens_total"] >= 10
    assert after["chat_open_streams"] == 0
    assert after["chat_tokens_total"] >= seen["chat_tokens_total"]


def test_a_stalled_reader_is_seen_with_the_bytes_it_leaves_here(llm: FakeLLM):
    with serving(llm, ON, **LARGE) as server:
        with ask(server.port, rcvbuf=SMALL.reader_rcvbuf):
            until(lambda: scrape(server)["chat_stalled_readers"] == 1)
            hoarded = scrape(server)["chat_hoarded_bytes"]
            assert hoarded == sum((server.write_buffers() or {}).values()) > 0
        until(lambda: scrape(server)["chat_open_streams"] == 0)
        assert scrape(server)["chat_hoarded_bytes"] == 0


def test_one_that_is_given_up_is_counted(llm: FakeLLM):
    with (
        serving(llm, ON | {"STALL_S": "0.3"}, **LARGE) as server,
        ask(server.port, rcvbuf=SMALL.reader_rcvbuf),
    ):
        until(lambda: scrape(server).get("chat_answers_total stalled") == 1)


def test_each_app_has_its_own(llm: FakeLLM):
    with serving(llm, ON) as one, serving(llm, ON) as other:
        read_all(ask(one.port))
        assert scrape(one)["chat_tokens_total"] == HEALTHY["answer_tokens"]
        assert scrape(other)["chat_tokens_total"] == 0
