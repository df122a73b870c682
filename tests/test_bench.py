"""The benchmark counts what it says it counts, and goes on when a peer does not."""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.bench import __main__ as bench
from tests.bench.chart import draw
from tests.bench.figures import AIMS, Row, Rows, sdk_share, slope_bytes, summed_up
from tests.bench.lineup import Peer, lineup
from tests.bench.probe import waited_s
from tests.bench.report import print_report
from tests.bench.runs import Plan, still
from tests.mechanism import nothing_left

TINY = Plan(
    stalled_readers=(1, 2), stalled_token_bytes=16_000, still_s=0.5, watched_s=0.2, most_s=20,
    busy_readers=3, busy_s=0.6, rate=30, rate_s=0.6, warm_up_s=0.6, probes=1,
)  # fmt: skip
NO_STALLS = Plan(
    stalled_readers=(), busy_readers=2, busy_s=0.5, rate=20, rate_s=0.5, warm_up_s=0.5, probes=1
)
DIES = """
import os, socket, threading
sock = socket.socket(fileno=int(os.environ["LISTEN_FD"]))
sock.listen()
threading.Timer(1.2, lambda: (print("out of luck", flush=True), os._exit(3))).start()
while True:
    sock.accept()
"""


def peer(name: str) -> Peer:
    return next(one for one in lineup() if one.name == name)


# -- the whole ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    said: list[str] = []
    broken = Peer("broken", [sys.executable, "-c", "raise SystemExit('no such framework')"], "")
    dying = Peer("dying", [sys.executable, "-c", DIES], "")
    with nothing_left(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("WORKSHOP_PACE", raising=False)  # the loads are what the plan says
        results = bench.bench([peer("step3")], TINY, said.append)
        failing = bench.bench([broken, dying], NO_STALLS, said.append)
    results["peers"] |= failing["peers"]
    results["said"] = said
    return json.loads(json.dumps(results))


def test_stalled_readers_hold_the_llm_back(results: dict[str, Any]):
    stalls = results["peers"]["step3"]["stalls"]
    assert [stall["readers"] for stall in stalls] == [1, 2]
    for stall in stalls:
        assert stall["held_back"]
        assert (stall["tokens_while_stalled"], stall["complaints"]) == (0, [])
        assert 0 < stall["produced_tokens"] < 1000
    assert results["peers"]["step3"]["stalled"]["tokens_while_stalled"] == 0


@pytest.mark.parametrize("load", ["flood", "rate"])
def test_readers_get_what_the_server_is_said_to_relay(results: dict[str, Any], load: str):
    run = results["peers"]["step3"][load]
    assert run["events"] > 0
    assert run["pings"] > 0
    assert run["complaints"] == []
    assert {"events_per_cpu_s", "cpu_share", "lag_ms_p50", "lag_ms_p99", "lag_ms_max"} <= {*run}
    if load == "rate":
        assert run["latency_samples"] > 0
        assert {"added_ms_p50", "added_ms_p99", "llm_alone_ms_p50", "llm_alone_ms_p99"} <= {*run}


def test_a_peer_that_does_not_start_or_dies_is_a_row_that_says_so(results: dict[str, Any]):
    assert results["peers"]["step3"]["failed"] == {}
    broken, dying = (results["peers"][name]["failed"] for name in ("broken", "dying"))
    assert set(broken) == set(dying) == {"flood", "fixed rate"}
    assert all("no such framework" in problem for problem in broken.values())
    assert all("ended in the middle" in p and "out of luck" in p for p in dying.values())


def test_every_run_says_a_line(results: dict[str, Any]):
    started = [line.split(" (")[0].split(":")[0] for line in results["said"]]
    assert started == [
        "step3, 1 stalled", "step3, 2 stalled", "step3, flood", "step3, fixed rate",
        "broken, flood", "broken, fixed rate", "dying, flood", "dying, fixed rate",
    ]  # fmt: skip


def test_what_is_stored_names_machine_versions_and_load(results: dict[str, Any]):
    assert results["machine"]["cores"] >= 1
    assert {"Python", "Node", "openai", "aiohttp", "starlette", "express (npm)"} <= {
        *results["versions"]
    }
    assert results["load"]["stalled_readers"] == [1, 2]
    assert results["load"]["server_sndbuf_asked"] > 0
    assert [set(aim) >= {"aim", "met", "said"} for aim in results["aims"]] == [True] * len(AIMS)


def test_the_table_and_the_chart_show_every_row(results: dict[str, Any], tmp_path: Path):
    console = Console(record=True, width=160, file=StringIO())
    print_report(console, results)
    printed = console.export_text()
    assert all(name in printed for name in results["peers"])
    assert "no such framework" in printed
    assert "not measured" in printed  # aims that need the peers left out here
    draw(results["peers"], bench.caption_of(results), tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes()[:4] == b"\x89PNG"


# -- the parts ------------------------------------------------------------------------------------


def a_row(rss_kb: float, flood: int, rate: int, lag_ms: float) -> Row:
    return {
        "stalled": {"rss_bytes_per_reader": rss_kb * 1000, "rss_grown_bytes_per_reader": 0.0},
        "flood": {"events_per_cpu_s": flood, "lag_ms_p99": lag_ms},
        "rate": {"events_per_cpu_s": rate, "added_ms_p99": 1.0},
    }


def rows() -> Rows:
    return {
        "step3": a_row(60, 10_000, 5000, 20),
        "step3, tight": a_row(40, 10_000, 5000, 20),
        "starlette": a_row(99, 8000, 4000, 500),
        "Express": a_row(400, 100_000, 10_000, 5),
        "lean relay": a_row(40, 50_000, 20_000, 5),
    }


def test_each_aim_is_judged_with_its_distance():
    judged = [aim.judged(rows()) for aim in AIMS]
    assert [one["met"] for one in judged] == [False, True, True, True, True, False, False, True]
    assert "64 KiB" in judged[0]["why"]
    assert judged[1]["why"] == ""
    assert judged[0]["said"] == "60 kB, 20% above 50"
    assert judged[5]["said"] == "25 times, 50% below 50"


def test_an_aim_without_its_rows_is_not_judged():
    without = {name: row for name, row in rows().items() if name != "Express"}
    assert [aim.judged(without)["met"] for aim in AIMS][-2:] == [None, None]
    assert sdk_share({}, "flood") is None


def test_the_sdks_share_is_what_the_lean_relay_saves():
    assert (said := sdk_share(rows(), "flood"))
    assert "100 us" in said
    assert "20 us" in said
    assert "80%" in said


def test_what_is_paid_once_is_not_in_the_slope():
    stalls = [{"readers": n, "rss_bytes": 5_000_000 + 40_000 * n} for n in (50, 200, 1000)]
    assert slope_bytes(stalls, "rss_bytes") == pytest.approx(40_000)
    assert slope_bytes(stalls[:1], "rss_bytes") is None
    assert slope_bytes([one | {"rss_bytes": None} for one in stalls], "rss_bytes") is None
    assert summed_up([]) == {}


def test_a_pipe_is_still_when_tokens_came_and_no_more_do():
    moving = [(t / 10, t, 0) for t in range(20)]
    assert not still(moving, 1.0)
    assert not still([(t / 10, 0, 0) for t in range(20)], 1.0)
    assert still([*moving, *((2 + t / 10, 19, 0) for t in range(11))], 1.0)


def test_a_loop_that_stands_still_is_late_for_all_pings_it_kept_from_being_sent():
    waits = waited_s([(0.0, 9.0), (10.0, 0.001), (10.1, 0.1)], since_s=5.0)
    assert waits == pytest.approx([0.001, 0.1, 0.08, 0.06, 0.04, 0.02, 0.0], abs=1e-9)


def test_every_peer_has_a_name_of_its_own_and_says_what_it_is():
    peers = lineup()
    assert len({one.name for one in peers}) == len(peers)
    assert all(one.about for one in peers)
    assert {"step3", "step3, tight", "starlette", "Express", "lean relay"} <= {
        one.name for one in peers
    }
