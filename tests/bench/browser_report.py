"""What the browser's benchmark prints: a table, bundles, parsers, and the aims."""

from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Rows
from tests.bench.report import print_aims

METHOD = """\
An answer of 20,000 tokens: 19,000 come at once, and only what follows is measured, a thousand
tokens at 200 a second. The text is Markdown with lists, code and tables (mixed), or paragraphs
alone (prose). All views stand in the same page, which scrolls to the end at each commit, and are
brought up to date once a frame; per-token with each read. A commit's work is rendering, changes to
the document and the layout that the page asks for; what a view does later, as streamdown does, is
not in it, but in script and layout, which Chromium's debugger counts for the whole page. Dropped:
of the frames that the thousand tokens take. Of two runs the one counts that dropped fewer. The CPU
is slowed down by the debugger, too."""


def table_of(rows: Rows) -> Table:
    """Return the rows as a table."""
    table = Table(title="Side by side: one page, one answer, one browser")
    table.add_column("view, text, CPU slowed down")
    for column in (
        "dropped\nframes", "long\ntasks", "commits", "ms a commit\np50 / p95", "script\nms",
        "layout\nms", "parsed by a\ncommit, at most",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for name, row in rows.items():
        table.add_row(
            name, f"{row['dropped_frames']} of {row['frames']}", str(row["long_tasks"]),
            str(row["commits"]), f"{row['work_ms']:.1f} / {row['work_ms_p95']:.1f}",
            f"{row['spent_ms']['script']:,}", f"{row['spent_ms']['layout']:,}",
            "?" if row["mode"] == "streamdown" else f"{row['parsed_at_most']:,}",
        )  # fmt: skip
    return table


def print_report(console: Console, results: dict[str, Any]) -> None:
    """Print everything that was measured."""
    console.print(table_of(results["rows"]))
    console.print(METHOD, highlight=False, soft_wrap=True)
    console.print("\nLoaded at once, gzipped, without React:")
    for name, size_bytes in results["bundles"].items():
        console.print(f"  {name:32}{size_bytes / 1000:7.1f} kB", highlight=False)
    console.print("\nParsers of server-sent events:")
    for line in results["parsers"]:
        console.print(f"  {line}".rstrip(), highlight=False, soft_wrap=True)
    console.print()
    print_aims(console, results["aims"])
