"""A real kernel for the tests of what a notebook keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent


class Kernel:
    """Runs cells as Jupyter does, and keeps each cell's outputs as a notebook would."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client

    def run(self, *lines: str) -> list[nbformat.NotebookNode]:
        """Run a cell and return its outputs; what it raised is among them."""
        cell = nbformat.v4.new_code_cell("\n".join(lines))
        self.client.nb.cells.append(cell)
        try:
            self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        except CellExecutionError:
            pass
        return cell.outputs

    def text(self, *lines: str) -> str:
        """Run a cell and return all that it shows, as plain text."""
        return "\n".join(
            output.get("text") or output.get("evalue") or output.data["text/plain"]
            for output in self.run(*lines)
        ).strip()


@contextmanager
def kernel() -> Iterator[Kernel]:
    """Start a kernel in the project's folder and end it."""
    notebook = nbformat.v4.new_notebook()
    path = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources=path)
    with client.setup_kernel():
        yield Kernel(client)
