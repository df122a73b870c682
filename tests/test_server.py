"""The server under test, as a thread and as a process: one interface, nothing left after stop."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from servers import step2_fixed
from servers.common import make_app
from tests.mechanism import ask, children, gone, nothing_left, read_all, until
from workshop_lib.pipe import server_process
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import Server, ServerThread
from workshop_lib.pipe.server_process import ServerProcess
from workshop_lib.pipe.sockets import free_port, listening_socket

NODE = str(Path(sys.executable).with_name("node"))
NODE_SERVER = """
const server = require("node:http").createServer((_, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.end(`data: {"token": "#0.. "}\\n\\ndata: [DONE]\\n\\n`);
});
server.listen(process.env.PORT, "127.0.0.1");
"""
STOP_S = 3.0  # generous: it takes a fraction of a second


async def chat(request: web.Request) -> web.StreamResponse:
    """Write for ever, with a pause for the socket."""
    response = web.StreamResponse()
    writer = await response.prepare(request)
    assert writer
    while True:
        await response.write(bytes(4096))
        await writer.drain()


def app_of(handler: Callable[[web.Request], object]) -> Callable[[], web.Application]:
    def make() -> web.Application:
        app = web.Application()
        app.router.add_post("/chat", handler)  # type: ignore[arg-type]
        return app

    return make


def steady(reading: Callable[[], int]) -> int:
    """Return a figure that has stood still for 0.3 s."""
    while True:
        before = reading()
        time.sleep(0.3)
        if reading() == before:
            return before


def buffered(server: Server) -> int:
    return sum((server.write_buffers() or {}).values())


def tasks() -> set[str]:
    """Name the threads' tasks: those of event loops that still exist."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("server")}


# -- one interface --------------------------------------------------------------------------------


def thread_server(llm: FakeLLM) -> Server:
    return ServerThread(lambda: make_app(step2_fixed.chat), env=llm.env)


def process_server(llm: FakeLLM) -> Server:
    return ServerProcess([sys.executable, "-m", "servers.step2_fixed"], env=llm.env)


def node_server(_: FakeLLM) -> Server:
    return ServerProcess([NODE, "-e", NODE_SERVER])


@pytest.mark.parametrize("make", [thread_server, process_server, node_server])
def test_thread_and_process_serve_alike(make: Callable[[FakeLLM], Server]):
    with FakeLLM(tokens_per_s=0, answer_tokens=1) as llm, nothing_left():
        server = make(llm)
        with server as started:
            assert started is server
            assert server.url == f"http://127.0.0.1:{server.port}"
            assert psutil.pid_exists(server.pid)
            answer = read_all(ask(server.port))
        assert b'data: {"token": "#0.. "}\n\n' in answer
        assert b"data: [DONE]\n\n" in answer
        assert server.errors == []
        with listening_socket(port=server.port):
            pass  # the port is free again


@pytest.mark.parametrize("kind", [ServerThread, ServerProcess])
def test_a_stop_without_a_start_is_nothing(kind: type[ServerThread] | type[ServerProcess]):
    with nothing_left():
        if kind is ServerThread:
            ServerThread(app_of(chat)).stop()
        else:
            ServerProcess(["nothing"]).stop()


# -- the thread -----------------------------------------------------------------------------------


def test_it_stops_at_once_with_stalled_connections():
    with nothing_left():
        readers = []
        try:
            with ServerThread(app_of(chat), sndbuf=2048, high_water_bytes=0) as server:
                readers = [ask(server.port, rcvbuf=2048) for _ in range(20)]
                until(lambda: len(server.write_buffers() or {}) == 20)
                until(lambda: all((server.write_buffers() or {}).values()))
                begun_s = time.monotonic()
            assert time.monotonic() - begun_s < STOP_S
            assert not tasks()
            assert server.errors == []
        finally:
            for reader in readers:
                reader.close()


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def test_it_stops_at_once_while_a_handler_waits_for_nothing():
    entered, left = threading.Event(), threading.Event()

    async def waits(request: web.Request) -> web.StreamResponse:
        try:
            entered.set()
            return await never(request)
        finally:
            left.set()

    with nothing_left():
        with ServerThread(app_of(waits)) as server, ask(server.port):
            assert entered.wait(30)
            begun_s = time.monotonic()
            server.stop()
            assert time.monotonic() - begun_s < STOP_S
        assert left.is_set()


def test_a_connection_accepted_in_the_turn_of_the_stop_is_closed():
    loops: list[asyncio.AbstractEventLoop] = []
    held = threading.Event()

    def app() -> web.Application:
        loops.append(asyncio.get_running_loop())
        return web.Application()

    def hold() -> None:
        held.set()
        time.sleep(0.3)

    with nothing_left():
        server = ServerThread(app).start()
        loops[0].call_soon_threadsafe(hold)
        held.wait()
        with socket.create_connection(("127.0.0.1", server.port)) as reader:
            server.stop()  # a socket that nobody closes would be told, as a ResourceWarning
            assert reader.recv(1) == b""


def test_the_start_up_error_is_raised_where_it_was_started():
    def broken() -> web.Application:
        raise LookupError("no such table")

    async def broken_hook(_: web.Application) -> None:
        raise LookupError("no such table")

    def with_hook() -> web.Application:
        app = web.Application()
        app.on_startup.append(broken_hook)
        return app

    for make in (broken, with_hook):
        with nothing_left(), pytest.raises(LookupError, match="no such table"):
            ServerThread(make).start()


def test_a_taken_port_is_told_before_anything_starts():
    with listening_socket() as taken, nothing_left(), pytest.raises(OSError, match="take port 0"):
        ServerThread(app_of(chat), port=taken.getsockname()[1]).start()


# between making a socket or pipe and its `with`, an interrupt leaves closing to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.2])
def test_an_interrupt_while_it_starts_leaves_nothing(delay_s: float):
    async def slow(_: web.Application) -> None:
        await asyncio.sleep(2)

    def slow_app() -> web.Application:
        app = web.Application()
        app.on_startup.append(slow)
        return app

    def interrupt() -> None:
        time.sleep(delay_s)
        os.kill(os.getpid(), signal.SIGINT)

    with nothing_left():
        interrupting = threading.Thread(target=interrupt)
        server = ServerThread(slow_app)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come at any moment
            interrupting.start()
            server.start()
        interrupting.join()


def test_the_environment_holds_while_it_starts_and_is_restored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("ADDED", raising=False)
    seen: list[str | None] = []

    def make() -> web.Application:
        seen.extend([os.environ.get("KEPT"), os.environ.get("ADDED")])
        return web.Application()

    with nothing_left(), ServerThread(make, env={"KEPT": "inside", "ADDED": "inside"}):
        assert seen == ["inside", "inside"]
        assert (os.environ["KEPT"], os.environ.get("ADDED")) == ("before", None)


def test_the_high_water_mark_has_its_effect():
    held: dict[int, int] = {}
    for mark in (0, 200_000):
        server = ServerThread(app_of(chat), sndbuf=2048, high_water_bytes=mark)
        with server, ask(server.port, rcvbuf=2048) as reader:
            until(partial(buffered, server))
            held[mark] = steady(partial(buffered, server))
            assert server.write_buffers() == {reader.getsockname()[1]: held[mark]}
    assert 0 < held[0] <= 4096 + 16  # one event and its chunk frame
    assert 200_000 < held[200_000] <= 200_000 + 4096 + 16


def test_a_connection_that_has_gone_has_no_write_buffer():
    with ServerThread(app_of(chat), sndbuf=2048) as server:
        with ask(server.port, rcvbuf=2048):
            until(lambda: len(server.write_buffers() or {}) == 1)
        until(lambda: server.write_buffers() == {})


def test_of_a_connection_that_has_gone_only_the_number_of_its_bytes_is_kept():
    writers = weakref.WeakSet[AbstractStreamWriter]()

    def make() -> web.Application:
        async def note(request: web.Request, _: web.StreamResponse) -> None:
            writers.add(request.writer)

        app = app_of(chat)()
        app.on_response_prepare.append(note)
        return app

    with ServerThread(make, sndbuf=2048) as server:
        with ask(server.port, rcvbuf=2048) as reader:
            until(lambda: writers)
            port = reader.getsockname()[1]

        def let_go() -> bool:
            given = server.given_bytes() or {}
            gc.collect()
            return given.get(port, 0) > 0 and not writers

        until(let_go)


@pytest.mark.parametrize("started", [False, True])
def test_a_handlers_exception_is_kept_and_not_printed(
    started: bool, capfd: pytest.CaptureFixture[str]
):
    async def fails(request: web.Request) -> web.StreamResponse:
        if started:
            await web.StreamResponse().prepare(request)
        raise LookupError("no such table")

    with ServerThread(app_of(fails)) as server:
        answer = read_all(ask(server.port))
        until(lambda: server.errors)
    assert server.errors == ["LookupError: no such table"]
    assert answer.startswith(b"HTTP/1.1 200" if started else b"HTTP/1.1 500")
    assert capfd.readouterr() == ("", "")


def test_an_exception_in_a_task_that_nobody_awaits_is_kept(capfd: pytest.CaptureFixture[str]):
    async def background(_: web.Request) -> web.StreamResponse:
        async def fail() -> None:
            raise LookupError("no such table")

        kept = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del kept
        return web.Response()

    with ServerThread(app_of(background)) as server:
        read_all(ask(server.port))
        until(lambda: server.errors)
    assert "LookupError('no such table')" in server.errors[0]
    assert capfd.readouterr() == ("", "")


def test_a_reader_that_leaves_is_no_error(capfd: pytest.CaptureFixture[str]):
    left = threading.Event()

    async def notices(request: web.Request) -> web.StreamResponse:
        try:
            return await chat(request)
        finally:
            left.set()

    with ServerThread(app_of(notices), sndbuf=2048, high_water_bytes=0) as server:
        with ask(server.port, rcvbuf=2048) as reader:
            reader.recv(1)
        assert left.wait(30)
    assert server.errors == []
    assert capfd.readouterr() == ("", "")


def test_a_blocked_event_loop_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch):
    entered, released = threading.Event(), threading.Event()

    async def blocks(_: web.Request) -> web.StreamResponse:
        entered.set()
        released.wait()
        return web.Response()

    monkeypatch.setattr("workshop_lib.pipe.server.STOP_TIMEOUT_S", 0.2)
    with nothing_left(), ServerThread(app_of(blocks)) as server, ask(server.port):
        assert entered.wait(30)
        with pytest.raises(RuntimeError, match=r"blocks its event loop.*time\.sleep"):
            server.stop()
        released.set()
        until(lambda: not tasks())


# -- the process ----------------------------------------------------------------------------------


def python(program: str) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", program])


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; sys.exit('the disk is full')", "Its last words: the disk is full"),
        ("", r"Its last words: \(none\)"),
    ],
)
def test_a_command_that_ends_early_is_quoted(program: str, why: str):
    with nothing_left(), pytest.raises(RuntimeError, match=rf"ended before it listened.*{why}"):
        python(program).start()


def test_a_command_that_never_listens_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_process, "START_TIMEOUT_S", 1.0)
    with nothing_left(), pytest.raises(RuntimeError, match="runs, but nothing listens on port"):
        python("import time; time.sleep(600)").start()


@pytest.mark.parametrize("command", ["no-such-program", "/etc", "/etc/hostname"])
def test_a_program_that_cannot_be_started_is_named(command: str):
    with nothing_left(), pytest.raises(RuntimeError, match=rf"{command}.*give its whole path"):
        ServerProcess([command]).start()


def test_it_sees_the_variables_it_is_given_and_no_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_SECRET", "x")
    program = "import os; print(*sorted({'MY_SECRET', 'A', 'B', 'PORT'} & {*os.environ}))"
    server = ServerProcess([sys.executable, "-c", program], env={"A": "1"}, base_env={"B": "2"})
    with nothing_left():
        server.spawn()
        until(lambda: server.ended)
        assert server.last_words() == "A B PORT"
        server.stop()


FORKS = """
import os, signal, subprocess, sys, time
grandchild = "import signal, time; {deaf} print('up', flush=True); time.sleep(600)"
middle = (
    "import subprocess, sys, time; "
    f"p = subprocess.Popen([sys.executable, '-c', {{grandchild!r}}], stdout=subprocess.PIPE); "
    "p.stdout.readline(); print('up', flush=True); time.sleep(600)"
)
child = subprocess.Popen([sys.executable, "-c", middle], stdout=subprocess.PIPE)
child.stdout.readline()
{then}
import socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
time.sleep(600)
"""


@pytest.mark.parametrize("deaf", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN);"])
def test_stop_ends_the_whole_tree(deaf: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_process, "STOP_TIMEOUT_S", 0.5)
    with nothing_left(), python(FORKS.format(deaf=deaf, then="")):
        tree = children()
        assert len(tree) == 3
    assert all(gone(pid) for pid in tree)


def test_children_of_a_command_that_has_ended_go_too():
    marker = f"left-behind-{os.getpid()}"
    program = (
        "import subprocess, sys; "
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {marker!r}]); "
        "sys.exit('I give up')"
    )
    with pytest.raises(RuntimeError, match="I give up"):
        python(program).start()

    def left() -> list[psutil.Process]:
        found = psutil.process_iter(["cmdline"])
        return [process for process in found if marker in (process.info["cmdline"] or [])]

    try:
        until(lambda: not left(), 5)
    finally:
        for process in left():
            process.kill()


def test_its_output_is_kept_and_its_port_is_as_asked(capfd: pytest.CaptureFixture[str]):
    port = free_port()
    listens = (
        "import os, socket, time; print('about to listen', flush=True); "
        "s = socket.create_server(('127.0.0.1', int(os.environ['PORT']))); time.sleep(600)"
    )
    with ServerProcess([sys.executable, "-c", listens], port=port) as server:
        assert server.port == port
        assert server.last_words() == "about to listen"
        assert server.write_buffers() is None
        assert server.granted is None
    assert capfd.readouterr() == ("", "")


# between making a socket or pipe and its `with`, an interrupt leaves closing to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.003, 0.01, 0.1])
def test_an_interrupt_while_a_process_starts_leaves_nothing(delay_s: float):
    def interrupt() -> None:
        time.sleep(delay_s)
        os.kill(os.getpid(), signal.SIGINT)

    with nothing_left():
        interrupting = threading.Thread(target=interrupt)
        server = python("import time; time.sleep(600)")
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it may come at any moment
            interrupting.start()
            server.start()
        interrupting.join()


def test_the_node_of_this_environment_runs():
    assert subprocess.run([NODE, "--version"], capture_output=True, check=True).stdout[:1] == b"v"
