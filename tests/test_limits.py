"""A request beyond the limits is refused with a status, and a slow one does not keep its place."""

import json
import socket
import sys
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mechanism import read_all, until
from tests.production import HEALTHY, JSON, post, refused, send, serving
from tests.test_servers import events, parts
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.server_process import ServerProcess

PROMPT = b'{"prompt": "reader 0"}'
LIMITS = {"MAX_BODY_BYTES": "2000", "MAX_PROMPT_CHARS": "1000"}
GZIP = "Content-Encoding: gzip"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM() as llm:
        yield llm


@pytest.fixture(scope="module")
def server(llm: FakeLLM) -> Iterator[ServerThread]:
    with serving(llm, LIMITS) as server:
        yield server


def of_prompt(prompt: object) -> bytes:
    return json.dumps({"prompt": prompt}).encode()


@pytest.mark.parametrize(
    ("body", "line", "status", "code"),
    [
        (PROMPT, "Content-Type: text/plain", 415, "not_json"),
        (PROMPT, "X-Nothing: 1", 415, "not_json"),
        (PROMPT, "Content-Type: application/x-www-form-urlencoded", 415, "not_json"),
        (of_prompt("x" * 2000), JSON, 413, "too_large"),
        (of_prompt("x" * 1001), JSON, 422, "long_prompt"),
        (of_prompt(" \n"), JSON, 422, "empty_prompt"),
        (of_prompt("half \ud83d of it"), JSON, 422, "broken_prompt"),
        (of_prompt(7), JSON, 400, "bad_request"),
        (b"[" * 1900, JSON, 400, "bad_request"),
        (PROMPT, f"{JSON}\n{GZIP}", 400, "bad_request"),
        (PROMPT, f"Content-Type: text/plain\n{GZIP}", 400, "bad_request"),
        (PROMPT, f"{JSON}; charset=nothing", 400, "bad_request"),
    ],
)
def test_what_is_beyond_the_limits_is_refused(
    server: ServerThread, llm: FakeLLM, body: bytes, line: str, status: int, code: str
):
    before = llm.totals().streams
    got, _, error = refused(post(server.port, body, line))
    assert (got, error["code"]) == (status, code)
    assert llm.totals().streams == before  # refused before the LLM was asked


def test_what_grows_beyond_the_limit_when_it_is_unpacked_is_refused(server: ServerThread):
    deflated = zlib.compress(of_prompt("x" * 1_000_000))
    assert len(deflated) < 2000
    got, _, error = refused(post(server.port, deflated, JSON, "Content-Encoding: deflate"))
    assert (got, error["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"%x\r\n%b\r\n0\r\n\r\n" % (len(PROMPT), PROMPT), 200),
        (b"%x\r\n%b\r\n0\r\n\r\n" % (3000, b"x" * 3000), 413),
    ],
)
def test_a_body_without_a_length_has_the_same_limits(
    server: ServerThread, chunks: bytes, status: int
):
    answer = send(server.port, f"POST /chat HTTP/1.1\n{JSON}\n{CHUNKED}", chunks)
    assert parts(read_all(answer))[0] == status


@pytest.mark.parametrize("prompt", ["x" * 1000, "🙂" * 100, "\x00"])
def test_what_is_within_the_limits_is_asked(server: ServerThread, prompt: str):
    status, _, body = parts(read_all(post(server.port, of_prompt(prompt))))
    assert (status, events(body)[-1]) == (200, "[DONE]")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("prompt"), inner),
    max_leaves=8,
)
A_BODY = st.binary() | ANY_JSON.map(lambda value: json.dumps(value).encode())
# two of one name are no HTTP, and refused before they come to the app
TYPE = st.sampled_from(
    [JSON, f"{JSON}; charset=utf-16", f"{JSON}; charset=idna", "Content-Type: a"]
)
LINES = st.tuples(TYPE) | st.tuples(TYPE, st.just(GZIP))


@settings(max_examples=300, deadline=None)
@given(A_BODY | st.builds(lambda prompt: json.dumps({"prompt": prompt}).encode(), ANY_JSON), LINES)
@example(of_prompt("\udfff"), (JSON,))
@example(b"9" * 1900, (JSON,))
def test_no_body_makes_it_fail(server: ServerThread, body: bytes, lines: tuple[str, ...]):
    answer = read_all(post(server.port, body, *lines))
    status, fields, said = parts(answer)
    if status == 200:
        assert events(said)[-1] == "[DONE]"
    else:
        assert status in (400, 413, 415, 422)
        assert fields["content-type"].startswith("application/json")
        assert set(json.loads(said)["error"]) == {"code", "message"}
    assert server.errors == []


# -- slow clients ---------------------------------------------------------------------------------


def test_a_slow_body_is_refused(llm: FakeLLM):
    with serving(llm, {"BODY_S": "0.3"}) as server:
        slow = send(server.port, f"POST /chat HTTP/1.1\n{JSON}\nContent-Length: 1000", b'{"prom')
        head = bytearray()

        def is_told() -> bool:
            _send_a_little(slow)
            head.extend(_what_came(slow) or b"")
            return b"too_slow" in head

        until(is_told, 30)
        assert head.startswith(b"HTTP/1.1 408 ")
        slow.close()


def test_a_slow_head_is_cut(llm: FakeLLM):
    llm.set(**HEALTHY)
    env = {**llm.env, "KEEPALIVE_S": "1"}
    with ServerProcess([sys.executable, "-m", "servers.step4_production"], env=env) as server:
        slow = socket.create_connection(("127.0.0.1", server.port))
        slow.sendall(b"POST /chat HTTP/1.1\r\nX: ")

        def is_cut() -> bool:
            _send_a_little(slow)
            return _what_came(slow) == b""

        until(is_cut, 30)
        slow.close()
        assert parts(read_all(post(server.port, PROMPT)))[0] == 200


def _send_a_little(slow: socket.socket) -> None:
    try:
        slow.sendall(b"x")
    except ConnectionError:
        pass


def _what_came(slow: socket.socket) -> bytes | None:
    """Return what came within a moment, b"" for the end."""
    slow.settimeout(0.05)
    try:
        return slow.recv(65536)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""
