"""Wrong answers to the two exercises of lesson 01, with what is said of them."""

import time
from types import ModuleType

from servers import step1_broken
from workshop_lib.experiment import KERNELS_OWN, Experiment


def only_smaller_buffers(server: ModuleType) -> Experiment:
    mix = {"sleeper:1024:0.1": 0.2, "steady": 0.8}
    return Experiment(server, readers=50, mix=mix, tokens_per_s=10, seconds=20)


def only_steady_readers(server: ModuleType) -> Experiment:
    return Experiment(server, readers=50, mix={"steady": 1}, seconds=16)


def stalls_before_the_kernel(server: ModuleType) -> Experiment:
    mix = {"stalled": 0.2, "steady": 0.8}
    return Experiment(server, readers=50, mix=mix, seconds=16, buffers=KERNELS_OWN)


def short_answers(server: ModuleType) -> Experiment:
    return Experiment(server, answer_tokens=100, seconds=16)


def too_short_a_run(server: ModuleType) -> Experiment:
    return Experiment(server, seconds=10)


def no_run_at_all(server: ModuleType) -> Experiment:
    return Experiment(server, seconds=2)


def more_readers_than_allowed(server: ModuleType) -> Experiment:
    return Experiment(server, readers=5000)


def an_hour(server: ModuleType) -> Experiment:
    return Experiment(server, seconds=3600)


def always_the_same(server: ModuleType) -> Experiment:
    return Experiment(step1_broken if server else server)


def no_such_habit(server: ModuleType) -> Experiment:
    return Experiment(server, mix={"slow": 1})


def forgets_to_return(server: ModuleType) -> None:
    Experiment(server, mix={"stalled": 0.5, "steady": 0.5})


def no_such_setting(server: ModuleType) -> Experiment:
    return Experiment(server, crowd=50)  # type: ignore[call-arg]


def users_for_readers(server: ModuleType) -> Experiment:
    return Experiment(server, users=50)  # type: ignore[arg-type]


def runs_for_ever(server: ModuleType) -> Experiment:
    while True:
        time.sleep(0.01)
    return Experiment(server)


LOAD_TESTS = {
    only_smaller_buffers: "they keep up, and nothing has to wait",
    only_steady_readers: "its verdict is unclear: every reader kept up",
    stalls_before_the_kernel: "The kernel's own buffers take megabytes for each reader",
    short_answers: "answers came to an end. Let the answers outlast the run",
    too_short_a_run: "10 seconds were not enough to fill the sockets",
    no_run_at_all: "the run was too short",
    more_readers_than_allowed: "asks for readers=5000. Take more than 0 and at most 100",
    an_hour: "asks for seconds=3600. Take more than 0 and at most 30",
    always_the_same: "was given servers.step2_fixed and tests step1_broken",
    no_such_habit: "'slow' is no habit of a reader. Possible are",
    forgets_to_return: "returned None. End it with `return Experiment(server, ...)`",
    no_such_setting: "got an unexpected keyword argument 'crowd', in line {line} of your code",
    users_for_readers: "readers=50 says how many readers come, in line {line} of your code",
    runs_for_ever: "still busy after 3 s, in line {line} of your code: `time.sleep(0.01)`",
    42: "Give it your function, by its name",
}

# of the right number of minutes, so that they are wrong in the same way on every machine
MINUTES = {
    60.0: "That looks like seconds",
    1 / 60: "That looks like hours",
    6.4: "That counts the token's text only",
    30.0: "That looks like one token a second",
    10.0: "It would be shorter than",
    0.2: "It would be longer than",
}
NO_MINUTES = {"an hour": "Give it a number of minutes", 0: "above 0", True: "above 0"}
