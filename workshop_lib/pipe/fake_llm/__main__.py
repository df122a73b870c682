"""The fake LLM by hand: python -m workshop_lib.pipe.fake_llm --tokens-per-s 5."""

import argparse
import asyncio
import sys
from dataclasses import fields

from workshop_lib.pipe.fake_llm.knobs import Answer, KnobError, possible
from workshop_lib.pipe.fake_llm.process import DEFAULT_SNDBUF_BYTES, environment
from workshop_lib.pipe.fake_llm.serve import serving


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser("python -m workshop_lib.pipe.fake_llm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--sndbuf", type=int, default=DEFAULT_SNDBUF_BYTES, help="0: the kernel's")
    for knob in fields(Answer):
        option = "--" + knob.name.replace("_", "-")
        text = f"{possible(knob.name)} Default: {knob.default!r}"
        parser.add_argument(option, default=knob.default, help=text)
    given = vars(parser.parse_args())
    port, sndbuf = given.pop("port"), given.pop("sndbuf")
    try:
        asyncio.run(serve_terminal(Answer().changed(given), port, sndbuf))
    except KnobError as problem:
        parser.error(str(problem))
    except OSError as problem:
        sys.exit(str(problem.strerror))
    except KeyboardInterrupt:
        pass


async def serve_terminal(answer: Answer, port: int, sndbuf: int) -> None:
    """Print where it listens, and what to tell a server that shall use it."""
    async with serving(answer, port, sndbuf) as (at_port, granted_bytes):
        print(f"# The fake LLM listens; each connection may send {granted_bytes} bytes ahead.")
        for name, value in environment(at_port).items():
            print(f"export {name}={value}")
        print("# Stop it with Ctrl-C.", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    main()
