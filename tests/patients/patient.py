"""A patient: a command, how its server is asked, and what is known of it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.patients.truth import PLAIN, Truth, truth_of
from workshop_lib.pipe.node import node_program

NODE = Path(__file__).parent / "node"
PROMPT = '{"prompt": "{prompt}"}'
MESSAGES = '{"model": "m", "stream": true, "messages": [{"role": "user", "content": "{prompt}"}]}'
UI_MESSAGES = (
    '{"id": "c", "messages": [{"id": "1", "role": "user", '
    '"parts": [{"type": "text", "text": "{prompt}"}]}]}'
)


@dataclass(frozen=True)
class Patient:
    """A server to start with PORT, OPENAI_BASE_URL, OPENAI_API_KEY and MODEL in its environment.

    POST `body` to `path`, with `{prompt}` replaced; `truth` is by the names of probes.
    """

    name: str
    command: tuple[str, ...]
    truth: Truth
    path: str = "/chat"
    body: str = PROMPT
    env: Mapping[str, str] = field(default_factory=dict[str, str])


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def node(name: str) -> tuple[str, ...]:
    return (node_program(), str(NODE / f"{name}.mjs"))


def on_port(module: str, *arguments: str) -> tuple[str, ...]:
    """Run a module that wants its port as an argument."""
    command = " ".join([sys.executable, "-m", module, *arguments])
    return ("/bin/sh", "-c", f"exec {command}")


def flawed(
    framework: str, command: tuple[str, ...], *flaws: str, usual: Truth = PLAIN, path: str = "/chat"
) -> list[Patient]:
    return [
        Patient(f"{framework}: {flaw}", command, truth_of(flaw, usual), path, env={"FLAW": flaw})
        for flaw in flaws
    ]
