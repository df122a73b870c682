"""Load from many machines: Locust's figures agree with what the fake LLM and the server count."""

import csv
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.bench_crowd import source_app
from tests.mechanism import SAFETY_S, nothing_left, until
from tests.production import serving
from tests.system_parts import in_ci
from workshop_lib.meter.kernel import kernel_queues
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.fake_llm.rows import StreamRow
from workshop_lib.pipe.open_files import allow_open_files
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.sockets import SMALL, free_port

if not in_ci():
    pytest.importorskip("gevent", reason="no Locust: run `python3 .ci/install.py load`")

STEADY, STALLED, TAKEN_TOKENS = 4, 2, 20
# more than all sockets on the way take, so that a reader can stall
ANSWER_TOKENS, TOKEN_BYTES = 400, 1000
ROWS = {
    *(("stalled:20", figure) for figure in ("head", "first token", "token", "open")),
    *(("steady", figure) for figure in ("head", "first token", "token", "answer")),
    ("Aggregated", ""),
}

TAKEN = STALLED * TAKEN_TOKENS
Row = dict[str, str]
Page = list[dict[str, float | str]]


@dataclass(frozen=True)
class Seen:
    """What both ends and the wire said while all stalled readers stalled, and Locust at the end."""

    streams: list[StreamRow]
    given_bytes: int
    on_the_way_bytes: int
    page: Page
    refusal: dict[str, Any]
    csv: dict[tuple[str, str], Row]
    exit_codes: list[int]

    def count(self, habit: str, figure: str) -> int:
        return int(self.csv[habit, figure]["Request Count"])

    def bytes(self, habit: str, figure: str) -> int:
        size = float(self.csv[habit, figure]["Average Content Size"])
        return round(size * self.count(habit, figure))


@contextmanager
def locust(*options: object) -> Iterator[subprocess.Popen[str]]:
    """Run one Locust process; whatever happens, it does not stay."""
    command = [sys.executable, "-m", "workshop_lib.load", *map(str, options)]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for its end; return its status, and what it has printed."""
    output, _ = process.communicate(timeout=SAFETY_S)
    return process.returncode, output


def on_the_way(server: ServerThread) -> int:
    """Sum up what the server's transports and the kernel hold for the readers."""
    held, queues = server.write_buffers() or {}, kernel_queues() or {}
    sent = [queues[server.port, port].send for port in held]
    received = [queues[port, server.port].receive for port in held]
    return sum(held.values()) + sum(sent) + sum(received)


def page_of(port: int) -> Page:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=SAFETY_S) as got:
        return json.load(got)["stats"]


def ask_the_page_to_load(port: int, host: str) -> dict[str, Any]:
    """Fill in its form for a host that no command has allowed."""
    form = {"user_count": 1, "spawn_rate": 1, "host": f"http://{host}", "allow_host": host}
    url, data = f"http://127.0.0.1:{port}/swarm", urlencode(form).encode()
    with urllib.request.urlopen(url, data, timeout=SAFETY_S) as answer:
        return json.load(answer)


def counts_of(page: Page) -> dict[tuple[str, str], int]:
    return {(str(row["name"]), str(row["method"] or "")): int(row["num_requests"]) for row in page}


def rows_of(prefix: Path) -> dict[tuple[str, str], Row]:
    with open(f"{prefix}_stats.csv", newline="") as file:
        return {(row["Name"], row["Type"]): row for row in csv.DictReader(file)}


def told_all(page: Page) -> Page:
    """Return the page, empty until the workers have told the master of every token."""
    expected = {("steady", "token"): STEADY * ANSWER_TOKENS, ("stalled:20", "token"): TAKEN}
    return page if expected.items() <= counts_of(page).items() else []


def standing_still(llm: FakeLLM) -> list[StreamRow]:
    """Return the streams, none while tokens are still produced."""
    before = llm.totals().tokens
    time.sleep(0.5)
    return list(llm.ledger()) if llm.totals().tokens == before else []


def watch(llm: FakeLLM, server: ServerThread, folder: Path) -> Seen:
    """Load a server from one master and two workers until only stalled readers are left."""
    rpc, web = free_port(), free_port()
    here = ["--master-port", rpc, "--master-host", "127.0.0.1"]
    options = {
        "--mix": f"steady={STEADY},stalled:{TAKEN_TOKENS}={STALLED}",
        "--host": server.url,
        "--count": "numbers",
        "--rcvbuf": SMALL.reader_rcvbuf,
        "--pause-s": 600,
        "--users": STEADY + STALLED,
        "--spawn-rate": 50,
        "--csv": folder / "load",
        "--expect-workers": 2,
        "--master-bind-port": rpc,
        "--master-bind-host": "127.0.0.1",
        "--web-port": web,
        "--web-host": "127.0.0.1",
    }
    given = [part for option in options.items() for part in option]
    with ExitStack() as running:
        master = running.enter_context(locust("--master", "--autostart", *given))
        workers = [running.enter_context(locust("--worker", *here)) for _ in range(2)]

        def all_but_the_stalled() -> bool:
            totals = llm.totals()
            return (totals.streams, totals.open) == (STEADY + STALLED, STALLED)

        until(all_but_the_stalled)
        page = until(lambda: told_all(page_of(web)))
        refusal = ask_the_page_to_load(web, "192.0.2.1")
        streams = until(lambda: standing_still(llm))
        server_gave, waiting = sum((server.given_bytes() or {}).values()), on_the_way(server)
        master.send_signal(signal.SIGINT)
        codes = [said(process)[0] for process in (master, *workers)]
    return Seen(streams, server_gave, waiting, page, refusal, rows_of(folder / "load"), codes)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    size: dict[str, Any] = {"answer_tokens": ANSWER_TOKENS, "token_bytes": TOKEN_BYTES}
    with (
        nothing_left(),
        FakeLLM(sndbuf=SMALL.llm_sndbuf) as llm,
        serving(llm, tokens_per_s=0, **size) as server,
    ):
        return watch(llm, server, tmp_path_factory.mktemp("locust"))


def test_every_token_is_received_or_under_way(loaded: Seen):
    received = loaded.count("steady", "token") + loaded.count("stalled:20", "token")
    stalled = [stream for stream in loaded.streams if stream.ended_by is None]
    under_way = sum(stream.tokens - TAKEN_TOKENS for stream in stalled)
    assert len(stalled) == STALLED
    assert sum(stream.tokens for stream in loaded.streams) == received + under_way
    assert loaded.count("steady", "token") == STEADY * ANSWER_TOKENS
    assert loaded.count("stalled:20", "token") == TAKEN


def test_whoever_stalls_does_not_read(loaded: Seen):
    for stream in loaded.streams:
        if stream.ended_by is None:
            assert TAKEN_TOKENS < stream.tokens < ANSWER_TOKENS / 2


def test_every_byte_is_received_or_waits(loaded: Seen):
    taken = sum(loaded.bytes("stalled:20", figure) for figure in ("head", "token"))
    assert loaded.bytes("stalled:20", "open") == taken
    received = loaded.bytes("steady", "answer") + taken
    assert loaded.given_bytes == received + loaded.on_the_way_bytes
    assert loaded.on_the_way_bytes > 0


def test_the_csv_has_a_row_for_each_figure(loaded: Seen):
    assert set(loaded.csv) - {("steady", "stall")} == ROWS
    for figure in ("head", "first token", "answer"):
        assert loaded.count("steady", figure) == STEADY
    for figure in ("head", "first token", "open"):
        assert loaded.count("stalled:20", figure) == STALLED
    assert all(row["Failure Count"] == "0" for row in loaded.csv.values())


def test_the_page_shows_the_same(loaded: Seen):
    in_csv = {key: int(row["Request Count"]) for key, row in loaded.csv.items()}
    for key, number in counts_of(loaded.page).items():
        assert key[0] == "Aggregated" or in_csv[key] == number


def test_the_page_loads_nobody_whom_the_command_does_not_allow(loaded: Seen):
    assert loaded.refusal["success"] is False
    assert loaded.refusal["message"].endswith("say so with --allow-host 192.0.2.1.")


def test_all_processes_end_well(loaded: Seen):
    assert loaded.exit_codes == [0, 0, 0]


def test_bad_input_is_a_sentence():
    with locust("--headless", "--host", "http://192.0.2.1") as process:
        code, output = said(process)
    assert code == 2
    assert output.endswith("say so with --allow-host 192.0.2.1.\n")


@pytest.mark.long
def test_one_process_alone_writes_its_last_figures_too(tmp_path: Path):
    options = ["--headless", "--run-time", "3", "--users", "2", "--csv", str(tmp_path / "alone")]
    knobs: dict[str, Any] = {"tokens_per_s": 20, "answer_tokens": 100_000}
    with (
        nothing_left(),
        FakeLLM() as llm,
        serving(llm, **knobs) as server,
        locust("--host", server.url, *options) as process,
    ):
        code, _ = said(process)
        produced = llm.totals().tokens
    rows = rows_of(tmp_path / "alone")
    assert code == 0
    assert rows["steady", "open"]["Request Count"] == "2"
    assert int(rows["steady", "token"]["Request Count"]) <= produced


@pytest.mark.long
def test_the_last_figures_of_many_readers_reach_the_master(tmp_path: Path):
    readers = 2000
    options = {
        "--users": readers,
        "--spawn-rate": 200,
        "--run-time": readers // 200 + 4,
        "--processes": 2,
        "--csv": tmp_path / "many",
    }
    given = [part for option in options.items() for part in option]
    allow_open_files(2 * readers)
    with (
        ServerThread(lambda: source_app(2)) as server,
        locust("--headless", "--host", server.url, *given) as process,
    ):
        code, _ = said(process)
    rows = rows_of(tmp_path / "many")
    assert code == 0
    assert [int(rows["steady", figure]["Request Count"]) for figure in ("head", "open")] == [
        readers,
        readers,
    ]


@pytest.mark.long
def test_a_worker_loads_no_host_that_its_own_command_does_not_allow(tmp_path: Path):
    rpc, host = free_port(), "192.0.2.1"
    master_options = {
        "--host": f"http://{host}",
        "--allow-host": host,
        "--csv": tmp_path / "load",
        "--expect-workers": 1,
        "--master-bind-port": rpc,
        "--master-bind-host": "127.0.0.1",
    }
    given = [part for option in master_options.items() for part in option]
    with (
        locust("--master", "--headless", *given) as master,
        locust("--worker", "--master-port", rpc) as worker,
    ):
        worker_code, worker_said = said(worker)
        master_code, _ = said(master)
    assert (worker_code, master_code) == (2, 1)
    exceptions = (tmp_path / "load_exceptions.csv").read_text()
    for told in (worker_said, exceptions):
        assert f"say so with --allow-host {host}." in told
