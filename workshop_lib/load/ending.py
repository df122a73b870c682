"""What is counted last is not lost, between worker and master and on the way to the CSV."""

# pyright: reportUnknownMemberType=false
# Locust does not type its events' arguments.
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import CSV_STATS_INTERVAL_SEC


def report_at_once(environment: Environment, **_: Any) -> None:
    """Let a worker's last figures reach the master before the word that it has stopped."""
    if isinstance(runner := environment.runner, WorkerRunner):
        report: dict[str, Any] = {}
        environment.events.report_to_master.fire(client_id=runner.client_id, data=report)
        runner.send_message("stats", report)


def stop_before_quitting(runner: MasterRunner) -> None:
    """Let all readers end before the workers do.

    Locust's master leaves its workers half a second to end and to report, and drops what comes
    later: of two workers with a thousand readers each it lost one's last report.
    """
    quit_at_once = runner.quit

    def stop_and_quit() -> None:
        runner.stop()  # waits until no reader is left
        quit_at_once()

    runner.quit = stop_and_quit


def write_last_figures(environment: Environment, **_: Any) -> None:
    """Give Locust's CSV its last rows: it writes them every second, and none when it closes."""
    runner, options = environment.runner, environment.parsed_options
    assert runner and options
    if options.csv_prefix and not isinstance(runner, WorkerRunner):
        runner.quit()  # the workers' last figures come with it
        gevent.sleep(1.5 * CSV_STATS_INTERVAL_SEC)
