"""What the tutorial says of servers and of their proof, each with the run that judges it."""

from workshop_lib.meter.recording import Gauges, Recording
from workshop_lib.pipe.express import writable_lengths
from workshop_lib.show.claims import Claim
from workshop_lib.show.units import count, measured, size
from workshop_lib.soak import judge_soak
from workshop_lib.verdict import judge

ALARM_BYTES = 65_536
SMALLEST_MARK_BYTES = 16_384  # Node's until version 20

SERVERS = (
    Claim(
        "01",
        "What the socket does not take waits in the server, and that grows.",
        ("01_hoard",),
        lambda runs: judge(runs["01_hoard"]).outcome == "growing",
        lambda runs: f"{size(_hoarded_bytes(runs['01_hoard']))} in {_lasted(runs['01_hoard'])}",
        right="right, once the kernel is full",
    ),
    Claim(
        "01",
        "The bytes that wait are the memory that is lost.",
        ("01_hoard",),
        lambda runs: _memory_factor(runs["01_hoard"]) < 2,
        lambda runs: f"memory grew {measured(_memory_factor(runs['01_hoard']))} times as much",
        wrong="understated",
    ),
    Claim(
        "02",
        "Waiting for the socket keeps it flat.",
        ("02_fixed", "02_broken"),
        lambda runs: judge(runs["02_fixed"]).outcome == "bounded",
        lambda runs: " against ".join(size(_hoarded_bytes(run)) for run in runs.values()),
    ),
    Claim(
        "02",
        "The pause travels back to the LLM.",
        ("02_fixed",),
        lambda runs: judge(runs["02_fixed"]).outcome == "bounded",
        lambda runs: f"it stopped after {_produced_each(runs['02_fixed']):,.0f} tokens a reader",
    ),
    Claim(
        "03",
        "Waiting for the socket is all it takes.",
        ("03_forgets",),
        lambda runs: _last(runs["03_forgets"]).wasted_tokens == 0,
        lambda runs: f"{_last(runs['03_forgets']).wasted_tokens:,} tokens for readers who had left",
        wrong="incomplete",
    ),
    Claim(
        "03",
        "In Node, the request's 'close' tells that the reader has left.",
        ("03_request_close",),
        lambda runs: _last(runs["03_request_close"]).received_tokens > 0,
        lambda runs: (
            f"nobody left, and {_last(runs['03_request_close']).received_tokens} tokens "
            "came through"
        ),
    ),
    Claim(
        "03",
        "A filter for 'AbortError' keeps aborts out of the log.",
        ("03_request_close",),
        lambda runs: _aborts(runs["03_request_close"]) == 0,
        lambda runs: f"{count(_aborts(runs['03_request_close']), 'abort')} in the log",
    ),
    Claim(
        "06",
        "On Slow 3G you see the LLM slow down.",
        ("06_small", "06_felt"),
        lambda runs: judge(runs["06_small"]).outcome == "bounded",
        lambda runs: (
            f"a stream takes {_share_of_link(runs['06_small']):.0%} of the link; events of "
            f"{size(runs['06_felt'].setup['token_bytes'])} make it {_slowed(runs['06_felt']):.1f} "
            "times slower"
        ),
        wrong="wrong, for tokens of usual size",
    ),
    Claim(
        "06",
        "autocannon shows the leak.",
        ("06_load",),
        lambda runs: _fullest_bytes(runs["06_load"]) >= SMALLEST_MARK_BYTES,
        lambda runs: f"at most {size(_fullest_bytes(runs['06_load']))} in a broken server's buffer",
    ),
    Claim(
        "06",
        "So does a load where one client in five sleeps 100 ms between reads.",
        ("06_load",),
        lambda runs: judge(runs["06_load"]).outcome == "growing",
        lambda runs: f"the sleepers got {_share_of_sleepers(runs['06_load']):.0%} of their tokens",
    ),
    Claim(
        "06",
        "A write buffer above 64 KB means that nobody waits for drain.",
        ("06_healthy",),
        lambda runs: _fullest_bytes(runs["06_healthy"]) <= ALARM_BYTES,
        lambda runs: f"a healthy server stands at {_fullest_bytes(runs['06_healthy']):,} bytes",
        wrong="wrong limit",
    ),
    Claim(
        "06",
        "Five minutes under load show whether it grows.",
        ("06_soaked",),
        lambda runs: judge_soak(runs["06_soaked"]).outcome == "bounded",
        lambda runs: judge_soak(runs["06_soaked"]).evidence.partition(", of")[0],
        right="right, with stalled readers and a margin of error",
    ),
)


def _last(run: Recording) -> Gauges:
    return run.samples[-1].group()


def _hoarded_bytes(run: Recording) -> int:
    return run.samples[-1].group(["stalled"]).hoarded_bytes or 0


def _lasted(run: Recording) -> str:
    return f"{run.samples[-1].t_s:.0f} s"


def _memory_factor(run: Recording) -> float:
    return (run.samples[-1].rss_bytes or 0) / max(1, _hoarded_bytes(run))


def _produced_each(run: Recording) -> float:
    stalled = run.samples[-1].group(["stalled"])
    return stalled.produced_tokens / max(1, stalled.readers)


def _aborts(run: Recording) -> int:
    return run.printed.count("aborted")


def _share_of_link(run: Recording) -> float:
    """Return which share of its link a reader's stream takes."""
    got, lasted_s = _last(run).received_bytes / run.setup["readers"], run.samples[-1].t_s
    return got / lasted_s / run.setup["link"]["bytes_per_s"]


def _slowed(run: Recording) -> float:
    """Return how many times as much the LLM would have produced without its readers' link."""
    due = run.setup["tokens_per_s"] * run.samples[-1].t_s * run.setup["readers"]
    return due / max(1, _last(run).produced_tokens)


def _fullest_bytes(run: Recording) -> int:
    return max(writable_lengths(run.printed), default=0)


def _share_of_sleepers(run: Recording) -> float:
    sleepers = run.samples[-1].group([habit for habit in run.setup["mix"] if "sleeper" in habit])
    return sleepers.received_tokens / max(1, sleepers.produced_tokens)
