"""The official Node SDK reads the fake LLM too."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.node import install_packages, node_env
from workshop_lib.pipe.tokens import token_text

NODE_TESTS = Path(__file__).parent / "node"
STREAMS = [
    "",
    "text=multibyte&token_bytes=50",
    "fault=split&token_bytes=50",
    "fault=rate_limit",
    "fault=server_error",
    "fault=unauthorized",
    "tokens_per_second=5",
    "fault=error_event&fault_at=7",
    "fault=cut&fault_at=7",
    "fault=early_end&fault_at=7",
    "fault=garbage&fault_at=7",
]


@pytest.fixture(scope="module")
def sdk(node: str) -> str:
    """Install the Node SDK as its lock file has it, and return the path of Node."""
    install_packages(NODE_TESTS)
    return node


@pytest.fixture(scope="module")
def seen(sdk: str) -> dict[str, Any]:
    with FakeLLM(tokens_per_s=0, answer_tokens=30) as llm:
        ended = subprocess.run(
            [sdk, "read_fake_llm.mjs", *STREAMS],
            cwd=NODE_TESTS,
            env={**node_env(), **llm.env},
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def text(tokens: int, token_bytes: int = 5, multibyte: bool = False) -> str:
    return "".join(token_text(n, token_bytes, multibyte) for n in range(tokens))


def test_models_and_whole_answer(seen: dict[str, Any]):
    assert seen["models"] == ["fake-llm"]
    assert seen["whole"] == text(30)


@pytest.mark.parametrize("knobs", STREAMS[:3])
def test_complete_streams(seen: dict[str, Any], knobs: str):
    stream = seen["streams"][knobs]
    assert stream["text"] == (text(30, 50, True) if knobs else text(30))
    assert stream["finish"] == "stop"
    assert stream["usage"] == {"prompt_tokens": 3, "completion_tokens": 30, "total_tokens": 33}


@pytest.mark.parametrize(
    ("knobs", "raised", "status"),
    [
        ("fault=rate_limit", "RateLimitError", 429),
        ("fault=server_error", "InternalServerError", 500),
        ("fault=unauthorized", "AuthenticationError", 401),
        ("tokens_per_second=5", "BadRequestError", 400),
    ],
)
def test_refusals(seen: dict[str, Any], knobs: str, raised: str, status: int):
    stream = seen["streams"][knobs]
    assert (stream["raised"], stream["status"], stream["text"]) == (raised, status, "")


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        ("error_event", "APIError"),
        ("cut", "TypeError"),  # undici's own: "terminated"
        ("early_end", None),
        ("garbage", "SyntaxError"),
    ],
)
def test_faults_in_mid_stream(seen: dict[str, Any], fault: str, raised: str | None):
    stream = seen["streams"][f"fault={fault}&fault_at=7"]
    assert (stream.get("raised"), stream["text"], stream["finish"]) == (raised, text(7), None)
