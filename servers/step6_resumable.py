"""Let an answer survive its reader's connection: numbered events, and a bounded replay of them.

Run it alone: python -m servers.step6_resumable
"""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, ending, failure, needs, run
from servers.cors import cors
from servers.deadlines import ask_in_time, deadlines, out_of_time, stall_limit, stream_limit
from servers.heartbeats import heartbeats
from servers.journal import journal
from servers.limits import limits, within_limits
from servers.metering import BudgetSpent, budgets, metered, spent
from servers.metrics import metrics
from servers.opening import open_stream
from servers.presence import while_reader_stays
from servers.producing import Answer, begin, producing
from servers.resuming import reading, resuming


async def produce(request: web.Request, answer: Answer) -> None:
    async with (
        metered(request) as meter,  # around the LLM, so that a refusal costs nothing
        ask_in_time(request) as stream,
    ):
        answer.accept()  # until here whatever fails is a status
        last = None
        try:
            async with stream_limit(request):
                async for last in stream:  # the next is asked for only when there is room for it
                    await answer.add(last)
                    await meter.charge()
            end = ending(last)
        except LLM_ERRORS:
            end = failure()
        except TimeoutError:
            end = out_of_time(request)
        except BudgetSpent:
            end = spent()
        await answer.end(end)


async def send(request: web.Request, answer: str, after: int = 0) -> web.StreamResponse:
    async with while_reader_stays(request), reading(request, answer, after) as frames:
        response, writer = await open_stream(request)
        async for frame in frames:  # the next is asked for only when this one is gone
            async with stall_limit(request):
                await response.write(frame)
                await writer.drain()  # write() alone waits once in 64 KiB
            await asyncio.sleep(0)  # drain() gives nobody a turn while there is room
        async with stall_limit(request):
            await response.write_eof()  # aiohttp would do it too, and wait without a limit
    return response


@needs(journal, metrics, cors, limits, deadlines, heartbeats, budgets, resuming(send), producing)
async def chat(request: web.Request) -> web.StreamResponse:
    asked = await within_limits(request)
    async with while_reader_stays(request):
        answer = await begin(asked, produce)
    return await send(request, answer)


if __name__ == "__main__":
    run(chat)
