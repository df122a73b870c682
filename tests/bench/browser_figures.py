"""What was aimed at in the browser, and what came of it."""

from collections.abc import Callable

from tests.bench.figures import Aim, Rows

OURS, PEER = "useStreamingChat and Markdown", "useChat and streamdown"


def name_of(text: str, mode: str, throttle: float) -> str:
    """Name a row: the view, the text, and by how much the CPU is slowed down."""
    return f"{mode}, {text}, {throttle:g}x"


def _dropped(text: str, mode: str, throttle: float) -> Callable[[Rows], float]:
    return lambda rows: rows[name_of(text, mode, throttle)]["dropped_frames"]


def _over_streamdown(text: str, throttle: float) -> Callable[[Rows], float]:
    """Return ours over streamdown's, and over 1 where that drops none."""

    def share(rows: Rows) -> float:
        ours, theirs = (_dropped(text, mode, throttle)(rows) for mode in ("blocks", "streamdown"))
        return ours / max(theirs, 1)

    return share


def _bundle_share(rows: Rows) -> float:
    return rows["bundles"][OURS] / rows["bundles"][PEER]


AIMS = [
    Aim("blocks, text in paragraphs, 1x: dropped frames", 0, True, "frames",
        _dropped("prose", "blocks", 1)),
    *(
        Aim(f"blocks, {text}, {throttle}x: dropped frames over streamdown's", 0.99, True, "times",
            _over_streamdown(text, throttle))
        for text in ("mixed", "prose")
        for throttle in (1, 4, 6)
    ),
    Aim("our hook and view, gzipped, over useChat and streamdown", 0.5, True, "times",
        _bundle_share),
]  # fmt: skip
