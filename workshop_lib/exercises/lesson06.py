"""Lesson 06: an alarm on write buffers; the load that tells."""

from workshop_lib.exercises.checks.alarm import judge_alarm
from workshop_lib.exercises.checks.loads import judge_load
from workshop_lib.exercises.contract import Exercise


def my_alarm(looks: list[int]) -> bool:
    return looks[-1] > 65_536


def growth_alarm(looks: list[int]) -> bool:
    half = len(looks) // 2
    return max(looks[half:]) > 1.5 * max(looks[:half])


write_the_alarm = Exercise(
    name="write_the_alarm",
    task=(
        "Change the alarm so that it rings for a write buffer that grows, and for no other. It "
        "gets the looks at one connection so far, in bytes, the newest last; it is asked again at "
        "every look. A healthy buffer has reached its high-water mark in the first half of them."
    ),
    starter=my_alarm,
    answer=growth_alarm,
    hints=(
        "Which servers of this lesson would the starter ring for, and which of them is broken?",
        "A healthy buffer that is full stands still, give or take an event. A broken one holds "
        "twice as much at the end as it did at half time.",
        "max(looks[:half]) and max(looks[half:]) are two figures to compare. Leave a margin: a "
        "buffer at its mark goes up and down by an event.",
    ),
    judge=judge_alarm,
)

choose_the_load = Exercise(
    name="choose_the_load",
    task=(
        "Choose the load that tells a broken server from a fixed one. The check runs it against "
        "step1_broken and step3_cancelling."
    ),
    starter=None,
    answer="e",
    hints=(
        "What has to happen between a server and its reader before anything waits in the server?",
        "Four of the five loads never fill the sockets. How many bytes a second does a stream of "
        "tokens make, and how many would each of these readers, sockets or links take?",
        "A reader must stop, and the sockets must be small enough to be full before the run ends.",
    ),
    judge=judge_load,
    variable="my_load",
)
