"""Serve the public: honest before the start, alive while silent, done with whoever takes nothing.

Run it alone: python -m servers.step4_production
"""

import asyncio

from aiohttp import web

from servers.common import LLM_ERRORS, ending, event_of, failure, needs, run
from servers.cors import cors
from servers.deadlines import ask_in_time, deadlines, out_of_time, stall_limit, stream_limit
from servers.heartbeats import HEARTBEAT, WithHeartbeats, heartbeats
from servers.journal import journal
from servers.limits import limits, within_limits
from servers.metrics import metrics
from servers.opening import open_stream
from servers.presence import while_reader_stays


@needs(journal, metrics, cors, limits, deadlines, heartbeats)
async def chat(request: web.Request) -> web.StreamResponse:
    request = await within_limits(request)
    async with while_reader_stays(request), ask_in_time(request) as stream:
        response, writer = await open_stream(request)  # until here whatever fails is a status
        last = None
        try:
            async with stream_limit(request), WithHeartbeats(request, stream) as chunks:
                async for chunk in chunks:  # the next is asked for only when this one is gone
                    async with stall_limit(request):
                        await response.write(event_of(chunk) if chunk else HEARTBEAT)
                        await writer.drain()  # write() alone waits once in 64 KiB
                    await asyncio.sleep(0)  # drain() gives nobody a turn while there is room
                    last = chunk or last
            end = ending(last)
        except LLM_ERRORS:
            end = failure()
        except TimeoutError:
            end = out_of_time(request)
        async with stall_limit(request):
            await response.write_eof(end)  # aiohttp would do it too, and wait without a limit
    return response


if __name__ == "__main__":
    run(chat)
