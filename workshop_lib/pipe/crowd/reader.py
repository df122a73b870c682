"""One reader: connects, asks, and carries out the moves of its habit on a raw socket."""

import asyncio
import time

from workshop_lib.pipe.crowd.answer import Answer, NoAnswer
from workshop_lib.pipe.crowd.asking import Plan, answer_of, in_words, send_aside
from workshop_lib.pipe.crowd.clock import Clock
from workshop_lib.pipe.crowd.habits import (
    Habit,
    Leave,
    Read,
    Return,
    Seen,
    Stall,
    Steady,
    Stop,
    Wait,
)
from workshop_lib.pipe.crowd.line import Gate, Line
from workshop_lib.pipe.crowd.mix import text_of
from workshop_lib.pipe.crowd.row import ReaderRow, State
from workshop_lib.pipe.sockets import connecting_socket


class Reader:
    """Follows a plan; every byte it takes is counted before anything else may happen."""

    def __init__(self, plan: Plan, gate: Gate) -> None:
        self._plan = plan
        self._gate = gate
        self._habit_text = text_of(plan.habit)
        self._crowd_began_s = 0.0
        self._answer = answer_of(plan)
        self._line = Line(connecting_socket(plan.rcvbuf), gate)
        self._state: State = "connecting"
        self._problem: str | None = None
        self._local_port: int | None = None
        self._started_s: float | None = None
        self._first_token_s: float | None = None
        self._seen = Seen()

    async def run(self, crowd_began_s: float) -> None:
        """Read to the end; after stalling or leaving it returns too. Never raises."""
        self._crowd_began_s = crowd_began_s
        try:
            await asyncio.sleep(self._plan.begin_s)
            await self._gate.passed()
            self._started_s = self._now_s()
            await self._ask()
            await self._read()
        except ConnectionRefusedError:
            call = self._plan.call
            self._fail(
                f"nobody listens on {call.host}:{call.port}: start the server, or correct the port"
            )
        except (OSError, NoAnswer) as problem:
            self._fail(in_words(problem))

    def close(self) -> None:
        """Close the socket, whatever the state."""
        self._line.close()

    def row(self) -> ReaderRow:
        """Return the counters as they are now."""
        if self._state == "stalled" and (broken := self._line.problem()):
            self._fail(in_words(broken))
        plan, body, habit = self._plan, self._answer.body, self._plan.habit
        clock_s = self._line.clock.now_s
        return ReaderRow(
            plan.reader,
            self._habit_text,
            plan.prompt,
            self._local_port,
            self._state,
            self._answer.status,
            body.order.violation or True,
            body.complete,
            # that its answer has been stopped is what a stopper has asked for
            self._problem or (None if self._state == "stopped" else self._answer.error),
            self._started_s,
            self._first_token_s,
            body.order.tokens,
            body.order.highest_token,
            self._line.wire_bytes,
            body.bytes,
            habit.due_bytes(clock_s) if isinstance(habit, Steady) and habit.bytes_per_s else None,
        )

    async def _ask(self) -> None:
        self._local_port = await self._line.connect(self._plan.call.address, self._plan.call.port)
        await self._gate.passed()
        await self._line.send(self._answer.request)
        self._state = "reading"
        while self._answer.status is None:
            self._answer.feed(await self._line.receive_head())
        await self._line.send(self._answer.opening)
        self._line.clock = Clock()
        self._line.clock.go()

    async def _read(self) -> None:
        self._moves = self._habit().moves(self._seen)
        self._advance()
        while not self._answer.ended:
            match self._move:
                case Read(max_bytes):
                    await self._line.receive(max_bytes, self._take)
                case Wait(delay_s):
                    await self._line.pause(delay_s)
                    self._advance()
                case Stall():
                    self._state = "stalled"
                    return
                case Stop():
                    await self._stop()
                    self._advance()
                case Return():
                    await self._return()
                    self._advance()
                case Leave(how):
                    await self._gate.passed()
                    self._state = "left"
                    self._line.close(reset=how == "reset")
                    return
        if self._state != "stopped":
            self._state = "failed" if self._answer.error else "done"
        self._line.close()

    async def _stop(self) -> None:
        await self._gate.passed()
        await self._line.send(self._answer.stopping)
        self._state = "stopped"
        if request := self._answer.end_request:
            await send_aside(self._plan.call, request)

    async def _return(self) -> None:
        await self._gate.passed()
        self._line.close(reset=True)
        taken_bytes = self._line.wire_bytes
        self._line = Line(connecting_socket(self._plan.rcvbuf), self._gate)
        self._line.wire_bytes = taken_bytes
        assert isinstance(self._answer, Answer)
        self._answer = self._answer.again()
        await self._ask()

    def _habit(self) -> Habit:
        """An error's body is short, and is read whole whatever the habit."""
        return Steady() if (self._answer.status or 0) >= 400 else self._plan.habit

    def _advance(self) -> None:
        self._seen.clock_s = self._line.clock.now_s
        self._move = next(self._moves)

    def _take(self, data: bytes) -> int:
        """Count what came, and say how much the habit reads next without waiting."""
        body, seen = self._answer.body, self._seen
        self._answer.feed(data)
        if self._first_token_s is None and body.order.tokens:
            self._first_token_s = self._now_s()
        seen.body_bytes, seen.tokens = body.bytes, body.order.tokens
        self._advance()
        if isinstance(self._move, Read) and not self._answer.ended:
            return self._move.max_bytes
        return 0

    def _fail(self, problem: str) -> None:
        self._state, self._problem = "failed", problem
        self._line.close()

    def _now_s(self) -> float:
        return time.monotonic() - self._crowd_began_s
