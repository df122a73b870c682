"""Exercises of lesson 08: name the causes, and tell bursts from a flow."""

from itertools import pairwise

from workshop_lib.cases.case import CASES
from workshop_lib.exercises.checks.bursts import judge_bursts
from workshop_lib.exercises.checks.suspicion import judge_causes
from workshop_lib.exercises.contract import Exercise


def my_bursts(arrivals: list[tuple[float, int]]) -> bool:
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(arrivals)]
    return max(gaps, default=0) > 0.2


def bursts(arrivals: list[tuple[float, int]]) -> bool:
    sizes, last_s = [0], 0.0
    for t_s, tokens in arrivals:
        if t_s - last_s > 0.01:
            sizes.append(0)
        sizes[-1] += tokens
        last_s = t_s
    return sum(size for size in sizes if size > 10) > sum(sizes) / 2


name_the_causes = Exercise(
    name="name_the_causes",
    task="Name the cause of each case, by its name in the list of causes.",
    starter="\n" + "".join(f"{letter}:\n" for letter in CASES),
    answer="\n" + "".join(f"{letter}: {case.cause}\n" for letter, case in CASES.items()),
    hints=(
        "Ask of each measurement: is it as it would be with nothing broken? Cases A and B show "
        "what that is, each for the other.",
        "Compare the browser with the server's own port first. What differs between the two "
        "happens on the way, or in the browser.",
        "Then look for what an answer's reader cannot see: the server's queues, and what the LLM "
        "went on to produce for those who left.",
    ),
    judge=judge_causes,
    variable="my_causes",
)

tell_bursts = Exercise(
    name="tell_bursts",
    task=(
        "Return True when most tokens of an answer came in bursts, and False when they flowed. An "
        "arrival is one read: when it returned, in seconds, and the tokens in it, which may be 0."
    ),
    starter=my_bursts,
    answer=bursts,
    hints=(
        "A slow LLM makes long gaps and no bursts. What follows a gap is what counts.",
        "Put arrivals together that have next to no time between them, 10 ms say, and add up "
        "their tokens.",
        "A busy machine makes a burst of a few tokens now and then. Let those count that are "
        "larger, and compare their tokens with all.",
    ),
    judge=judge_bursts,
)
