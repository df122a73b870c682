"""What Locust loads: its user is one reader of the crowd."""

# pyright: reportUnknownMemberType=false
# Locust types neither its events' arguments nor a worker's index.
import logging
import sys
from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, ClassVar

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI

# its import adds the options to Locust's
import workshop_lib.load.options  # noqa: F401  # pyright: ignore[reportUnusedImport]
from workshop_lib.doctor.hosts import NotAllowed
from workshop_lib.load.ending import report_at_once, stop_before_quitting, write_last_figures
from workshop_lib.load.figures import Figure, Figures
from workshop_lib.load.guard import guard
from workshop_lib.load.mix import dealt
from workshop_lib.load.plan import Plan
from workshop_lib.load.reader import Reader
from workshop_lib.pipe.crowd.mix import habit_of

BAD_INPUT = 2

events.test_stop.add_listener(report_at_once)
events.quitting.add_listener(write_last_figures)


class StreamReader(User):
    """Asks, reads by its habit, pauses, and asks again."""

    allowed: ClassVar[Sequence[str]] = ()
    plan: ClassVar[Plan | None] = None
    habits: ClassVar[Iterator[str]] = iter(())
    numbers: ClassVar[Iterator[str]] = iter(())

    def on_start(self) -> None:
        if self.plan is None:
            raise StopUser
        self.habit = next(self.habits)

    def wait_time(self) -> float:
        return self.plan.pause_s if self.plan else 0.0

    @task
    def read(self) -> None:
        assert self.plan
        prompt = self.plan.prompt.replace("{k}", next(self.numbers))
        figures = Figures(self._tell, self.plan.stall_s)
        Reader(self.plan, habit_of(self.habit), prompt, figures).run()

    def _tell(
        self, figure: Figure, time_ms: float | None, size_bytes: int, problem: str | None
    ) -> None:
        self.environment.events.request.fire(
            request_type=figure,
            name=self.habit,
            response_time=time_ms,
            response_length=size_bytes,
            exception=problem,
            context={},
        )


@events.init.add_listener
def prepare(environment: Environment, runner: Runner, web_ui: WebUI | None, **_: Any) -> None:
    """Keep whom this very command allows: a master sends its own options to its workers."""
    options = environment.parsed_options
    assert options
    StreamReader.allowed = tuple(options.allow_host)
    if isinstance(runner, MasterRunner):
        stop_before_quitting(runner)
    if web_ui:
        guard(web_ui, environment, StreamReader.allowed)
    if (options.headless or environment.host) and not isinstance(runner, WorkerRunner):
        try:
            plan_of(environment)
        except (NotAllowed, ValueError) as problem:
            print(f"Cannot begin. {problem}", file=sys.stderr)
            sys.exit(BAD_INPUT)


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """Read the options as they are by now; who may not load this host ends, and says so."""
    runner = environment.runner
    assert runner
    index = int(runner.worker_index) if isinstance(runner, WorkerRunner) else 0  # pyright: ignore[reportUnknownArgumentType]
    StreamReader.plan = None
    try:
        plan = StreamReader.plan = plan_of(environment)
    except (NotAllowed, ValueError) as problem:
        logging.getLogger(__name__).error("Cannot begin. %s", problem)
        environment.events.user_error.fire(user_instance=None, exception=problem, tb=None)
        environment.process_exit_code = BAD_INPUT
        gevent.spawn(runner.quit)
    else:
        StreamReader.habits = islice(dealt(plan.shares), index, None)
        StreamReader.numbers = (f"{index}.{number}" for number in count())


def plan_of(environment: Environment) -> Plan:
    return Plan.of(environment.host or "", vars(environment.parsed_options), StreamReader.allowed)
