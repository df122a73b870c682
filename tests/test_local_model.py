"""The local model without its weights: a stand-in for llama.cpp generates, and counts."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession
from openai import AsyncOpenAI, BadRequestError

from tests.llama import Llama
from tests.mechanism import call, gone, nothing_left, read_all, until
from workshop_lib.pipe.local_model import NotInstalled, engine
from workshop_lib.pipe.local_model.__main__ import main
from workshop_lib.pipe.local_model.engine import CONTEXT_TOKENS
from workshop_lib.pipe.local_model.pieces import PIECE_TOKENS, SPARE_TOKENS
from workshop_lib.pipe.local_model.serve import serving
from workshop_lib.pipe.server import ServerThread

ROOT = Path(__file__).resolve().parent.parent
WORDS = 1000
SMALL_BYTES = 4096
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
STREAMED = json.dumps({"messages": MESSAGES, "stream": True})


@asynccontextmanager
async def served(words: int = WORDS, **options: Any) -> AsyncIterator[tuple[Llama, int]]:
    """Serve a stand-in as the model would be; give it, and the port to ask."""
    llama = Llama(words)
    with ServerThread(llama.application) as there:
        async with serving(there.url, 0, SMALL_BYTES, options) as port:
            yield llama, port


def client(port: int) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0)


async def whole_answer(port: int) -> str:
    """Ask, read to the end, and return all that came."""
    sock = call(port, STREAMED, path="/v1/chat/completions")
    return (await asyncio.to_thread(read_all, sock)).decode()


async def test_an_answer_arrives_token_by_token_and_says_why_it_ended():
    async with served() as (llama, port), client(port) as llm:
        asked: dict[str, Any] = {"model": "x", "messages": MESSAGES}
        texts, last = [], None
        stream = await llm.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
        async for chunk in stream:
            texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]
            last = chunk.choices[0].finish_reason if chunk.choices else last
        assert texts == [llama.word(number) for number in range(WORDS)]
        assert last == "stop"
        assert chunk.usage and chunk.usage.completion_tokens == WORDS == llama.generated
        assert chunk.usage.prompt_tokens == 7
        assert (await whole_answer(port)).count("data: [DONE]") == 1
        whole = await llm.chat.completions.create(**asked, max_tokens=20)
        assert whole.choices[0].message.content == llama.text(20)
        assert whole.choices[0].finish_reason == "length"


async def test_no_piece_is_larger_than_what_may_be_ahead_of_a_reader():
    async with served(words=20, seed=5, temperature=0) as (llama, port):
        await whole_answer(port)
        assert [asked["n_predict"] for asked in llama.asked] == [PIECE_TOKENS] * 3
        assert [asked["seed"] for asked in llama.asked] == [5, 13, 21]
        assert {asked["temperature"] for asked in llama.asked} == {0}


async def test_an_answer_ends_where_the_context_does():
    async with served(words=10_000) as (llama, port):
        assert '"finish_reason":"length"' in await whole_answer(port)
        assert llama.generated == CONTEXT_TOKENS - SPARE_TOKENS - 7


async def test_a_reader_that_does_not_read_holds_the_model_back():
    async with served() as (llama, port):
        sock = call(port, STREAMED, SMALL_BYTES, "/v1/chat/completions")
        await came_to_rest(llama, port)
        assert llama.generated < 2 * WORDS  # the other answer, and a part of this one
        assert await asyncio.to_thread(read_all, sock)
        assert llama.generated == 2 * WORDS


async def came_to_rest(llama: Llama, port: int) -> None:
    """See that the model works for somebody else, and no more for whoever came before."""
    before = await at_rest(llama)
    await whole_answer(port)
    assert llama.generated == before + WORDS


async def at_rest(llama: Llama) -> int:
    """Return how many words were generated once no more are."""
    before = -1
    while llama.generated != before:
        before = llama.generated
        await asyncio.sleep(0.3)
    return before


async def test_a_reader_that_leaves_stops_the_model():
    async with served() as (llama, port):
        with call(port, STREAMED, SMALL_BYTES, "/v1/chat/completions") as sock:
            assert await asyncio.to_thread(sock.recv, 1)
        await came_to_rest(llama, port)
        assert llama.generated < 2 * WORDS


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": "Hello"}, "Expected 'messages' to be an array"),
        ({}, "Send JSON like"),
        ([], "Send JSON like"),
        ({"messages": MESSAGES, "max_tokens": "many"}, "Send JSON like"),
        ({"messages": MESSAGES, "tools": [], "stop": "x"}, "knows no stop, tools: leave that away"),
    ],
)
async def test_what_it_cannot_do_is_said(body: Any, sentence: str):
    async with served() as (llama, port), ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.post("/v1/chat/completions", json=body) as response:
            assert response.status == 400
            assert sentence in (await response.json())["error"]["message"]
        assert llama.generated == 0


async def test_the_sdk_understands_a_refusal():
    async with served() as (_, port), client(port) as llm:
        with pytest.raises(BadRequestError, match="leave that away"):
            await llm.chat.completions.create(model="x", messages=MESSAGES, logprobs=True)


async def test_an_engine_that_has_gone_ends_the_answer_with_an_error():
    llama = Llama(WORDS)
    there = ServerThread(llama.application).start()
    async with serving(there.url, 0, SMALL_BYTES, {}) as port:
        sock = call(port, STREAMED, SMALL_BYTES, "/v1/chat/completions")
        assert 0 < await at_rest(llama) < WORDS
        await asyncio.to_thread(there.stop)
        said = await asyncio.to_thread(read_all, sock)
        assert b"The model broke off. Ask again." in said
        assert b"[DONE]" not in said
        assert b'"finish_reason":"' not in said
        asked = call(port, STREAMED, path="/v1/chat/completions")
        assert b"HTTP/1.1 500" in await asyncio.to_thread(read_all, asked)


def test_without_the_extra_a_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def missing(_: str) -> None:
        return None

    monkeypatch.setattr(engine, "find_spec", missing)
    with pytest.raises(NotInstalled, match=r"Run `make lab MODEL=local`.*or `make lab` to go on"):
        engine.weights()
    with pytest.raises(SystemExit, match="The local model is not installed"):
        main([])
    assert "export" not in capsys.readouterr().out


# A program that starts a child and becomes another, as the model's does with the lab.
BECOMES = """
import os, sys
from workshop_lib.pipe.child import Child
child = Child("tests.child_module", {"do": "wait"})
print(child.pid, flush=True)
child.keep_through_exec()
os.execvp("sleep", ["sleep", "60"])
"""


def test_what_a_process_becomes_keeps_the_child_until_it_ends():
    with nothing_left():
        with subprocess.Popen(
            [sys.executable, "-c", BECOMES], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout
            child = int(process.stdout.readline())
            until(lambda: psutil.Process(process.pid).name() == "sleep")
            assert not gone(child)
            process.kill()
        until(lambda: gone(child))


@pytest.mark.parametrize("model", ["local", "gpt-4o-mini", ""])
def test_make_lab_starts_the_model_only_where_it_is_asked_for(model: str):
    env = {name: value for name, value in os.environ.items() if name != "MODEL"}
    command = ["make", "--dry-run", "lab", *([f"MODEL={model}"] if model else [])]
    shown = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    is_local = model == "local"
    assert (".ci/install.py model" in shown.stdout) == is_local
    assert ("-m workshop_lib.pipe.local_model" in shown.stdout) == is_local
