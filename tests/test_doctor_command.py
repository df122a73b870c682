"""The doctor at the command line: what it starts, what it says, what it leaves."""

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from click.testing import CliRunner, Result

from tests.mechanism import gone, nothing_left, until
from workshop_lib.doctor.command import stream_doctor
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server_process import ServerProcess

pytestmark = pytest.mark.measures

PYTHON = shlex.quote(sys.executable)
STEP3 = f"{PYTHON} -m servers.step3_cancelling"
FEW = ("--only", "arrival", "--only", "integrity", "--only", "proxy_headers")


def ask(*options: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(stream_doctor, options)


def program(folder: Path, text: str) -> str:
    """Write a program, and return the command that runs it."""
    path = folder / "server.py"
    path.write_text(text)
    return f"{PYTHON} {shlex.quote(str(path))}"


def test_a_server_is_started_examined_reported_and_stopped(tmp_path):
    files = [str(tmp_path / name) for name in ("r.json", "r.xml", "r.html")]
    with nothing_left():
        result = ask("--run", STEP3, *FEW, "--quick", "--json", files[0], "--junit", files[1],
                     "--html", files[2])  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "Healthy: 2 healthy, 1 sick." in result.output
    report = json.loads(Path(files[0]).read_text())
    assert [one["verdict"] for one in report["probes"]] == ["healthy", "healthy", "sick"]
    assert report["framework"] == "aiohttp"
    suite = ElementTree.parse(files[1]).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "0", "1")
    page = Path(files[2]).read_text()
    assert page.count("<article") == 3 and page.count("<svg") == 1
    assert "http://" not in page and "<script" not in page


def test_strictly_advice_counts_and_the_status_is_1():
    result = ask("--run", STEP3, "--only", "proxy_headers", "--quick", "--strict")
    assert result.exit_code == 1
    assert "X-Accel-Buffering: no" in result.output


def test_another_port_another_path_and_a_fork(tmp_path):
    """It ignores PORT, and a grandchild serves, as with the launcher of Node."""
    own = program(
        tmp_path,
        f"""
import subprocess, sys
code = '''
from aiohttp import web
from servers.common import make_app
from servers.step3_cancelling import chat
outer = web.Application()
outer.add_subapp("/api/", make_app(chat))
web.run_app(outer, host="127.0.0.1", port=0, print=None)
'''
subprocess.run([sys.executable, "-c", code], cwd={str(Path.cwd())!r})
""",
    )
    with nothing_left():
        result = ask("--run", own, "--only", "integrity", "--quick")
    assert result.exit_code == 0, result.output
    assert "POST /api/chat with" in result.output


def test_a_death_is_a_finding_with_its_last_words(tmp_path):
    own = program(
        tmp_path,
        f"""
import os, sys
sys.path.insert(0, {str(Path.cwd())!r})
from servers import common, step2_fixed
def failure():
    print("out of luck", flush=True)
    os._exit(3)
step2_fixed.failure = failure
common.run(step2_fixed.chat)
""",
    )
    found = tmp_path / "found.json"
    with nothing_left():
        options = "--only", "errors_mid_stream", "--quick", "--json", str(found)
        result = ask("--run", own, *options)
    assert result.exit_code == 1, result.output
    (probe,) = json.loads(found.read_text())["probes"]
    assert probe["evidence"].startswith("it died while its LLM broke off")
    assert probe["evidence"].endswith("out of luck.")


def test_what_cannot_be_examined_is_said_and_the_status_is_2(tmp_path):
    for options, said in (
        ((), "Give --run"),
        (("--url", "http://192.0.2.1/chat"), "--allow-host 192.0.2.1"),
        (("--url", "http://127.0.0.1:1/chat"), "Nobody listens"),
        (("--run", f"{PYTHON} -c 'print(42)'"), "Its last words: 42"),
        (("--run", "no-such-program"), "cannot be started"),
        (("--run", STEP3, "--path", "/nowhere"), "POST /nowhere answered 404"),
    ):
        with nothing_left():
            result = ask(*options)
        assert result.exit_code == 2, result.output
        assert said in " ".join(result.output.split())


def test_a_running_server_that_was_pointed_to_the_doctors_llm():
    with FakeLLM() as other:
        port = other.port
    env = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "x"}
    with ServerProcess([sys.executable, "-m", "servers.step3_cancelling"], env=env) as server:
        result = ask("--url", server.url, "--llm-port", str(port), *FEW, "--quick")
    assert result.exit_code == 0, result.output
    assert f"export OPENAI_BASE_URL=http://127.0.0.1:{port}/v1" in result.output


def test_a_running_server_with_an_llm_of_its_own():
    with (
        FakeLLM(tokens_per_s=10, answer_tokens=15) as llm,
        ServerProcess([sys.executable, "-m", "servers.step3_cancelling"], env=llm.env) as server,
    ):
        result = ask("--url", f"{server.url}/chat", "--only", "arrival", "--only", "backpressure")
    assert result.exit_code == 0, result.output
    assert "1 healthy, 1 unclear" in result.output, result.output
    assert "--llm-port" in result.output


def test_it_is_installed_as_a_command():
    script = Path(sys.executable).parent / "stream-doctor"
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "Examine a streaming endpoint" in shown.stdout


def test_a_time_limit_that_ends_it_leaves_nothing():
    script = str(Path(sys.executable).parent / "stream-doctor")
    with nothing_left():
        doctor = subprocess.Popen(
            [script, "--run", STEP3], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert doctor.stdout
        assert "reaches the LLM" in doctor.stdout.readline()
        tree = psutil.Process(doctor.pid).children(recursive=True)
        doctor.send_signal(signal.SIGTERM)
        said, _ = doctor.communicate(timeout=30)
        assert doctor.returncode == 2
        assert "has been stopped" in said and "Traceback" not in said
        assert len(tree) >= 2
        until(lambda: all(gone(one.pid) for one in tree))
