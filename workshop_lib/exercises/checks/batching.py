"""Does all text reach the screen, at most once a frame? A batcher in JavaScript, run with React."""

import json
import subprocess
from typing import Any, TypedDict

from workshop_lib.exercises.contract import NotYet
from workshop_lib.pipe.node import REACT, install_packages, node_program

RUN = REACT / "batching" / "run.mjs"
TIMEOUT_S = 15


class Scene(TypedDict):
    """What came of one answer: what it had, and what the screen shows in the end."""

    tokens: int
    frames: int
    text: str
    commits: int


ADVICE = {
    "frames": (
        "React runs an updater when it renders, which can be after your next line. Whatever it "
        "reads from outside may have changed by then."
    ),
    "meanwhile": (
        "Here some tokens come between a frame and React's rendering of it. Take the text and "
        "empty the batch in the same breath, before React has its turn."
    ),
    "strict": (
        "In StrictMode React runs an updater twice, to show what is wrong with one that changes "
        "something. Let yours only join two texts."
    ),
    "hidden": (
        "A hidden tab draws no frames, and these tokens have waited for a second each time. Let "
        "a timer run beside the frame."
    ),
    "end": "The answer is complete, and the last tokens wait for a frame. Let end() hand them on.",
}


async def judge_batching(attempt: Any) -> str:
    if not isinstance(attempt, str):
        raise NotYet(f"The check got {attempt!r}. Give it your JavaScript as a text.")
    scenes = _played(attempt)
    for name, advice in ADVICE.items():
        _check_text(scenes[name], advice)
    _check_text(scenes["after"], ADVICE["end"])
    _check_commits(scenes["frames"])
    frames = scenes["frames"]
    return (
        f"All {frames['tokens']} tokens reached the screen in {frames['commits']} commits for "
        f"{frames['frames']} frames; none is lost in a hidden tab, in StrictMode or at the end."
    )


def _played(code: str) -> dict[str, Scene]:
    """Return what came of each scene; NotYet for code that fails."""
    try:
        ended = subprocess.run(
            [node_program(), str(RUN)], input=code, capture_output=True, text=True,
            encoding="utf-8", timeout=TIMEOUT_S, cwd=install_packages(REACT),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotYet(
            f"Your code was still busy after {TIMEOUT_S} s. Let each call return at once: the "
            "browser calls again with the next frame."
        ) from None
    if ended.returncode:
        raise NotYet(f"Node ended with: {ended.stderr.strip()[-300:] or 'no words'}. Repair that.")
    played = json.loads(ended.stdout.splitlines()[-1])
    if "error" in played:
        raise NotYet(f"Your code raised {played['error']}. Repair that.")
    return played


def _check_text(scene: Scene, advice: str) -> None:
    shown = scene["text"].split()
    wanted = [f"#{n}" for n in range(scene["tokens"])]
    if shown == wanted:
        return
    if lost := [token for token in wanted if token not in shown]:
        raise NotYet(
            f"{len(wanted) - len(lost)} of {len(wanted)} tokens reached the screen; the first that "
            f"is missing is {lost[0]}. {advice}"
        )
    if len(shown) > len(wanted):
        twice = next(token for token in wanted if shown.count(token) > 1)
        raise NotYet(
            f"{twice} is on the screen {shown.count(twice)} times. Empty the batch when its text "
            "is handed on, each time."
        )
    raise NotYet(f"The tokens are out of order: {scene['text'][:60]!r}. Add new text at the end.")


def _check_commits(scene: Scene) -> None:
    if scene["commits"] > scene["frames"] + 1:
        raise NotYet(
            f"All {scene['tokens']} tokens reached the screen, in {scene['commits']} commits for "
            f"{scene['frames']} frames. Nobody sees what is between two frames: hand the text on "
            "once a frame."
        )
