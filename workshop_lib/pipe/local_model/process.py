"""The local model seen from whoever starts it: a process, what servers must know, its counter."""

import re
import urllib.request
from typing import Any, Self

from workshop_lib.pipe.child import Child
from workshop_lib.pipe.local_model.engine import MODEL, weights

SNDBUF_BYTES = 16384
ASK_TIMEOUT_S = 30.0


def environment(port: int) -> dict[str, str]:
    """Return what a server needs to know to use the model on this port."""
    return {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": "sk-local-model-needs-no-key",
        "MODEL": MODEL,
    }


class LocalModel:
    """SmolLM2-135M-Instruct behind OpenAI's API, in a process of its own.

    `sndbuf` is asked of the kernel for each connection (bytes; 0: its own choice); `options` are
    fields of llama.cpp's /completion, and hold for every request. Raises NotInstalled, or
    RuntimeError when the process does not start.
    """

    def __init__(self, *, port: int = 0, sndbuf: int = SNDBUF_BYTES, **options: Any) -> None:
        weights()  # fails here, with its own sentence, not in the process
        config = {"port": port, "sndbuf": sndbuf, "options": options}
        self._child = Child("workshop_lib.pipe.local_model.serve", config, fresh=True)
        self.pid = self._child.pid
        self.env = environment(self._child.ready["port"])
        self.base_url = self.env["OPENAI_BASE_URL"]

    def tokens(self) -> int:
        """Return how many tokens llama.cpp has generated; a piece is counted when it ends."""
        return self._metric("tokens_predicted_total")

    def working_for(self) -> int:
        """Return for how many answers llama.cpp generates at this moment."""
        return self._metric("requests_processing")

    def _metric(self, name: str) -> int:
        address = self.base_url.removesuffix("/v1") + "/metrics"
        with urllib.request.urlopen(address, timeout=ASK_TIMEOUT_S) as response:
            said = response.read().decode()
        found = re.search(rf"^llamacpp:{name} (\d+)", said, re.MULTILINE)
        if not found:
            raise RuntimeError(
                f"llama.cpp does not tell {name}: look for its new name at {address}"
            )
        return int(found[1])

    def keep_through_exec(self) -> None:
        """Let the program that this process becomes keep the model, which ends with it."""
        self._child.keep_through_exec()

    def stop(self) -> None:
        """End the process; said again, it changes nothing."""
        self._child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()
