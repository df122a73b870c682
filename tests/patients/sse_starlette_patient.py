"""sse-starlette on uvicorn: it makes the events, sends pings, and sees readers leave."""

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.patients.framing import SSE
from tests.patients.relay import HEADERS, Refused, begin, lifespan, prompt_of
from tests.patients.uvicorn_run import run


async def chat(request: Request) -> Response:
    try:
        pieces = await begin(request.state.client, prompt_of(await request.json()), SSE)
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)
    return EventSourceResponse(pieces, headers=HEADERS)  # it sends bytes as they are


app = Starlette(routes=[Route("/chat", chat, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    run(app)
