"""The local model by hand, or beside a command: python -m workshop_lib.pipe.local_model COMMAND.

The command runs with the three variables set that name the model, and the model ends with it.
"""

import os
import sys
import threading
from typing import NoReturn

from workshop_lib.pipe.local_model.engine import MODEL
from workshop_lib.pipe.local_model.process import LocalModel


def main(command: list[str]) -> None:
    """Start the model; run the command, or serve until Ctrl-C."""
    print(f"Loading {MODEL}...", flush=True)
    try:
        model = LocalModel()
    except RuntimeError as problem:
        sys.exit(str(problem))
    for name, value in model.env.items():
        print(f"export {name}={value}")
    if command:
        become(command, model)
    print("# Stop it with Ctrl-C.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        model.stop()


def become(command: list[str], model: LocalModel) -> NoReturn:
    """Turn this process into the command: signals reach that one, and its end is the model's."""
    sys.stdout.flush()
    model.keep_through_exec()
    try:
        os.execvpe(command[0], command, os.environ | model.env)
    except OSError as problem:
        model.stop()
        sys.exit(f"Cannot run {command[0]}: {problem.strerror}. Name a program that exists.")


if __name__ == "__main__":
    main(sys.argv[1:])
