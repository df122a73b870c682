"""Cases to examine and causes to name: by a call, or with a list to choose from."""
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from html import escape

import ipywidgets
from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from workshop_lib.cases import examination
from workshop_lib.cases.card import save_card
from workshop_lib.cases.case import CASES
from workshop_lib.cases.causes import CAUSES
from workshop_lib.cases.diagnosis import Finding, fitting
from workshop_lib.cases.diagnosis import diagnose as find
from workshop_lib.cases.evidence import evidence_of
from workshop_lib.cases.examination import Examination
from workshop_lib.show.bundle import show, show_widget
from workshop_lib.show.examination import show_examination
from workshop_lib.show.table import show_table

CHOOSE = "choose a cause"


async def examine(letters: str) -> dict[str, Examination]:
    """Examine some cases, such as "AD", and show and return what the instruments say, by case."""
    examined = await examination.examine(*(CASES[letter] for letter in letters))
    for seen in examined:
        show_examination(seen)
    return {seen.case.letter: seen for seen in examined}


def show_causes() -> None:
    """Show the list of causes: what each is called, and what it says."""
    show_table(("name", "cause"), [(name, cause.title) for name, cause in CAUSES.items()])


def diagnose(letter: str, cause: str) -> None:
    """Show whether a cause is the true one, or which measurement excludes it."""
    said = _finding(letter, cause).text
    show(f"<p>{escape(said)}</p>", said)


def choose(letter: str) -> None:
    """Offer the list of causes; whatever is chosen gets its finding below."""
    causes = ipywidgets.Dropdown(
        options=[(CHOOSE, ""), *((cause.title, name) for name, cause in CAUSES.items())],
        layout={"width": "480px"},
    )
    said = ipywidgets.HTML()

    def chosen(change: dict[str, str]) -> None:
        said.value = escape(_finding(letter, change["new"]).text) if change["new"] else ""

    causes.observe(chosen, names="value")
    case = ipywidgets.Label(f"Case {letter}:")
    row = ipywidgets.HBox([case, causes])
    plain = f"Case {letter}: a list of {len(CAUSES)} causes. Run this notebook to choose one."
    show_widget(ipywidgets.VBox([row, said]), plain)


def show_card() -> None:
    """Write the card beside this notebook, and show it."""
    path = save_card()
    text = path.read_text(encoding="utf-8")
    display({"text/markdown": text, "text/plain": text}, raw=True)
    print(f"It is yours: {path.name} lies beside this notebook.")


def confirm(letters: str) -> None:
    """Print PASS for each case whose evidence allows one cause of all, without naming it."""
    for letter in letters:
        fits = fitting(evidence_of(examination.last(letter)))
        if fits == [CASES[letter].cause]:
            print(f"PASS case {letter}: one of {len(CAUSES)} causes fits")
        else:
            names = ", ".join(fits) or "none"
            print(f"NOT AS EXPECTED case {letter}: one cause was to fit. Found {names}.")


def _finding(letter: str, cause: str) -> Finding:
    if letter not in CASES:
        return Finding(False, f"Cases are {', '.join(CASES)}. Choose one of them.")
    try:
        return find(CASES[letter], cause, evidence_of(examination.last(letter)))
    except LookupError:
        ask = f"Run `await examine({letter!r})` first."
        return Finding(False, f"Case {letter} has not been examined. {ask}")
    except ValueError as problem:
        return Finding(False, str(problem))
