"""The fake LLM speaks OpenAI's format: the official Python SDK reads every answer and fault."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import openai
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from workshop_lib.pipe.fake_llm import Answer, FakeLLM, KnobError, StreamRow
from workshop_lib.pipe.fake_llm.knobs import CHOICES, RANGES, REFUSALS, read_knobs
from workshop_lib.pipe.fake_llm.pace import Pace
from workshop_lib.pipe.fake_llm.wire import Chunks
from workshop_lib.pipe.tokens import TokenScanner, token_text

SECRET = "sk-secret-0123456789-abcdefgh"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM(tokens_per_s=0, answer_tokens=30) as llm:
        yield llm


@pytest.fixture
def client(llm: FakeLLM) -> Iterator[OpenAI]:
    with OpenAI(base_url=llm.base_url, api_key=SECRET, max_retries=0, timeout=30) as client:
        yield client


def ask(client: OpenAI, model: str, prompt: str = "Hello"):
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}], stream=True
    )


def texts_until_it_ends(client: OpenAI, model: str) -> tuple[list[str], BaseException | None]:
    """Read tokens up to the answer's end; return them and what the SDK raised, if it did."""
    texts: list[str] = []
    try:
        with ask(client, model) as stream:
            for chunk in stream:
                texts.append(chunk.choices[0].delta.content or "")
    except (openai.APIError, ValueError) as problem:
        return list(filter(None, texts)), problem
    return list(filter(None, texts)), None


def newest(llm: FakeLLM) -> StreamRow:
    return llm.ledger()[-1]


# -- answers --------------------------------------------------------------------------------------


def test_streams_numbered_tokens_then_a_reason(client: OpenAI, llm: FakeLLM):
    with ask(client, "fake-llm") as stream:
        chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert [delta.content for delta in deltas[1:-1]] == [token_text(n) for n in range(30)]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 31 + ["stop"]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk.model for chunk in chunks} == {"fake-llm"}
    assert len({chunk.id for chunk in chunks}) == 1


def test_lines_of_text_end_as_they_do_in_an_answer_with_paragraphs(client: OpenAI):
    texts, problem = texts_until_it_ends(client, "m?text=lines&answer_tokens=3")
    assert (texts, problem) == (["#0.. \n\n", "#1.. \n\n", "#2.. \n\n"], None)
    assert TokenScanner().feed("".join(texts).encode()) == [0, 1, 2]


def test_bytes_on_the_wire_are_openais(llm: FakeLLM):
    body = {"model": "m?answer_tokens=1", "messages": [{"role": "user", "content": "x"}]}
    response = httpx.post(llm.base_url + "/chat/completions", json=body | {"stream": True})
    assert response.headers["content-type"] == "text/event-stream"
    *events, done = response.text.removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [(c["index"], c["delta"], c["finish_reason"]) for c in choices] == [
        (0, {"role": "assistant", "content": ""}, None),
        (0, {"content": "#0.. "}, None),
        (0, {}, "stop"),
    ]
    assert all({"id", "object", "created", "model", "choices"} <= set(chunk) for chunk in chunks)
    assert not any(chunk.get("usage") for chunk in chunks)


def test_usage_comes_in_a_chunk_of_its_own_and_only_when_asked_for(client: OpenAI):
    with client.chat.completions.create(
        model="fake-llm",
        messages=[{"role": "user", "content": "three little words"}],
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        *chunks, last = list(stream)
    assert all(chunk.usage is None and len(chunk.choices) == 1 for chunk in chunks)
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (3, 30)
    assert last.usage.total_tokens == 33


def test_padding_is_left_out_for_who_wants_none(client: OpenAI, llm: FakeLLM):
    sizes: list[int] = []
    for include in (True, False):
        client.chat.completions.create(
            model="fake-llm?answer_tokens=3&tokens_per_s=0",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            stream_options={"include_obfuscation": include},
        ).response.read()
        sizes.append(newest(llm).bytes)
    assert sizes[0] - sizes[1] > 5 * 90


def test_whole_answer(client: OpenAI, llm: FakeLLM):
    answer = client.chat.completions.create(
        model="fake-llm?answer_tokens=3", messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.choices[0].message.content == "#0.. #1.. #2.. "
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert (newest(llm).tokens, newest(llm).ended_by) == (3, "answer complete")


def test_token_limit_ends_the_answer_early_and_says_so(client: OpenAI, llm: FakeLLM):
    answer = client.chat.completions.create(
        model="fake-llm", messages=[{"role": "user", "content": "Hello"}], max_tokens=2
    )
    assert answer.choices[0].message.content == "#0.. #1.. "
    assert answer.choices[0].finish_reason == newest(llm).finish == "length"


def test_lists_one_model(client: OpenAI):
    assert [model.id for model in client.models.list()] == ["fake-llm"]


@pytest.mark.parametrize(
    ("messages", "kept"),
    [
        ([{"role": "user", "content": "first"}, {"role": "user", "content": "last"}], "last"),
        ([{"role": "user", "content": [{"type": "text", "text": "part"}]}], "part"),
        ([{"role": "user", "content": "x" * 500 + "reader 7"}], "x" * 192 + "reader 7"),
        ([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "oh"}], "hi"),
    ],
)
def test_ledger_keeps_the_end_of_the_last_user_message(
    client: OpenAI, llm: FakeLLM, messages: list, kept: str
):
    client.chat.completions.create(model="fake-llm", messages=messages)
    assert newest(llm).prompt == kept


@given(number=st.integers(0, 99_999), size=st.integers(1, 300), multibyte=st.booleans())
def test_any_token_is_found_in_its_event(number: int, size: int, multibyte: bool):
    event = Chunks("id", "a\0model", True).token(token_text(number, size, multibyte))
    chunk = json.loads(event.removeprefix(b"data: "))
    assert chunk["model"] == "a\0model"
    assert TokenScanner().feed(chunk["choices"][0]["delta"]["content"].encode()) == [number]


# -- knobs ----------------------------------------------------------------------------------------


def test_header_goes_before_model_and_model_before_the_run(client: OpenAI, llm: FakeLLM):
    def tokens(model: str, header: str) -> int:
        answer = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": "Hello"}],
            extra_headers={"X-Fake-LLM": header},
        )
        return len(re.findall("#", answer.choices[0].message.content or ""))

    assert tokens("fake-llm", "") == 30
    assert tokens("fake-llm?answer_tokens=4", "") == 4
    assert tokens("fake-llm?answer_tokens=4", "answer_tokens=5") == 5
    assert tokens("fake-llm?answer_tokens=4&fault=server_error", "fault=&token_bytes=9") == 4


def test_run_defaults_change_for_requests_to_come(client: OpenAI, llm: FakeLLM):
    llm.set(answer_tokens=2, token_bytes=10)
    assert texts_until_it_ends(client, "gpt-whatever") == (["#0....... ", "#1....... "], None)
    llm.set(answer_tokens=30, token_bytes=5)
    assert len(texts_until_it_ends(client, "gpt-whatever")[0]) == 30


def test_multibyte_text_has_as_many_bytes_as_asked_for(client: OpenAI):
    texts, _ = texts_until_it_ends(client, "fake-llm?text=multibyte&token_bytes=100")
    assert all("…" in text and 100 <= len(text.encode()) <= 102 for text in texts)


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ("tokens_per_second=5", "no knob 'tokens_per_second'. Use one of tokens_per_s, answer_"),
        ("tokens_per_s=fast", "tokens_per_s cannot be 'fast'. Use a number from 0 to 1,000,000."),
        ("tokens_per_s=nan", "tokens_per_s cannot be nan. Use a number"),
        ("answer_tokens=2.5", "answer_tokens cannot be '2.5'. Use a whole number"),
        ("jitter=2", "jitter cannot be 2.0. Use a number from 0 to 1."),
        ("fault=fire", "fault cannot be 'fire'. Use one of '', 'rate_limit', "),
        ("text=loud", "text cannot be 'loud'. Use one of 'plain', 'multibyte', 'lines'."),
        ("fault=cut&fault_at=31", "would never come in an answer of 30 tokens. Make fault_at"),
        ("tokens_per_s", "Cannot read the knobs 'tokens_per_s'. Write them like"),
    ],
)
def test_bad_knob_is_refused_with_what_is_possible(client: OpenAI, knobs: str, says: str):
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(client, "fake-llm?" + knobs)
    assert says in refusal.value.message
    assert refusal.value.type == "invalid_request_error"


def test_bad_knob_fails_in_the_callers_own_cell(llm: FakeLLM):
    with pytest.raises(KnobError, match=r"no knob 'speed'\. Use one of tokens_per_s"):
        llm.set(speed=5)
    with pytest.raises(KnobError, match="jitter cannot be"):
        FakeLLM(jitter=7)


def test_every_knob_has_its_limits():
    assert set(vars(Answer())) == {*RANGES, *CHOICES}
    assert read_knobs("") == {}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"not JSON", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"messages": []}', "names no model"),
        (b'{"model": "m", "messages": []}', "no message of a user"),
        (b'{"model": "m", "messages": "hi"}', "no message of a user"),
        (b'{"model": "m", "messages": [{"role": "user", "content": 5}]}', "no message of a user"),
    ],
)
def test_bad_request_is_refused_with_what_to_send(llm: FakeLLM, body: bytes, says: str):
    response = httpx.post(llm.base_url + "/chat/completions", content=body)
    assert response.status_code == 400
    assert says in response.json()["error"]["message"]
    assert "Send" in response.json()["error"]["message"]


def test_base_url_without_v1_is_told_the_right_one(llm: FakeLLM):
    with (
        OpenAI(base_url=llm.base_url.removesuffix("/v1"), api_key="x", max_retries=0) as client,
        pytest.raises(openai.NotFoundError, match=f"Set OPENAI_BASE_URL to {llm.base_url},"),
    ):
        ask(client, "fake-llm")


# -- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "raised", "status"),
    [
        ("rate_limit", openai.RateLimitError, 429),
        ("server_error", openai.InternalServerError, 500),
        ("unauthorized", openai.AuthenticationError, 401),
    ],
)
def test_refusals(client: OpenAI, llm: FakeLLM, fault: str, raised: type, status: int):
    with pytest.raises(raised) as refusal:
        ask(client, f"fake-llm?fault={fault}")
    assert refusal.value.status_code == status
    assert (newest(llm).tokens, newest(llm).ended_by) == (0, f"fault: {fault}")
    assert (refusal.value.response.headers.get("retry-after") == "1") == (status == 429)


def test_refused_key_is_named_by_its_ends(client: OpenAI):
    with pytest.raises(openai.AuthenticationError) as refusal:
        ask(client, "fake-llm?fault=unauthorized")
    assert SECRET[:8] in refusal.value.message
    assert SECRET not in refusal.value.message


def test_retries_of_the_sdk_are_in_the_ledger(client: OpenAI, llm: FakeLLM):
    before = llm.totals().streams
    with pytest.raises(openai.InternalServerError):
        ask(client.with_options(max_retries=1), "fake-llm?fault=server_error")
    assert llm.totals().streams == before + 2


@pytest.mark.parametrize("fault_at", [0, 7, 30])
@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("error_event", openai.APIError),
        ("cut", openai.APIConnectionError),
        ("early_end", type(None)),
    ],
)
def test_faults_that_end_the_answer(
    client: OpenAI, llm: FakeLLM, fault: str, raised: type, fault_at: int
):
    texts, problem = texts_until_it_ends(client, f"fake-llm?fault={fault}&fault_at={fault_at}")
    assert type(problem) is raised
    assert texts == [token_text(n) for n in range(fault_at)]
    row = newest(llm)
    assert (row.tokens, row.ended_by, row.finish) == (fault_at, f"fault: {fault}", None)


def test_early_end_has_no_reason(client: OpenAI):
    with ask(client, "fake-llm?fault=early_end&fault_at=7") as stream:
        assert {chunk.choices[0].finish_reason for chunk in stream} == {None}


def test_error_event_carries_a_message(client: OpenAI):
    _, problem = texts_until_it_ends(client, "fake-llm?fault=error_event&fault_at=7")
    assert isinstance(problem, openai.APIError)
    assert "broke down in the middle" in problem.message


@pytest.mark.parametrize("fault", ["silence", "silence_before_headers"])
def test_silence_is_ended_by_the_client(client: OpenAI, llm: FakeLLM, fault: str):
    patient = client.with_options(timeout=1)
    texts, problem = texts_until_it_ends(patient, f"fake-llm?fault={fault}&fault_at=7")
    assert isinstance(problem, openai.APITimeoutError)
    assert len(texts) == (7 if fault == "silence" else 0)
    deadline_s = time.monotonic() + 20
    while newest(llm).ended_by is None and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert newest(llm).ended_by == "client left"


def test_garbage_is_not_json_and_the_answer_goes_on(client: OpenAI, llm: FakeLLM):
    texts, problem = texts_until_it_ends(client, "fake-llm?fault=garbage&fault_at=7")
    assert isinstance(problem, json.JSONDecodeError)
    assert len(texts) == 7
    body = {"model": "m?fault=garbage&fault_at=7", "messages": [{"role": "user", "content": ""}]}
    whole = httpx.post(llm.base_url + "/chat/completions", json=body | {"stream": True}).text
    assert len(TokenScanner().feed(whole.encode())) == 30
    assert whole.endswith("data: [DONE]\n\n")


def test_split_characters_arrive_in_two_reads_and_whole_in_the_end(client: OpenAI, llm: FakeLLM):
    model = "fake-llm?fault=split&fault_at=10&answer_tokens=20"
    texts, problem = texts_until_it_ends(client, model)
    assert problem is None
    assert texts == [token_text(n, multibyte=n >= 10) for n in range(20)]
    body = {"model": model, "messages": [{"role": "user", "content": ""}], "stream": True}
    with httpx.stream("POST", llm.base_url + "/chat/completions", json=body) as response:
        reads = list(response.iter_raw())
    assert any(read.endswith(b"\xe2") for read in reads)  # the first byte of three


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("error_event", openai.InternalServerError),
        ("cut", openai.APIConnectionError),
        ("early_end", openai.APIConnectionError),
        ("silence", openai.APITimeoutError),
        ("garbage", ValueError),
        *((fault, openai.APIStatusError) for fault in REFUSALS),
    ],
)
def test_faults_of_whole_answers(client: OpenAI, fault: str, raised: type[Exception]):
    with pytest.raises(raised):
        client.with_options(timeout=1).chat.completions.create(
            model=f"fake-llm?fault={fault}&fault_at=7",
            messages=[{"role": "user", "content": "Hello"}],
        )


# -- seed and process -----------------------------------------------------------------------------


async def test_jitter_is_seeded_and_stays_within_its_share(monkeypatch: pytest.MonkeyPatch):
    async def delays(seed: int, prompt: str) -> list[float]:
        asked_for: list[float] = []

        async def note(delay_s: float) -> None:
            asked_for.append(delay_s)

        monkeypatch.setattr("asyncio.sleep", note)
        monkeypatch.setattr("time.monotonic", lambda: 0.0)
        pace = Pace(Answer(tokens_per_s=10, jitter=0.5, seed=seed), prompt)
        for token in range(50):
            await pace.until(token)
        return asked_for

    one = await delays(1, "a")
    assert one == await delays(1, "a")
    assert one != await delays(2, "a")
    assert one != await delays(1, "b")
    late = [delay - token / 10 for token, delay in enumerate(one)]
    assert all(0 <= share <= 0.05 for share in late)
    assert max(late) > 0.03


def test_by_hand_it_prints_what_to_export():
    command = [sys.executable, "-m", "workshop_lib.pipe.fake_llm"]
    with subprocess.Popen(
        [*command, "--answer-tokens", "3"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            env = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[1:])
            with OpenAI(base_url=env["OPENAI_BASE_URL"], api_key=env["OPENAI_API_KEY"]) as client:
                assert len(texts_until_it_ends(client, env["MODEL"])[0]) == 3
        finally:
            process.terminate()


def test_by_hand_a_bad_knob_is_a_sentence():
    command = [sys.executable, "-m", "workshop_lib.pipe.fake_llm", "--jitter", "7"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "jitter cannot be 7.0. Use a number from 0 to 1." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_taken_port_is_a_sentence(llm: FakeLLM):
    with pytest.raises(RuntimeError, match="cannot listen on") as problem:
        FakeLLM(port=llm.port)
    assert "port 0" in str(problem.value)


def test_asked_after_its_end_it_says_what_to_do():
    with FakeLLM() as llm:
        pass
    with pytest.raises(RuntimeError, match=r"has ended\. Run the experiment again"):
        llm.ledger()


def test_connection_that_was_closed_in_between_is_opened_again():
    with FakeLLM() as llm:
        llm.ledger()
        sock = llm._connection.sock  # what an idle time-out of the server does to it
        sock.shutdown(socket.SHUT_RDWR)
        assert len(llm.ledger()) == 0


def test_it_leaves_nothing_behind():
    before = threading.active_count()
    with FakeLLM() as llm:
        pid = llm.pid
        assert psutil.pid_exists(pid)
    assert threading.active_count() == before
    assert not psutil.pid_exists(pid)
