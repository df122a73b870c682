"""A setting that does not fit is told in a sentence as the server starts."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from servers import settings, step6_resumable
from servers.common import make_app
from servers.settings import BadSetting
from workshop_lib.pipe.server import ServerThread

ROOT = Path(__file__).resolve().parent.parent
SECONDS = [
    "HEARTBEAT_S",
    "STALL_S",
    "STREAM_S",
    "START_S",
    "GRACE_S",
    "BODY_S",
    "BUDGET_WINDOW_S",
    "RESUME_S",
]
COUNTS = [
    "MAX_PROMPT_CHARS",
    "MAX_BODY_BYTES",
    "BUDGET_TOKENS",
    "MAX_STREAMS_PER_USER",
    "REPLAY_BYTES",
    "MAX_ANSWERS",
    "LLM_CONNECTIONS",
]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon", "1 s"])
def test_seconds_are_above_zero(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("STALL_S", text)
    with pytest.raises(BadSetting, match=f"STALL_S is '{text}'. Set it to seconds, such as 30."):
        settings.seconds("STALL_S", 30)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "٣x"])
def test_counts_are_whole(monkeypatch: pytest.MonkeyPatch, text: str):
    monkeypatch.setenv("MAX", text)
    with pytest.raises(BadSetting, match=f"MAX is '{text}'. Set it to a whole number above 0"):
        settings.count("MAX", 5)


def test_a_switch_is_on_or_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METRICS", "yes")
    with pytest.raises(BadSetting, match=r"METRICS is 'yes'\. Set it to 1 for on"):
        settings.switch("METRICS")


def test_what_is_empty_is_as_usual(monkeypatch: pytest.MonkeyPatch):
    for name in ("STALL_S", "MAX", "METRICS"):
        monkeypatch.setenv(name, "")
    assert settings.seconds("STALL_S", 30) == 30
    assert settings.count("MAX", 5) == 5
    assert settings.switch("METRICS") is False


@pytest.mark.parametrize("name", ["ALLOW_ORIGIN", "METRICS", "REDIS_URL", "KEEPALIVE_S"])
def test_a_server_says_it_and_does_not_start(name: str):
    env = os.environ | {"OPENAI_API_KEY": "sk-none", name: "nonsense"}
    command = [sys.executable, "-m", "servers.step6_resumable"]
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert re.fullmatch(rf"{name} .* Set it .*\n", run.stderr)


@pytest.mark.parametrize("name", [*SECONDS, *COUNTS])
def test_every_setting_is_read_as_the_app_starts(name: str):
    app = lambda: make_app(step6_resumable.chat)  # noqa: E731
    env = {"OPENAI_API_KEY": "sk-none", name: "nonsense"}
    with pytest.raises(BadSetting, match=f"{name} is 'nonsense'"), ServerThread(app, env=env):
        pass


def test_the_readme_says_each_with_its_usual_value():
    read = r'(?:seconds|count|switch)\("(\w+)"(?:, ([\d_]+))?\)|environ\.get\("(\w+_\w+)"'
    usual: dict[str, str] = {}
    for file in (ROOT / "servers").glob("*.py"):
        for name, value, other in re.findall(read, file.read_text()):
            usual[name or other] = value.replace("_", "")
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", (ROOT / "README.md").read_text(), re.M)
    said = {name: value.strip() for name, value in rows}
    assert said.keys() == usual.keys()
    assert [name for name, value in usual.items() if value not in ("", said[name])] == []
