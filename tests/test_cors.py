"""Pages of other sites get nothing, unless their origin is named."""

from collections.abc import Iterator

import pytest

from servers.settings import BadSetting
from tests.mechanism import ask, read_all
from tests.production import post, send, serving
from tests.test_servers import parts
from workshop_lib.pipe.fake_llm import FakeLLM

PAGE = "https://chat.example"
PREFLIGHT = f"OPTIONS /chat HTTP/1.1\nOrigin: {PAGE}\nAccess-Control-Request-Method: POST"


@pytest.fixture(scope="module")
def llm() -> Iterator[FakeLLM]:
    with FakeLLM() as llm:
        yield llm


def test_it_is_closed_by_default(llm: FakeLLM):
    with serving(llm) as server:
        answers = [parts(read_all(send(server.port, PREFLIGHT))), parts(read_all(ask(server.port)))]
    assert [status for status, _, _ in answers] == [405, 200]
    assert not [name for _, fields, _ in answers for name in fields if name.startswith("access")]


@pytest.mark.parametrize("origin", [PAGE, "*"])
def test_one_origin_can_be_let_in(llm: FakeLLM, origin: str):
    with serving(llm, {"ALLOW_ORIGIN": origin}) as server:
        preflight = parts(read_all(send(server.port, PREFLIGHT)))
        answer = parts(read_all(ask(server.port)))
        refusal = parts(read_all(post(server.port, b"")))
    assert [preflight[0], answer[0], refusal[0]] == [204, 200, 400]
    for _, fields, _ in (preflight, answer, refusal):  # a page reads errors too
        assert fields["access-control-allow-origin"] == origin
    assert preflight[1]["access-control-allow-headers"] == "Content-Type, Last-Event-ID"


@pytest.mark.parametrize("origin", ["chat.example", f"{PAGE}/", f"{PAGE} https://b.example"])
def test_what_is_no_origin_is_told(llm: FakeLLM, origin: str):
    with (
        pytest.raises(BadSetting, match="Set it to one origin"),
        serving(llm, {"ALLOW_ORIGIN": origin}),
    ):
        pass
