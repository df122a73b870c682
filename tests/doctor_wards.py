"""Small servers before the doctor's probes: a good one, and what is changed in it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from servers import step3_cancelling
from servers.common import Handler, ask_llm
from workshop_lib.doctor.asking import Asking
from workshop_lib.doctor.finding import Finding, Probe
from workshop_lib.doctor.llm_env import llm_env
from workshop_lib.doctor.patient import Running
from workshop_lib.doctor.ward import QUICK, Ward
from workshop_lib.pipe.fake_llm import FakeLLM
from workshop_lib.pipe.server import ServerThread
from workshop_lib.pipe.upstream import app_of

DONE = b"data: [DONE]\n\n"
good = step3_cancelling.chat


@dataclass
class Server:
    """Streams as `step2_fixed` does, but for what a test changes."""

    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/event-stream"),)
    end: bytes = DONE
    end_when_broken: bytes = b'data: {"error": "the model broke off"}\n\n'

    def frames(self, text: str, number: int) -> list[bytes]:
        """Return what is sent for a token."""
        return [f"data: {json.dumps({'token': text})}\n\n".encode()]

    async def chat(self, request: web.Request) -> web.StreamResponse:
        stream = await ask_llm(request)
        response = web.StreamResponse(headers=dict(self.headers))
        await response.prepare(request)
        number, end = 0, self.end
        try:
            async with stream:
                async for chunk in stream:
                    if text := chunk.choices[0].delta.content:
                        for frame in self.frames(text, number):
                            await response.write(frame)
                        number += 1
        except Exception:
            end = self.end_when_broken
        await response.write(end)
        return response


@asynccontextmanager
async def ward_of(handler: Handler, **env: str) -> AsyncGenerator[Ward]:
    """Serve a handler, with the doctor's LLM before it; `env` holds its settings."""
    with (
        FakeLLM() as llm,
        ServerThread(lambda: app_of(handler, 0), env=llm_env(llm) | env) as server,
    ):
        yield Ward(Running(server.url), llm, Asking("/chat"), replace(QUICK, late_s=3.0))


async def examined(handler: Handler, *probes: Probe, **env: str) -> list[Finding]:
    """Return what each probe finds, one after the other."""
    async with ward_of(handler, **env) as ward:
        return [await asyncio.wait_for(probe.run(ward), 60) for probe in probes]
