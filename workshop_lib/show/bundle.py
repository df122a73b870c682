"""Outputs that read the same everywhere: as HTML or as a widget, and as text without either."""

from typing import Any

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]


def show(html: str, text: str) -> None:
    """Display HTML, with the text that stands for it where there is none."""
    display({"text/html": html, "text/plain": text}, raw=True)


def show_widget(widget: Any, text: str) -> None:
    """Display a widget, with the text that stands for it in a saved notebook."""
    display(widget_bundle(widget, text), raw=True)


def widget_bundle(widget: Any, text: str) -> dict[str, Any]:
    """Return a widget's output by MIME type; nbval compares only the text, the same in each run."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view, "text/plain": text}
