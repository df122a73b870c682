"""Incidents as a learner sees them: folded, each with its source, its two runs and its repair."""

from html import escape

from workshop_lib.field_cases.catalogue import INCIDENTS
from workshop_lib.field_cases.incident import Incident
from workshop_lib.field_cases.running import Seen, see
from workshop_lib.show.bundle import show
from workshop_lib.show.code import difference
from workshop_lib.show.table import show_table, table


def show_tickets() -> None:
    """Show what people saw, case by case, and nothing of its cause."""
    show_table(
        ("case", "what people saw", "told in"),
        [(one.name, one.symptom, str(one.cited)) for one in INCIDENTS.values()],
    )


async def measure(*names: str) -> list[Seen]:
    """Measure the broken and the repaired version of some cases, and show both, folded.

    Raises ValueError for a name that none has.
    """
    seen = await see(*names)
    pages = [_entry(one) for one in seen]
    show("".join(page for page, _ in pages), "\n\n".join(text for _, text in pages))
    return seen


def confirm(seen: list[Seen]) -> None:
    """Print PASS for each case whose versions were told apart, else what was found instead."""
    for one in seen:
        told = f"{one.incident.name}: {one.incident.sick}, and {one.incident.healthy} when repaired"
        if one.as_told:
            print(f"PASS {told}")
        else:
            found = f"{one.broken.outcome} ({one.broken.evidence}), and {one.repaired.outcome}"
            print(
                f"NOT AS EXPECTED {told} was foretold. Found {found} ({one.repaired.evidence}) "
                "Run the cell above again, when less else is running."
            )


def _entry(seen: Seen) -> tuple[str, str]:
    incident = seen.incident
    lines, plain_lines = difference(*incident.pair.shown)
    runs, plain_runs = table(
        ("version", incident.measurement.instrument, "evidence"),
        [("broken", *seen.broken[:2]), ("repaired", *seen.repaired[:2])],
        f"Counted: {incident.revealed}.",
    )
    source, plain_source = _source(incident)
    page = (
        f"<details><summary><b>{escape(incident.name)}</b>: {escape(incident.symptom)} "
        f"<i>{seen.broken.outcome} → {seen.repaired.outcome}</i></summary>"
        f"<p>{source}</p>{runs}<p>The cure: {escape(incident.cure)}</p>{lines}</details>"
    )
    text = "\n\n".join(
        (f"{incident.name}: {incident.symptom}", plain_source, plain_runs,
         f"The cure: {incident.cure}", plain_lines)
    )  # fmt: skip
    return page, text


def _source(incident: Incident) -> tuple[str, str]:
    cited = incident.cited
    page = f'<a href="{cited.url}" target="_blank">{cited}</a>: “{escape(cited.title)}”'
    return page, f"{cited}: “{cited.title}”, {cited.url}"
