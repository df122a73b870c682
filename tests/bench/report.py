"""What `make bench` prints: a table, the aims, and what the SDK costs."""

from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Row, Rows

METHOD = """\
Each figure is of a fresh process. Memory: what one more stalled reader adds to RSS (in brackets to
memory the process shares with none), by least squares over the numbers of readers in `load`; every
server's send buffer towards a reader is {sndbuf} bytes, all else its own default. In server: bytes
that the LLM has produced and that wait in the server's process, as its readers would get them.
Events: tokens that readers got for each CPU second of the server, while the LLM goes as fast as it
can (flood: many events come in one read) and at a fixed rate (about one comes in a read). Added:
how much later tokens come than straight from the LLM, in the same run. Lag: how long a GET of a
page that is not there waits, asked for from outside every 20 ms; less than the round trip it is
not. Ratios are to step3."""


def table_of(rows: Rows) -> Table:
    """Return the rows as a table; a peer that failed says so in its own."""
    table = Table(title="Side by side: one machine, one LLM, one crowd", show_lines=True)
    table.add_column("server")
    for column in (
        "a stalled reader\nRSS (own) kB",
        "in server\nkB a reader",
        "events/CPU s\nflood",
        "events/CPU s\nfixed rate",
        "added ms\np50 / p99",
        "lag ms p50 / p99\nflood",
        "lag ms p50 / p99\nfixed rate",
    ):
        table.add_column(column, justify="right")
    for name, row in rows.items():
        table.add_row(*cells_of(name, row, rows.get("step3", {})))
    return table


def cells_of(name: str, row: Row, step3: Row) -> list[str]:
    stalled, flood, rate = (row.get(load, {}) for load in ("stalled", "flood", "rate"))
    own = _number(stalled.get("uss_bytes_per_reader"), 1000)
    return [
        name + "".join(f"\n[red]{problem}[/]" for problem in row.get("failed", {}).values()),
        f"{_number(stalled.get('rss_bytes_per_reader'), 1000)} ({own})",
        _number(stalled.get("in_server_bytes_per_reader"), 1000),
        _per_cpu_s(flood, step3.get("flood", {})),
        _per_cpu_s(rate, step3.get("rate", {})),
        _pair(rate, "added_ms_p50", "added_ms_p99"),
        _pair(flood, "lag_ms_p50", "lag_ms_p99"),
        _pair(rate, "lag_ms_p50", "lag_ms_p99"),
    ]


def _per_cpu_s(run: Row, step3: Row) -> str:
    events, ours = run.get("events_per_cpu_s"), step3.get("events_per_cpu_s")
    ratio = f"\nx {events / ours:.2f}" if events and ours else ""
    return _number(events) + ratio


def _pair(run: Row, one: str, other: str) -> str:
    return f"{_number(run.get(one), 1, 1)} / {_number(run.get(other), 1, 1)}"


def _number(value: float | None, unit: float = 1, digits: int = 0) -> str:
    return "-" if value is None else f"{value / unit:,.{digits}f}"


def print_report(console: Console, results: dict[str, Any]) -> None:
    """Print everything of a result but its raw runs."""
    console.print(table_of(results["peers"]))
    sndbuf = results["load"]["server_sndbuf_asked"]
    console.print(METHOD.format(sndbuf=sndbuf), highlight=False, soft_wrap=True)
    print_aims(console, results["aims"])
    for sentence in results["sdk"]:
        console.print(sentence, highlight=False, soft_wrap=True)


def print_aims(console: Console, aims: list[Row]) -> None:
    """Print each aim, met or missed, and why."""
    for aim in aims:
        colour, word = {True: ("green", "met"), False: ("red", "MISSED")}.get(
            aim["met"], ("yellow", "unknown")
        )
        console.print(f"[{colour}]{word}[/] {aim['aim']}: {aim['said']}", soft_wrap=True)
        if aim.get("why"):
            console.print(f"       {aim['why']}", highlight=False, soft_wrap=True)
