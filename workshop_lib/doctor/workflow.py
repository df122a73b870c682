"""A workflow for GitHub: the doctor examines each change of a repository."""

import shlex
from collections.abc import Sequence

REPORT = "stream-doctor"
PYTHON = "3.13"
BY_NODE, BY_PIP = "npm ci", "python -m pip install --requirement requirements.txt"

TEMPLATE = """\
# Examines this repository's streaming server at each change. Exit status 1, and a red cross, mean
# that it does harm; the reports of every run are kept under "Artifacts".
name: stream-doctor
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
jobs:
  examine:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "{python}"
      # a folder that take_home() writes; whatever else pip installs will do, such as git+https://...
      - name: Install the doctor
        run: {doctor}
      - name: Install the server
        run: {install}
      - name: Examine the server
        working-directory: {folder}
        run: {examine}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: {report}
          path: "**/{report}.*"
"""


def workflow(
    orders: Sequence[str], *, install: str = "", doctor: str = "./doctor", folder: str = "."
) -> str:
    """Return it as YAML; `orders` are the words behind `stream-doctor`, such as --run "node x.mjs".

    `install` is the command that installs the server (guessed from the orders if it is left out),
    `folder` where it is started, and `doctor` what pip installs to have the doctor.
    """
    by_node = any(word.startswith(("node ", "npm ", "npx ")) for word in orders)
    reports = [
        word for kind in ("junit", "json", "html") for word in (f"--{kind}", _report_file(kind))
    ]
    return TEMPLATE.format(
        python=PYTHON,
        doctor=_quoted(f"python -m pip install {shlex.quote(doctor)}"),
        install=_quoted(install or (BY_NODE if by_node else BY_PIP)),
        folder=_quoted(folder),
        examine=_quoted(shlex.join(["stream-doctor", *orders, *reports])),
        report=REPORT,
    )


def _report_file(kind: str) -> str:
    return f"{REPORT}.{'xml' if kind == 'junit' else kind}"


def _quoted(text: str) -> str:
    """Write a text as YAML, in which only the quote itself has to be doubled."""
    return "'" + text.replace("'", "''") + "'"
