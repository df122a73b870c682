"""Outputs that read the same everywhere: as HTML, and as text where there is none."""

from typing import Any

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]


def show(html: str, text: str, widget: Any = None) -> None:
    """Display HTML, or a widget, with the text that takes its place in a saved notebook."""
    display(bundle(html, text, widget), raw=True)


def bundle(html: str, text: str, widget: Any = None) -> dict[str, Any]:
    """Return an output by MIME type; what nbval compares in it is the same in every run."""
    if widget is None:
        return {"text/html": html, "text/plain": text}
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view, "text/plain": text}
