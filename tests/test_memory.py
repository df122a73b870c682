"""Memory is what a process holds above what it held before."""

import os
import subprocess
import sys

from tests.mechanism import until
from workshop_lib.meter.memory import Memory, trim

MIB = 2**20
GROWS = """
input()
held = bytearray(64 * 2**20)
print("holds", flush=True)
input()
"""


def test_it_counts_from_the_baseline():
    memory = Memory(os.getpid())
    held = bytearray(b"x" * 64 * MIB)
    above = memory.rss_bytes()
    assert above is not None
    assert len(held) * 0.9 < above < len(held) * 2


def test_it_sees_another_process_and_its_end():
    process = subprocess.Popen(
        [sys.executable, "-c", GROWS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    memory = Memory(process.pid)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "holds\n"
    above = memory.rss_bytes()
    assert above is not None
    assert above > 60 * MIB
    process.communicate("\n")
    assert memory.rss_bytes() is None


def test_trim_gives_freed_memory_back():
    memory = Memory(os.getpid())
    pieces = [bytes(1000) for _ in range(60_000)]  # too small for an mmap of their own
    pinned = bytes(1000)
    held = memory.rss_bytes() or 0
    assert held > 50 * MIB
    pieces.clear()
    trim()
    assert (memory.rss_bytes() or 0) < held / 2
    assert pinned


def test_a_baseline_is_taken_after_trimming():
    memory = Memory(os.getpid())
    pieces = [bytes(1000) for _ in range(60_000)]
    pinned = bytes(1000)
    pieces.clear()
    again = Memory(os.getpid())
    more = bytearray(b"x" * 20 * MIB)
    assert pinned
    # a baseline with the freed pieces in it would swallow the growth
    until(lambda: (again.rss_bytes() or 0) > len(more) * 0.8, 2)
    assert memory.rss_bytes() is not None
