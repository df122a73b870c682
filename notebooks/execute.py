"""Run the lessons at full pace, in order, and store what they show: `make notebooks`.

Name lessons to run fewer: `python notebooks/execute.py 02`. Every recording that a lesson made is
kept in recordings/, named after its variable, or a page's run after its mode. So is the time it
took: the figures in the prose come from there. A lesson that fails, or finds other than it
foretells, is not stored.
"""

import base64
import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parent
RECORDINGS = NOTEBOOKS / "recordings"
RUN_TIMES = RECORDINGS / "run_times_s.json"
PICTURE = NOTEBOOKS / "figures" / "live_chart.png"
PICTURED = ("01_watch_memory_climb", "run-step1")
CELL_TIMEOUT_S = 600
WIDGET = "application/vnd.jupyter.widget-view+json"

# Run in the lesson's own kernel, after its last cell.
KEEP_RECORDINGS = """
from pathlib import Path as _Path
from workshop_lib.meter.page_run import PageRun as _PageRun
from workshop_lib.meter.recording import Recording as _Recording
from workshop_lib.pipe.eight_streams import Timeline as _Timeline
_kept = []
for _name, _value in list(globals().items()):
    _is_kept = any(_value is k for k in _kept)
    if isinstance(_value, _Recording | _Timeline) and _name[0] != "_" and not _is_kept:
        _value.save(_Path("recordings") / f"{_lesson}_{_name}.json")
        _kept.append(_value)
    for _run in _value.values() if isinstance(_value, dict) else []:
        if isinstance(_run, _PageRun):
            _run.save(_Path("recordings") / f"{_lesson}_{_run.mode}.json")
"""


def main() -> None:
    """Run the lessons that the command line names, or all."""
    wanted = tuple(sys.argv[1:] or [""])
    paths = [
        path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if path.name.startswith(wanted)
    ]
    if not paths:
        sys.exit(f"No lesson is called {' or '.join(wanted)}. Give its digits, as in: 02")
    # The kernel of this environment, whatever else the machine has registered.
    os.environ |= {"WORKSHOP_PACE": "full", "JUPYTER_PREFER_ENV_PATH": "1"}
    os.environ.pop("OPENAI_BASE_URL", None)  # what is stored comes from the fake LLM
    with TemporaryDirectory() as folder:
        os.environ["WORKSHOP_PROGRESS"] = f"{folder}/progress.json"  # of a learner who begins
        for path in paths:
            print(f"{path.name}: {execute(path):.0f} s", flush=True)


def execute(path: Path) -> float:
    """Run one lesson, store its outputs, and return how long it took, in seconds."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    start_s = time.monotonic()
    with client.setup_kernel():
        run_cells(client, notebook, path.name)
        took_s = time.monotonic() - start_s
        keep = f"_lesson = {path.name[:2]!r}\n{KEEP_RECORDINGS}"
        notebook.cells.append(nbformat.v4.new_code_cell(keep))
        client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
        notebook.cells.pop()
    store(tidied(notebook), path, took_s)
    return took_s


def run_cells(client: NotebookClient, notebook: NotebookNode, name: str) -> None:
    """Run all cells; stop with a sentence at the first that fails or is not as foretold."""
    for number, cell in enumerate(notebook.cells):
        try:
            client.execute_cell(cell, number)
        except CellExecutionError as problem:
            sys.exit(f"{problem}\n{name}, cell {cell.id}: failed, as above. Nothing was stored.")
        for output in cell.get("outputs", []):
            if "NOT AS EXPECTED" in output.get("text", ""):
                sys.exit(f"{name}, cell {cell.id}: {output.text}Nothing was stored. Run it again.")


def tidied(notebook: NotebookNode) -> NotebookNode:
    """Keep what a reader sees, and drop what differs from run to run or from machine to machine."""
    notebook.metadata = {
        "kernelspec": notebook.metadata.kernelspec,
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), 1):
        cell.execution_count = number
        cell.metadata = {"tags": cell.metadata.tags} if cell.metadata.get("tags") else {}
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET, None)
            if "execution_count" in output:
                output.execution_count = number
    return notebook


def store(notebook: NotebookNode, path: Path, took_s: float) -> None:
    """Write a lesson, the time it took, and the picture for the front page where it has that."""
    nbformat.write(notebook, path)
    times = json.loads(RUN_TIMES.read_text()) if RUN_TIMES.exists() else {}
    times[path.stem] = round(took_s)
    RUN_TIMES.write_text(json.dumps(times, indent=1, sort_keys=True) + "\n")
    if path.stem == PICTURED[0]:
        outputs = next(cell.outputs for cell in notebook.cells if cell.id == PICTURED[1])
        pictures = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
        PICTURE.write_bytes(base64.b64decode(pictures[-1]))


if __name__ == "__main__":
    main()
