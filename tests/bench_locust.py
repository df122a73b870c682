"""How many readers one process of Locust's carries: python -m tests.bench_locust --readers 2000.

Prints; asserts nothing, for seconds depend on the machine. The server is the cheapest there is, a
`source` that writes tokens of its own, in a thread of this process.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench_crowd import source_app
from workshop_lib.pipe.open_files import allow_open_files
from workshop_lib.pipe.server import ServerThread

BEGINNING_PER_S = 200
SETTLE_S = 4.0


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def given_bytes(server: ServerThread) -> int:
    return sum((server.given_bytes() or {}).values())


def measure(readers: int, per_s: float, seconds: float) -> str:
    """Load the source for so long once all have begun, and say what that took."""
    began_after_s = readers / BEGINNING_PER_S + SETTLE_S
    options: dict[str, object] = {
        "--users": readers,
        "--spawn-rate": BEGINNING_PER_S,
        "--run-time": round(began_after_s + seconds + SETTLE_S),
    }
    given = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "workshop_lib.load", "--headless", "--only-summary", *given]
    with tempfile.TemporaryDirectory() as folder, ServerThread(lambda: source_app(per_s)) as server:
        where = ["--host", server.url, "--csv", f"{folder}/load"]
        with subprocess.Popen(
            [*command, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as locust:
            worker = psutil.Process(locust.pid)
            time.sleep(began_after_s)
            before = cpu_s(worker), given_bytes(server), time.monotonic()
            time.sleep(seconds)
            used_s, sent = cpu_s(worker) - before[0], given_bytes(server) - before[1]
            lasted_s, rss_bytes = time.monotonic() - before[2], worker.memory_info().rss
        tokens = sent / bytes_a_token(Path(folder, "load_stats.csv"))
    return (
        f"{readers:,} readers, {tokens / lasted_s:,.0f} of {readers * per_s:,.0f} tokens/s: "
        f"{used_s / lasted_s:.0%} of a core, {1e6 * used_s / tokens:.0f} µs a token, "
        f"{rss_bytes / 1e6:.0f} MB"
    )


def bytes_a_token(stats: Path) -> float:
    with stats.open(newline="") as file:
        rows = {row["Type"]: row for row in csv.DictReader(file)}
    return float(rows["token"]["Average Content Size"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--per-s", type=float, default=4.0, help="tokens a second for each")
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    allow_open_files(2 * asked.readers)
    print(measure(asked.readers, asked.per_s, asked.seconds))
