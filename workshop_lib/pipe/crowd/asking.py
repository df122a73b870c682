"""What a reader is to do, how it asks for it, and what is said when that fails."""

import asyncio
from dataclasses import dataclass

from workshop_lib.pipe.crowd.answer import Answer, NoAnswer
from workshop_lib.pipe.crowd.call import Call
from workshop_lib.pipe.crowd.dialogue import Dialogue
from workshop_lib.pipe.crowd.habits import Habit, Returner


@dataclass(frozen=True)
class Plan:
    """What one reader does and when it begins (seconds after the crowd)."""

    reader: int
    habit: Habit
    prompt: str
    call: Call
    rcvbuf: int
    begin_s: float
    end_mark: str


async def send_aside(call: Call, request: bytes) -> None:
    """Send a second request, on a connection of its own, and wait until it is answered."""
    reader, writer = await asyncio.open_connection(call.address, call.port)
    writer.write(request)
    await reader.readline()
    writer.close()


def answer_of(plan: Plan) -> Answer | Dialogue:
    """Return what will follow the answer to a plan's request."""
    if plan.call.websocket:
        return Dialogue(plan.call, plan.prompt, plan.end_mark)
    return Answer(plan.call, plan.prompt, plan.end_mark, isinstance(plan.habit, Returner))


def in_words(problem: Exception) -> str:
    """Say what has broken a connection."""
    if isinstance(problem, ConnectionResetError | BrokenPipeError):
        return "connection reset by the server"
    return str(problem) if isinstance(problem, NoAnswer) else f"the connection broke ({problem})"
