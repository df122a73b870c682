"""The report in a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from workshop_lib.doctor.finding import Diagnosis, Verdict
from workshop_lib.doctor.reports.machine import Report

STYLES: dict[Verdict, str] = {
    "healthy": "green",
    "sick": "bold red",
    "unclear": "yellow",
    "not_applicable": "dim",
}


def print_table(console: Console, diagnoses: Sequence[Diagnosis], details: bool = True) -> None:
    """Print a row for each probe, and what to do about each that is sick."""
    table = Table(show_lines=False, expand=True)
    table.add_column("probe", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("evidence", ratio=1)
    for one in diagnoses:
        style = STYLES[one.verdict]
        verdict = one.verdict.replace("_", " ")
        note = f"\n[dim]{_plain(one.finding.note)}[/dim]" if one.finding.note else ""
        evidence = _plain(one.finding.evidence) + note
        table.add_row(one.probe.id, f"[{style}]{verdict}[/{style}]", one.probe.severity, evidence)
    console.print(table)
    for one in diagnoses:
        if one.remedy:
            console.print(f"[bold]{one.probe.id}[/bold]: {_plain(one.remedy)}")


def sum_up(report: Report) -> str:
    """Say in a sentence how it stands."""
    counted = [one.verdict for one in report.diagnoses]
    parts = [f"{counted.count(verdict)} {verdict.replace('_', ' ')}" for verdict in STYLES]
    words = "Sick" if report.sick else "Healthy"
    return f"{words}: {', '.join(part for part in parts if part[0] != '0')}."


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
