"""What an answer costs the browser, view by view: python -m tests.bench.browser

An answer of 20,000 tokens; all but the last thousand come at once, and only what they cost is
measured. Every view gets the same text, in the same page, from the same server.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from tests.bench.browser_figures import AIMS, name_of
from tests.bench.browser_report import print_report
from tests.bench.browser_runs import LastPart, run
from tests.bench.figures import Rows
from tests.bench.machine import about_machine
from workshop_lib.pipe.chromium import FLAGS, find_chromium
from workshop_lib.pipe.node import REACT, install_packages, node_env, npm

BENCH = REACT / "bench"
HERE = Path(__file__).parent
LEAST_WIDTH = 120
THROTTLES = (1, 4, 6)
TIMES = 2
SETTLE_S = 4.0  # a slow CPU has 19,000 tokens to parse, and some views do it in the background
VIEWS = {
    "mixed": ("blocks", "streamdown", "plain", "per-frame", "per-token"),
    "prose": ("blocks", "streamdown", "plain"),
}
PACKAGES = ("react", "react-markdown", "streamdown", "@ai-sdk/react", "ai")


def measure(
    browser: Browser,
    page: Path,
    runs: Iterable[tuple[str, str, float]],
    say: Callable[[str], None],
    times: int = TIMES,
) -> Rows:
    """Measure views: a text, a mode and by how much the CPU is slowed down for each.

    Of several runs counts the one that dropped the fewest frames, for whatever else the machine
    does only adds to them.
    """
    rows = Rows()
    for text, mode, throttle in runs:
        name, began_s = name_of(text, mode, throttle), time.monotonic()
        answer = LastPart(prose=text == "prose", settle_s=SETTLE_S)
        tried = [run(browser, page, mode, throttle, answer) for _ in range(times)]
        row = rows[name] = min(tried, key=lambda row: row["dropped_frames"])
        row |= {"text": text, "mode": mode, "throttle": throttle}
        row["dropped_in_each_run"] = [row["dropped_frames"] for row in tried]
        say(
            f"{name}: {row['dropped_frames']} of some {row['frames']} frames dropped, "
            f"{row['work_ms']:.1f} ms a commit ({time.monotonic() - began_s:.0f} s)"
        )
    return rows


def bundles() -> dict[str, int]:
    """Return the gzipped bytes of what a product would load, by what it uses."""
    return json.loads(_npm_says("bundles"))


def parsers() -> list[str]:
    """Return what the comparison of parsers prints."""
    return _npm_says("parsers").splitlines()


def _npm_says(script: str) -> str:
    command = ["npm", "run", "--silent", script]
    return subprocess.run(
        command, cwd=BENCH, env=node_env(), capture_output=True, text=True, check=True
    ).stdout


def _versions() -> dict[str, str]:
    folders = (BENCH / "node_modules", REACT / "node_modules")
    return {
        name: json.loads((folder / name / "package.json").read_text())["version"]
        for folder in folders
        for name in PACKAGES
        if (folder / name).exists()
    }


def everything(chromium: str, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure all, and return what `browser.json` holds."""
    machine, began_s = about_machine(), time.monotonic()
    runs = [(text, mode, by) for text in VIEWS for by in THROTTLES for mode in VIEWS[text]]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        version = browser.version
        rows = measure(browser, BENCH / "dist", runs, say)
        browser.close()
    results: dict[str, Any] = {
        "machine": machine,
        "versions": {"Chromium": version, **_versions()},
        "load_average_after": os.getloadavg()[0],
        "seconds": round(time.monotonic() - began_s),
        "rows": rows,
        "bundles": bundles(),
        "parsers": parsers(),
    }
    return results | {"aims": [aim.judged(rows | {"bundles": results["bundles"]}) for aim in AIMS]}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tests.bench.browser", description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE, help="folder of browser.json")
    given = parser.parse_args(arguments)
    console = Console(width=max(LEAST_WIDTH, Console().width))
    chromium = find_chromium()
    if chromium is None:
        console.print("There is no Chromium. Name one: CHROMIUM=/path/to/chromium make bench")
        return 1
    install_packages(REACT)
    npm(install_packages(BENCH), "run", "build")
    results = everything(chromium, lambda text: console.print(text, highlight=False))
    (given.into / "browser.json").write_text(json.dumps(results, indent=1) + "\n")
    print_report(console, results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
