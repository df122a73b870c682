"""What each server makes of each fault at each moment: written down, and run by `make faults`.

The faults are those of readers and of the LLM. Without a deadline "stalls" and "silence" end only
with the reader giving up; a server that has deadlines ends them while the reader stays.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.table import Table

from tests.fault_cells import (
    LLMS_FAULTS,
    MOMENTS,
    READERS_FAULTS,
    SHORT,
    USUAL,
    Cell,
    Outcome,
    Served,
    ends_it,
)
from tests.mechanism import SAFETY_S, until
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.sockets import SMALL

# What is expected to stay will not go: a short look is enough. The other is a net, never a judge.
LOOK_S, NET_S = 1.0, 15.0

EXPECTED = {
    "step0_buffered": """
        fault       | before      | midway      | waiting     | end
        stalls      | hoards      | hoards      | hoards      | clean
        freezes     | hoards      | hoards      | hoards      | clean
        leaves      | stream+task | stream+task | clean       | stream+task
        resets      | stream+task | stream+task | clean       | stream+task
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | stream+task | stream+task | stream+task | stream+task
    """,
    "step1_broken": """
        fault       | before      | midway      | waiting     | end
        stalls      | hoards      | hoards      | hoards      | clean
        freezes     | hoards      | hoards      | hoards      | clean
        leaves      | stream+task | clean       | clean       | stream+task
        resets      | stream+task | clean       | clean       | stream+task
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | stream+task | stream+task | clean       | stream+task
    """,
    "step2_fixed": """
        fault       | before      | midway      | waiting     | end
        stalls      | stream      | stream      | stream      | clean
        freezes     | clean       | clean       | clean       | clean
        leaves      | stream+task | stream      | stream      | stream+task
        resets      | stream+task | stream      | stream      | stream+task
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | stream+task | stream+task | stream      | stream+task
    """,
    "step3_cancelling": """
        fault       | before      | midway      | waiting     | end
        stalls      | clean       | clean       | clean       | clean
        freezes     | clean       | clean       | clean       | clean
        leaves      | clean       | clean       | clean       | clean
        resets      | clean       | clean       | clean       | clean
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | clean       | clean       | clean       | clean
    """,
    "step4_production": """
        fault       | before      | midway      | waiting     | end
        stalls      | freed       | freed       | freed       | clean
        freezes     | clean       | clean       | clean       | clean
        leaves      | clean       | clean       | clean       | clean
        resets      | clean       | clean       | clean       | clean
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | freed       | freed       | freed       | freed
    """,
    "step5_metered": """
        fault       | before      | midway      | waiting     | end
        stalls      | freed       | freed       | freed       | clean
        freezes     | clean       | clean       | clean       | clean
        leaves      | clean       | clean       | clean       | clean
        resets      | clean       | clean       | clean       | clean
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | freed       | freed       | freed       | freed
    """,
    "step6_resumable": """
        fault       | before      | midway      | waiting     | end
        stalls      | freed       | freed       | freed       | clean
        freezes     | clean       | clean       | clean       | clean
        leaves      | clean       | clean       | clean       | clean
        resets      | clean       | clean       | clean       | clean
        429         | clean       |             |             |
        500         | clean       |             |             |
        error event | clean       | clean       | clean       | clean
        cut         | clean       | clean       | clean       | clean
        garbage     | clean       | clean       | clean       | clean
        silence     | freed       | freed       | freed       | freed
    """,
}
LEGEND = """\
clean        the reader learned the truth, nothing stayed, the next one was served whole
freed        clean, and before the reader had gone: a deadline ended it
hoards       the LLM was not made to stop for a reader that does not read
stream+task  what stayed after the reader had gone: a stream of the LLM, a task of the
             server's loop (a socket, a thread), while the garbage collector is held off
before the first token, midway, waiting for the reader's socket, at the end"""


def expectations() -> Iterator[tuple[str, str, str, str]]:
    """Yield server, fault, moment and what is expected, for each cell that can be."""
    for step, grid in EXPECTED.items():
        head, *rows = [[cell.strip() for cell in line.split("|")] for line in _lines(grid)]
        for fault, *cells in rows:
            for moment, expected in zip(head[1:], cells, strict=True):
                if expected:
                    yield step, fault, moment, expected


def _lines(grid: str) -> list[str]:
    return [line for line in grid.splitlines() if line.strip()]


class Matrix:
    """Runs cells on one LLM, and on one server for as long as nothing of a cell stayed there."""

    def __enter__(self) -> Self:
        self._llm = FakeLLM(sndbuf=SMALL.llm_sndbuf)
        self._llm.totals()  # its connection to here is no server's
        self._served: Served | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._renew()
        self._llm.stop()

    def outcome(self, step: str, fault: str, moment: str, expected: str = "clean") -> Outcome:
        """Run one cell."""
        with self._serving(step, SHORT if ends_it(step, fault) else USUAL) as served:
            patience_s = LOOK_S if expected not in ("clean", "freed", "hoards") else NET_S
            return Cell(served, fault, moment).run(patience_s)

    @contextmanager
    def _serving(self, step: str, env: Mapping[str, str]) -> Iterator[Served]:
        if self._served is None or (self._served.name, self._served.env) != (step, env):
            self._renew()
            self._served = Served(step, import_module(f"servers.{step}").chat, self._llm, env)
        try:
            yield self._served
        finally:
            if self._served.left_behind() or self._served.server.errors:
                self._renew()

    def _renew(self) -> None:
        if self._served:
            self._served.close()
            self._served = None
            until(lambda: self._llm.totals().open == 0, SAFETY_S)


def main() -> int:
    """Run and print the whole matrix; 1 if a cell is not as expected."""
    console, found = Console(), dict[tuple[str, str, str], tuple[Outcome, bool]]()
    with Matrix() as matrix, console.status("") as status:
        for step, fault, moment, expected in expectations():
            cell = step, fault, moment
            status.update(" ".join(cell))
            outcome = matrix.outcome(*cell, expected)
            found[cell] = outcome, str(outcome) == expected
    console.print(_table(found))
    console.print(LEGEND, highlight=False, soft_wrap=True)
    wrong = [(*cell, str(one)) for cell, (one, as_expected) in found.items() if not as_expected]
    for step, fault, moment, outcome in wrong:
        console.print(f"NOT AS EXPECTED: {step}, {fault}, {moment}: {outcome}", style="bold red")
    return 1 if wrong else 0


def _table(found: dict[tuple[str, str, str], tuple[Outcome, bool]]) -> Table:
    table = Table(
        "fault",
        "moment",
        *(step.replace("_", "\n") for step in EXPECTED),
        title="What comes of each fault",
    )
    for fault in (*READERS_FAULTS, *LLMS_FAULTS):
        for moment in MOMENTS:
            if (next(iter(EXPECTED)), fault, moment) in found:
                cells = [_marked(*found[step, fault, moment]) for step in EXPECTED]
                table.add_row(fault, moment, *cells, end_section=moment == MOMENTS[-1])
    slowest = [_slowest(step, found) for step in EXPECTED]
    table.add_row("slowest", "to free", *slowest)
    return table


def _slowest(step: str, found: dict[tuple[str, str, str], tuple[Outcome, bool]]) -> str:
    freed_s = [one.freed_s for cell, (one, _) in found.items() if cell[0] == step and not one.left]
    return f"{max(freed_s):.2f} s"


def _marked(outcome: Outcome, as_expected: bool) -> str:
    colour = "green" if str(outcome) in ("clean", "freed") else "yellow"
    return f"[{colour if as_expected else 'bold white on red'}]{outcome}[/]"


if __name__ == "__main__":
    sys.exit(main())
