"""The doctor in a notebook: the command line's orders, and the report below the cell."""
# pyright: reportUnknownMemberType=false

import shlex
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from IPython.display import DisplayHandle

from workshop_lib.doctor.finding import Diagnosis, Verdict
from workshop_lib.doctor.hosts import NotAllowed
from workshop_lib.doctor.orders import Orders, carry_out
from workshop_lib.doctor.patient import CannotExamine
from workshop_lib.doctor.reports.machine import Report
from workshop_lib.doctor.reports.page import as_page, with_code
from workshop_lib.doctor.reports.table import sum_up
from workshop_lib.pipe.node import node_env
from workshop_lib.show.bundle import show
from workshop_lib.show.table import table

SIGNS: dict[Verdict, str] = {"healthy": "✓", "sick": "✗", "unclear": "?", "not_applicable": "-"}
NO_BREAK = "\u00a0"
FRAME_PX = 520
NOT_GIVEN = (
    "Nothing was examined, for MINE is None. With a command, such as \"node server.mjs\", the "
    "doctor starts your server, points it to its own LLM, and examines it by all probes for about "
    "half a minute. With an address, such as \"http://127.0.0.1:3000/api/chat\", it examines the "
    "server that runs there. Put one of them in."
)  # fmt: skip
# The page in the frame follows the system's theme; what is around the frame knows JupyterLab's.
THEME = (
    "this.contentDocument.documentElement.style.colorScheme = "
    "{true: 'light', false: 'dark'}[document.body.dataset.jpThemeLight] || ''"
)


async def examine(
    run: str | Sequence[str] = "", url: str = "", *, only: Sequence[str] = (), **orders: Any
) -> Report:
    """Examine a server as `stream-doctor --quick` does, by `only` some probes or by all.

    `run` is a command, `url` an address; `orders` are options of the command line by the names
    that Orders has for them. Shows and returns the report. Raises what carry_out raises.
    """
    given = orders_for(run, url, only=only, **orders)
    shown = DisplayHandle()
    shown.display({"text/plain": "looking at the server"}, raw=True)

    def tell(news: str | Diagnosis) -> None:
        said = f"{news.probe.id}: {news.verdict}" if isinstance(news, Diagnosis) else news
        shown.update({"text/plain": said}, raw=True)

    report = await carry_out(given, tell)
    report = replace(report, target=_without_folders(report.target))
    page, text = _table(report)
    shown.update({"text/html": page, "text/plain": text}, raw=True)
    return report


def orders_for(
    run: str | Sequence[str] = "", url: str = "", *, only: Sequence[str] = (), **more: Any
) -> Orders:
    """Return the orders for an examination at quick pace, our own python and node first."""
    command = run if isinstance(run, str) else shlex.join(run)
    variables = (f"PATH={node_env()['PATH']}", *more.pop("variables", ()))
    return Orders(command, url, only=tuple(only), quick=True, variables=variables, **more)


async def examine_mine(mine: str | None, **orders: Any) -> Report | None:
    """Examine the learner's own command or address; a sentence says what stands in the way."""
    if mine is None:
        print(NOT_GIVEN)
        return None
    is_address = mine.startswith(("http://", "https://"))
    try:
        return await (examine(url=mine, **orders) if is_address else examine(mine, **orders))
    except (CannotExamine, NotAllowed, ValueError) as problem:
        print(f"Could not examine. {problem}")
        return None


def expect_verdicts(report: Report, **verdicts: Verdict) -> None:
    """Print for each probe whether it found what was foretold."""
    found = {one.probe.id: one for one in report.diagnoses}
    for name, verdict in verdicts.items():
        one = found[name]
        if one.verdict == verdict:
            print(f"PASS {name}: {verdict}")
        else:
            print(
                f"NOT AS EXPECTED {name}: {verdict} was foretold. Found {one.verdict}: "
                f"{one.finding.evidence} Run the cell above again."
            )


def show_page(report: Report) -> None:
    """Show the report as the page that --html writes."""
    page, summary = escape(as_page(report, sum_up(report))), sum_up(report)
    frame = (
        f'<iframe title="The doctor\'s report" srcdoc="{page}" height="{FRAME_PX}" '
        f'style="width: 100%; border: 1px solid rgba(128, 128, 128, 0.5)" onload="{THEME}">'
        f"</iframe><div><small>The page of {escape(report.target)}: {escape(summary)} "
        "If you see no frame here, run this cell: a stored one is not trusted.</small></div>"
    )
    show(frame, f"The page of {report.target}: {summary}")


def _table(report: Report) -> tuple[str, str]:
    rows = [
        (one.probe.id, _verdict(one.verdict), one.probe.severity, one.finding.evidence)
        for one in report.diagnoses
    ]
    page, text = table(("probe", "verdict", "severity", "evidence"), rows, sum_up(report))
    remedies = [f"{one.probe.id}: {one.remedy}" for one in report.diagnoses if one.remedy]
    page += "".join(f"<p>{with_code(remedy)}</p>" for remedy in remedies)
    return f"<b>{escape(report.target)}</b>{page}", "\n".join([report.target, "", text, *remedies])


def _verdict(verdict: Verdict) -> str:
    return f"{SIGNS[verdict]}_{verdict}".replace("_", NO_BREAK)


def _without_folders(command: str) -> str:
    """Name programs and files as one would say them: where they lie is this machine's affair."""
    return " ".join(Path(word).name if word[0] == "/" else word for word in shlex.split(command))
