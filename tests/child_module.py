"""A child for test_child.py: it does what its configuration says."""

import asyncio
import os
import signal
import sys
import time
from typing import Any

import psutil

from workshop_lib.pipe.child import messages, report


def surroundings() -> dict[str, Any]:
    """Return what a process has from its parent, and what should be its own."""
    return {
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "files": psutil.Process().rlimit(psutil.RLIMIT_NOFILE),
        "session": os.getsid(0) == os.getpid(),
        "streams": sorted(os.path.basename(os.readlink(f"/proc/self/fd/{n}"))[:4] for n in (0, 1)),
        "open": sorted(map(int, os.listdir("/proc/self/fd"))),
        "children_are_waited_for": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "name": psutil.Process().name(),
    }


async def main() -> None:
    inbox = messages()
    config = await anext(inbox)
    match config["do"]:
        case "fail":
            raise ValueError("the well is dry")
        case "exit":
            sys.exit("port 1 is taken")
        case "chatter":
            print("a library prints", flush=True)
        case "sleep":
            await asyncio.sleep(60)
        case "quit":
            return
        case "tell":
            report(surroundings())
            return
    report({"ready": os.getpid()})
    if config["do"] == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)  # noqa: ASYNC251 - it shall not notice that its input closes
    async for message in inbox:
        report({"echo": message})


asyncio.run(main())
