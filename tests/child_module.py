"""A child for test_child.py: it does what its configuration says."""

import asyncio
import os
import signal
import sys
import time

from workshop_lib.pipe.child import messages, report


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
    report({"ready": os.getpid()})
    if config["do"] == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)  # noqa: ASYNC251 - it shall not notice that its input closes
    async for message in inbox:
        report({"echo": message})


asyncio.run(main())
