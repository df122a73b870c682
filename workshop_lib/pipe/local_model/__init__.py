"""A real model at the head of the pipe: SmolLM2 under llama.cpp, held back by whoever reads it."""

from workshop_lib.pipe.local_model.engine import NotInstalled
from workshop_lib.pipe.local_model.process import LocalModel

__all__ = ["LocalModel", "NotInstalled"]
