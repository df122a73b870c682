"""JupyterHub as `make hub` starts it, and learners who log in and run lessons through its proxy."""

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession, CookieJar, WSMsgType

from tests.lab import ROOT, STOP_TIMEOUT_S, stop, wait_until_it_answers
from workshop_lib.pipe.sockets import free_port

PASSWORD = "only-for-the-test"
SPAWN_TIMEOUT_S = 240
LONGEST_CELL_S = 300
POLL_S = 0.5


@dataclass(frozen=True)
class Hub:
    """A hub that runs: where it is, whose folders are where, and its process."""

    url: str
    learners: Path
    process: subprocess.Popen[bytes]

    def server_of(self, name: str) -> psutil.Process:
        """Return the process of a learner's server."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if "jupyterhub.singleuser" in process.cmdline() and _user_of(process) == name:
                return process
        raise LookupError(f"{name} has no server")

    def memory_bytes(self, name: str) -> int:
        """Return what a learner's processes take; of what they share, each its part (Linux)."""
        server = self.server_of(name)
        return sum(_share_bytes(process) for process in [server, *server.children(recursive=True)])


def _user_of(process: psutil.Process) -> str:
    return process.environ().get("JUPYTERHUB_USER", "")


def _share_bytes(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


@contextmanager
def hub(folder: Path, **env: str) -> Iterator[Hub]:
    """Start `make hub` with the learners' folders in `folder`; leave nothing running."""
    port, learners, log = free_port(), folder / "learners", folder / "hub.log"
    settings = {"PORT": str(port), "PASSWORD": PASSWORD, "LEARNERS": str(learners)}
    with log.open("w") as said:
        process = subprocess.Popen(
            ["make", "hub"],
            cwd=ROOT,
            env=os.environ | settings | env,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    below = []
    try:
        wait_until_it_answers(f"{url}/hub/health", process, log)
        yield Hub(url, learners, process)
        below = psutil.Process(process.pid).children(recursive=True)
    finally:
        stop(process)
    outlive = psutil.wait_procs(below, timeout=STOP_TIMEOUT_S)[1]
    assert not outlive, outlive
    assert "Traceback" not in (text := log.read_text()), text


@dataclass
class Learner:
    """Somebody who has logged in; `heard` is what the cells of their lessons have printed."""

    name: str
    base: str
    session: ClientSession
    heard: list[str] = field(default_factory=list[str])

    async def api(self, method: str, resource: str, **body: Any) -> Any:
        """Ask the learner's own server, and return what it answers."""
        url = f"{self.base}/api/{resource}"
        async with self.session.request(method, url, json=body or None) as answer:
            assert answer.ok, await answer.text()
            return await answer.json() if answer.status != 204 else None

    async def run(self, path: str, cells: Sequence[str] = ()) -> None:
        """Run a lesson of theirs from top to bottom, and some cells more, in one kernel."""
        notebook = (await self.api("GET", f"contents/{path}"))["content"]
        sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
        kernel = {"name": "python3"}
        opened = await self.api(
            "POST", "sessions", path=path, name=path, type="notebook", kernel=kernel
        )
        channels = f"{self.base}/api/kernels/{opened['kernel']['id']}/channels"
        try:
            async with self.session.ws_connect(channels, max_msg_size=0, heartbeat=None) as socket:
                for source in [*sources, *cells]:
                    async with asyncio.timeout(LONGEST_CELL_S):
                        await self._execute(socket, source)
        finally:
            await self.api("DELETE", f"sessions/{opened['id']}")

    async def _execute(self, socket: Any, source: str) -> None:
        """Run one cell to its end, and keep what it prints; raise what it raises."""
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "version": "5.3"}
        header |= {"session": asked, "username": self.name, "date": ""}
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"channel": "shell", "header": header, "content": content}
        await socket.send_str(json.dumps(message | {"parent_header": {}, "metadata": {}}))
        async for came in socket:
            if came.type != WSMsgType.TEXT:  # a picture of a chart
                continue
            said = json.loads(came.data)
            if said["parent_header"].get("msg_id") != asked:
                continue
            if said["msg_type"] == "stream":
                self.heard.append(said["content"]["text"])
            elif said["msg_type"] == "error":
                raise AssertionError("\n".join(said["content"]["traceback"]))
            elif said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
                return
        raise AssertionError(f"the kernel of {self.name} has gone")

    async def leave(self) -> None:
        """Stop the learner's server, as the hub's control panel does."""
        user = self.base.replace("/user/", "/hub/api/users/")
        async with self.session.delete(f"{user}/server") as stopped:
            assert stopped.ok, await stopped.text()
        await _wait(self.session, user, lambda server: not server)

    @property
    def verdicts(self) -> list[str]:
        """Return the lines that say whether a run came out as foretold."""
        lines = "".join(self.heard).splitlines()
        return [line for line in lines if line.startswith(("PASS", "NOT AS EXPECTED"))]


@asynccontextmanager
async def logged_in(at: Hub, name: str) -> AsyncIterator[Learner]:
    """Log in by the form, as a browser does, wait for the server, and take a token for it."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        async with session.get(f"{at.url}/hub/login") as form:
            token = form.cookies["_xsrf"].value
        form_data = {"username": name, "password": PASSWORD, "_xsrf": token}
        async with session.post(f"{at.url}/hub/login?next=%2Fhub%2Fhome", data=form_data) as home:
            assert home.ok and home.url.path == "/hub/home", await home.text()
            cookies = session.cookie_jar.filter_cookies(home.url.join(home.url))
        session.headers["X-XSRFToken"] = cookies["_xsrf"].value
        user = f"{at.url}/hub/api/users/{name}"
        async with session.post(f"{user}/server", json={}) as started:
            assert started.ok, await started.text()
        async with session.post(f"{user}/tokens", json={}) as made:
            session.headers["Authorization"] = f"token {(await made.json())['token']}"
        await _wait(session, user, lambda server: server.get("ready", False))
        yield Learner(name, f"{at.url}/user/{name}", session)


async def _wait(session: ClientSession, user: str, is_so: Callable[[dict[str, Any]], bool]) -> None:
    """Ask the hub for a learner's server (nothing if there is none) until it is as wanted."""
    async with asyncio.timeout(SPAWN_TIMEOUT_S):
        while True:
            async with session.get(user) as answer:
                if is_so((await answer.json())["servers"].get("", {})):
                    return
            await asyncio.sleep(POLL_S)
