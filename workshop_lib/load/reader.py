"""One reader under gevent: asks once, and carries out the moves of its habit on a raw socket."""

import math
import time

import gevent

from workshop_lib.load.figures import Figures
from workshop_lib.load.line import GivenUp, Line, send_aside
from workshop_lib.load.plan import Plan
from workshop_lib.pipe.crowd.answer import Answer, NoAnswer
from workshop_lib.pipe.crowd.asking import in_words
from workshop_lib.pipe.crowd.clock import Clock
from workshop_lib.pipe.crowd.habits import (
    Habit,
    Leave,
    Move,
    Read,
    Return,
    Seen,
    Stall,
    Steady,
    Stop,
    Wait,
)
from workshop_lib.pipe.sockets import connecting_socket

LOOK_EVERY_S = 0.5


class Reader:
    """Reads one answer, tells its figures, and leaves no socket, also when it is killed."""

    def __init__(self, plan: Plan, habit: Habit, prompt: str, figures: Figures) -> None:
        self._plan, self._habit, self._figures = plan, habit, figures
        self._answer = plan.answer(habit, prompt)
        self._answer.body = self._body = plan.body()
        self._line = Line(connecting_socket(plan.rcvbuf))
        self._seen = Seen()
        self._wants_all = True
        self._waited_s = 0.0  # for the next token

    def run(self) -> None:
        """Ask, and read until the answer or the reader's interest in it ends."""
        try:
            self._ask()
            self._read()
        except gevent.GreenletExit:
            self._figures.left_open(self._line.wire_bytes)
            raise
        except GivenUp:
            self._end(f"given up: no token for {self._plan.patience_s:g} s")
        except ConnectionRefusedError:
            self._end("not connected: nobody listens there")
        except (OSError, NoAnswer, ValueError) as problem:
            self._end(f"cut: {in_words(problem)}")
        else:
            self._end(self._problem())
        finally:
            self._line.close()

    def _end(self, problem: str | None) -> None:
        self._figures.ended(self._line.wire_bytes, problem)

    def _problem(self) -> str | None:
        """Say what is wrong with an answer that has ended by itself."""
        if not self._wants_all:
            return None
        if error := self._answer.error:
            return f"refused: {error}" if _refused(self._answer) else f"error: {error}"
        if not self._body.complete:
            return f"cut: it ended without {self._plan.end_mark}"
        violation = self._body.order.violation if self._plan.numbered else None
        return violation and f"out of order: {violation}"

    def _ask(self) -> None:
        call = self._plan.call
        self._line.connect(call.address, call.port, self._patience_s)
        self._line.send(self._answer.request, self._patience_s)
        while self._answer.status is None:
            began_s = time.monotonic()
            self._answer.feed(self._line.receive_head(self._patience_s))
            self._waited_s += time.monotonic() - began_s
        self._figures.head_came(self._line.wire_bytes)
        self._line.clock = Clock()
        self._line.clock.go()

    def _read(self) -> None:
        # an error's body is short, and is read whole whatever the habit
        habit = Steady() if _refused(self._answer) else self._habit
        moves = habit.moves(self._seen)
        while not self._answer.ended:
            self._seen.clock_s = self._line.clock.now_s
            self._make(next(moves))

    def _make(self, move: Move) -> None:
        match move:
            case Read(max_bytes):
                self._take(max_bytes)
            case Wait(delay_s):
                self._figures.paused()
                gevent.sleep(delay_s)
            case Stall():
                self._stall()
            case Stop():
                self._stop()
            case Return():
                self._return()
            case Leave(how):
                self._line.close(reset=how == "reset")
                self._wants_all, self._answer.ended = False, True

    def _take(self, max_bytes: int) -> None:
        """Read; nothing may come between the bytes and their count."""
        began_s = time.monotonic()
        self._answer.feed(self._line.receive(max_bytes, self._patience_s))
        self._waited_s += time.monotonic() - began_s
        if self._body.tokens > self._seen.tokens:
            self._waited_s = 0.0
        self._seen.body_bytes, self._seen.tokens = self._body.bytes, self._body.tokens
        self._figures.tokens_came(self._body.tokens, self._line.wire_bytes)

    def _stall(self) -> None:
        """Never read again; that the server has let go shows without reading."""
        self._figures.paused()
        while not (problem := self._line.problem()):
            gevent.sleep(LOOK_EVERY_S)
        raise problem

    def _stop(self) -> None:
        """Say on a connection of its own that no more is wanted; what still comes is read."""
        self._wants_all = False
        if request := self._answer.end_request:
            send_aside(self._plan.call, request, self._patience_s)

    def _return(self) -> None:
        taken_bytes = self._line.wire_bytes
        self._line.close(reset=True)
        self._figures.paused()
        self._line = Line(connecting_socket(self._plan.rcvbuf))
        self._line.wire_bytes = taken_bytes
        self._answer = self._answer.again()
        self._ask()

    @property
    def _patience_s(self) -> float:
        return self._plan.patience_s - self._waited_s if self._plan.patience_s else math.inf


def _refused(answer: Answer) -> bool:
    return (answer.status or 0) >= 400
