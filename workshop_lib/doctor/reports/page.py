"""The report as a page: one file that needs no other, for whoever has to be convinced."""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from workshop_lib.doctor.reports.chart import chart_of
from workshop_lib.doctor.reports.machine import Report

QUOTED = re.compile("`([^`]+)`")


def as_page(report: Report, summary: str) -> str:
    """Write a report as HTML; what a server has said of itself is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    filters: dict[str, Callable[[str], str]] = {"code": with_code, "sentence": _sentence}
    environment.filters.update(filters)  # pyright: ignore[reportUnknownMemberType]
    charts = {one.probe.id: Markup(chart_of(one.finding)) for one in report.diagnoses}
    template = environment.get_template("page.html.jinja")
    return template.render(report=report, summary=summary, charts=charts)


def with_code(text: str) -> Markup:
    """Escape a text, and set in code what it quotes."""
    return Markup(QUOTED.sub(r"<code>\1</code>", str(escape(text))))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
