"""The fake LLM seen from the experiment: a process to start, ask, freeze and stop."""

import http.client
import json
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from workshop_lib.pipe.child import Child
from workshop_lib.pipe.fake_llm.knobs import Answer, KnobError
from workshop_lib.pipe.fake_llm.rows import Ledger, Totals

DEFAULT_SNDBUF_BYTES = 16384
ASK_TIMEOUT_S = 30.0
API_KEY = "sk-fake-llm-needs-no-key"


def environment(port: int) -> dict[str, str]:
    """Return what a server needs to know to use the fake LLM on this port."""
    return {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": API_KEY,
        "MODEL": "fake-llm",
    }


class FakeLLM:
    """An OpenAI-compatible LLM without a model, in a process of its own.

    `knobs` are the fields of Answer, and hold for every request that does not say otherwise.
    `sndbuf` is asked of the kernel for each connection (bytes; 0: its own choice), `granted_bytes`
    is what it gave. Raises KnobError for bad knobs, RuntimeError when the process does not start.
    """

    def __init__(
        self, *, port: int = 0, sndbuf: int = DEFAULT_SNDBUF_BYTES, **knobs: float | str
    ) -> None:
        Answer().changed(knobs)  # fails here, in the caller's cell, not in the process
        config = {"port": port, "sndbuf": sndbuf, "knobs": knobs}
        self._child = Child("workshop_lib.pipe.fake_llm.serve", config)
        self.pid = self._child.pid
        self.port: int = self._child.ready["port"]
        self.granted_bytes: int = self._child.ready["sndbuf"]
        self.env = environment(self.port)
        self.base_url = self.env["OPENAI_BASE_URL"]
        self._asking = threading.Lock()  # the sampler and the notebook share one connection
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, ASK_TIMEOUT_S)

    def ledger(self, since: int = 0) -> Ledger:
        """Return every stream from number `since` on, in the order they started."""
        return Ledger.from_json(self._ask("GET", "/ledger?" + urlencode({"since": since})))

    def totals(self) -> Totals:
        """Return the sums over all streams: cheap, however many there are."""
        return Ledger.from_json(self._ask("GET", "/ledger?totals=1")).totals

    def set(self, **knobs: float | str) -> None:
        """Turn knobs for the requests to come. Raises KnobError."""
        self._ask("POST", "/knobs", knobs)

    def freeze(self) -> None:
        """Stop every stream; when this returns, no token is produced until `thaw`."""
        self._ask("POST", "/freeze", {})

    def thaw(self) -> None:
        """Let the streams go on."""
        self._ask("POST", "/thaw", {})

    def stop(self) -> None:
        """End the process; said again, it changes nothing."""
        self._child.stop()
        with self._asking:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with self._asking:
            try:
                status, answer = self._exchange(method, path, body)
            except BaseException:  # interrupted half-way: the rest of the answer is in the socket
                self._connection.close()
                raise
        if status != http.HTTPStatus.OK:
            raise KnobError(answer["error"]["message"])
        return answer

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        content = None if body is None else json.dumps(body)
        for last_try in (False, True):  # a connection that lay idle may have been closed
            try:
                self._connection.request(method, path, content)
                response = self._connection.getresponse()
                return response.status, json.loads(response.read())
            except (OSError, http.client.HTTPException):
                self._connection.close()
                if last_try or not self._child.alive:
                    break
        raise RuntimeError(self._why_gone())

    def _why_gone(self) -> str:
        if self._child.alive:
            return "The fake LLM does not answer. Stop it and start the experiment again."
        return "The fake LLM's process has ended. Run the experiment again."
