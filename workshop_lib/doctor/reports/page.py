"""The report as a page: one file that needs no other, for whoever has to be convinced."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workshop_lib.doctor.reports.chart import chart_of
from workshop_lib.doctor.reports.machine import Report


def as_page(report: Report, summary: str) -> str:
    """Write a report as HTML; what a server has said of itself is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    charts = {one.probe.id: chart_of(one.finding) for one in report.diagnoses}
    template = environment.get_template("page.html.jinja")
    return template.render(report=report, summary=summary, charts=charts)
