"""Environment variables that hold for a while."""

import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager

_one_at_a_time = threading.Lock()


@contextmanager
def environ_holding(env: Mapping[str, str]) -> Generator[None]:
    """Set variables for the whole process, one caller at a time, and put back what was there."""
    with _one_at_a_time:
        before = {name: os.environ.get(name) for name in env}
        os.environ.update(env)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
