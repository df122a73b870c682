"""The command line: what is examined, how it is asked, and where it is reported."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from workshop_lib.doctor.asking import PRESETS
from workshop_lib.doctor.finding import Diagnosis, failing
from workshop_lib.doctor.hosts import NotAllowed
from workshop_lib.doctor.orders import Orders, carry_out
from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.doctor.reports.junit import as_junit
from workshop_lib.doctor.reports.machine import Report, as_json
from workshop_lib.doctor.reports.page import as_page
from workshop_lib.doctor.reports.table import print_table, sum_up
from workshop_lib.doctor.workflow import workflow

SICK, COULD_NOT_EXAMINE = 1, 2


@click.command(context_settings={"max_content_width": 100})
@click.option("--run", "command", metavar="COMMAND", help="Start this server, and stop it.")
@click.option("--url", help="Examine a server that runs, such as http://127.0.0.1:3000/api/chat.")
@click.option("--llm-port", type=int, help="With --url: where the doctor's LLM listens for it.")
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable for --run. {OPENAI_BASE_URL} is replaced in it; NAME alone passes yours on.",
)
@click.option("--path", help="The endpoint's path; found out if it is left out.")
@click.option("--method", type=click.Choice(["POST", "GET", "PUT"]), help="The request's method.")
@click.option(
    "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="One more header."
)
@click.option("--body", help="The request's body, with {prompt} in it.")
@click.option("--preset", type=click.Choice(list(PRESETS)), help="A usual body.")
@click.option("--only", multiple=True, metavar="PROBE", help="Run these probes alone.")
@click.option("--skip", multiple=True, metavar="PROBE", help="Leave these probes out.")
@click.option("--quick", is_flag=True, help="Under 30 s: smaller floods, shorter waits.")
@click.option("--thorough", is_flag=True, help="Larger floods, more readers, longer waits.")
@click.option("--wait", "wait_s", type=float, help="Seconds to wait for heartbeats and deadlines.")
@click.option("--strict", is_flag=True, help="Count advice as sick, too.")
@click.option(
    "--allow-host", "allowed", multiple=True, metavar="NAME", help="A host that is yours."
)
@click.option("--json", "json_path", metavar="FILE", help="Write JSON; - for standard output.")
@click.option("--junit", "junit_path", metavar="FILE", help="Write JUnit's XML for CI.")
@click.option("--html", "html_path", metavar="FILE", help="Write a page with charts.")
@click.option(
    "--workflow", is_flag=True, help="Print a GitHub workflow that does this; do nothing."
)
def stream_doctor(**given: Any) -> None:
    """Examine a streaming endpoint: the doctor's LLM is its upstream, its readers are ours."""
    if given.pop("workflow"):
        print(workflow(_as_words(given)), end="")
        return
    console = Console(stderr=given["json_path"] == "-")
    orders = Orders(**given)
    try:
        report = asyncio.run(examine(orders, console))
    except (CannotExamine, NotAllowed, ValueError) as problem:
        console.print(f"[bold]Could not examine.[/bold] {problem}", highlight=False)
        sys.exit(COULD_NOT_EXAMINE)
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started has been stopped.")
        sys.exit(COULD_NOT_EXAMINE)
    write(report, orders)
    sys.exit(SICK if report.sick else 0)


def _as_words(given: Mapping[str, Any]) -> list[str]:
    """Write the options as they were typed, but for the reports, which have places of their own."""
    words: list[str] = []
    for option in stream_doctor.params:
        value = given.get(option.name or "")
        if not value or option.name in ("json_path", "junit_path", "html_path"):
            continue
        for one in value if isinstance(value, tuple) else [value]:  # pyright: ignore[reportUnknownVariableType]
            words += option.opts if value is True else [*option.opts[:1], str(one)]  # pyright: ignore[reportUnknownArgumentType]
    return words


async def examine(orders: Orders, console: Console) -> Report:
    """Examine by these orders, and print as it goes."""
    with console.status("looking at the server") as status:

        def tell(news: str | Diagnosis) -> None:
            if isinstance(news, Diagnosis):
                status.update(f"{news.probe.id}: {news.verdict}")
            else:
                console.print(news, highlight=False, markup=False)

        report = await carry_out(orders, tell)
    print_table(console, report.diagnoses)
    console.print(sum_up(report))
    return report


def write(report: Report, orders: Orders) -> None:
    """Write the reports that were asked for."""
    written = [
        (orders.json_path, as_json(report)),
        (orders.junit_path, as_junit(report, failing(report.diagnoses, orders.strict))),
        (orders.html_path, as_page(report, sum_up(report))),
    ]
    for path, text in written:
        if path == "-":
            print(text)
        elif path:
            Path(path).write_text(text + "\n", encoding="utf-8")
