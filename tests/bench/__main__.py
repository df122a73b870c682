"""Measure every peer and print, store and draw what came of it: python -m tests.bench."""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench.chart import draw
from tests.bench.figures import AIMS, Row, Rows, sdk_share, summed_up
from tests.bench.lineup import Peer, lineup
from tests.bench.machine import about_machine
from tests.bench.report import print_report
from tests.bench.runs import FULL, TIGHT, PeerFailed, Plan, at_rate, flood, stall
from workshop_lib.pipe.node import EXPRESS, install_packages, node_program

LEAST_WIDTH = 120
HERE = Path(__file__).parent
PACKAGES = ("aiohttp", "openai", "httpx2", "starlette", "uvicorn", "sse-starlette", "fastapi")
NPM_PACKAGES = ("express", "openai")


def measure(peer: Peer, plan: Plan, say: Callable[[str], None]) -> Row:
    """Take one peer through all runs; whatever it fails in is missing, and said why."""
    row: Row = {"about": peer.about, "sdk": peer.sdk, "stalls": [], "failed": {}}
    for readers in plan.stalled_readers:
        if taken := _taken(row, f"{readers} stalled", lambda n=readers: stall(peer, n, plan), say):
            row["stalls"].append(taken)
    row["stalled"] = summed_up(row["stalls"])
    row["flood"] = _taken(row, "flood", lambda: flood(peer, plan), say)
    row["rate"] = _taken(row, "fixed rate", lambda: at_rate(peer, plan), say)
    return row


def _taken(row: Row, load: str, take: Callable[[], Row], say: Callable[[str], None]) -> Row:
    began_s = time.monotonic()
    try:
        taken = take()
    except PeerFailed as problem:
        row["failed"][load] = str(problem)
        say(f"{load}: FAILED, {problem}")
        return {}
    said = [f"{name} {taken[name]:,}" for name in SAID if taken.get(name) is not None]
    say(f"{load}: {', '.join(said)} ({time.monotonic() - began_s:.0f} s)")
    return taken


SAID = (
    "rss_bytes",
    "in_server_bytes",
    "events_per_cpu_s",
    "cpu_share",
    "lag_ms_p99",
    "added_ms_p99",
)


def bench(peers: Sequence[Peer], plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure all peers, and return what `results.json` holds."""
    machine, rows = about_machine(), Rows()
    began_s = time.monotonic()
    for peer in peers:
        rows[peer.name] = measure(peer, plan, lambda text, name=peer.name: say(f"{name}, {text}"))
    load = asdict(plan) | {
        "llm_sndbuf_asked": TIGHT.llm_sndbuf,
        "server_sndbuf_asked": TIGHT.server_sndbuf,
        "reader_rcvbuf_asked": TIGHT.reader_rcvbuf,
        "load_average_after": os.getloadavg()[0],
        "seconds": round(time.monotonic() - began_s),
    }
    sdk = {"flood": sdk_share(rows, "flood"), "fixed rate": sdk_share(rows, "rate")}
    return {
        "machine": machine,
        "versions": _versions(),
        "load": load,
        "peers": rows,
        "aims": [aim.judged(rows) for aim in AIMS],
        "sdk": [f"{name}: {said}." for name, said in sdk.items() if said],
    }


def _versions() -> dict[str, str]:
    node = subprocess.run([node_program(), "--version"], capture_output=True, text=True).stdout
    installed = EXPRESS / "node_modules"
    npm = {
        f"{name} (npm)": json.loads((installed / name / "package.json").read_text())["version"]
        for name in NPM_PACKAGES
    }
    python = {"Python": platform.python_version(), "Node": node.strip().lstrip("v")}
    return python | {name: version(name) for name in PACKAGES} | npm


def caption_of(results: dict[str, Any]) -> str:
    machine, load, versions = results["machine"], results["load"], results["versions"]
    return (
        f"{machine['cores']} cores of {machine['cpu']}, Python {versions['Python']}, "
        f"Node {versions['Node']}. Stalled: {load['stalled_readers'][-1]:,} readers at most. "
        f"LLM without a limit: {load['busy_readers']} readers. Fixed rate: {load['busy_readers']} "
        f"readers at {load['rate']:g} tokens/s.\nBlue: the workshop's; green: without the SDK's "
        "objects; grey: others."
    )


def main(arguments: Sequence[str] | None = None, plan: Plan = FULL) -> int:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    everybody = lineup()
    names = [peer.name for peer in everybody]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SERVER")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of the two files")
    given = parser.parse_args(arguments)
    os.environ.pop("WORKSHOP_PACE", None)  # the loads are what the plan says
    install_packages()
    console = Console(width=max(LEAST_WIDTH, Console().width))
    peers = [peer for peer in everybody if peer.name in given.only]
    results = bench(peers, plan, lambda text: console.print(text, highlight=False, soft_wrap=True))
    (given.into / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(results["peers"], caption_of(results), given.into / "chart.png")
    print_report(console, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
