"""Starlette on uvicorn: a generator in a StreamingResponse."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.patients.framing import NDJSON, OPENAI, SSE, TEXT, TYPED, Framing
from tests.patients.relay import HEADERS, Refused, begin, lifespan, prompt_of
from tests.patients.uvicorn_run import run

FRAMINGS = {
    "/chat": SSE,
    "/v1/chat/completions": OPENAI,
    "/typed": TYPED,
    "/ndjson": NDJSON,
    "/text": TEXT,
}


async def answer(request: Request, framing: Framing) -> Response:
    prompt = prompt_of(await request.json())
    try:
        pieces = await begin(request.state.client, prompt, framing)
    except Refused as refused:
        return JSONResponse(refused.body, refused.status)
    return StreamingResponse(pieces, media_type=framing.media_type, headers=HEADERS)


def route(path: str, framing: Framing) -> Route:
    async def chat(request: Request) -> Response:
        return await answer(request, framing)

    return Route(path, chat, methods=["POST"])


app = Starlette(routes=[route(*one) for one in FRAMINGS.items()], lifespan=lifespan)

if __name__ == "__main__":
    run(app)
