"""Numbered tokens are found in every framing, and what happened to them is seen."""

import json
from collections.abc import Callable

import pytest

from workshop_lib.doctor.channel import Channel, channel_of
from workshop_lib.doctor.frames import frames_of, framing_of
from workshop_lib.pipe.tokens import token_text

TOKENS = [token_text(n, 8, multibyte=True) for n in range(12)]


def sse(data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


def whole(text: str) -> str:
    return "".join(TOKENS[: TOKENS.index(text) + 1])


FRAMINGS: dict[str, tuple[str, Callable[[str], str], str]] = {
    "JSON in events": ("sse", lambda text: sse({"token": text}), "data: [DONE]\n\n"),
    "bare text in events": ("sse", lambda text: f"data: {text}\n\n", "data: [DONE]\n\n"),
    "JSON strings in events": ("sse", sse, "event: end\ndata:\n\n"),
    "typed events, CRLF": (
        "sse",
        lambda text: f"event: token\r\ndata: {json.dumps({'text': text})}\r\n\r\n",
        "event: done\r\ndata: {}\r\n\r\n",
    ),
    "with heartbeats": ("sse", lambda text: f": ping\n\n{sse({'token': text})}", ""),
    "OpenAI's chunks": ("sse", lambda text: sse({"choices": [{"delta": {"content": text}}]}), ""),
    "AI SDK's parts": (
        "sse",
        lambda text: sse({"type": "text-delta", "id": "1", "delta": text}),
        sse({"type": "finish"}),
    ),
    "a summary at the end": (
        "sse",
        lambda text: sse({"type": "delta", "text": text}),
        sse({"type": "final", "text": "".join(TOKENS)}),
    ),
    "a letter an event": ("sse", lambda text: "".join(sse({"t": one}) for one in text), ""),
    "snapshots": ("sse", lambda text: sse({"text": whole(text)}), ""),
    "NDJSON": ("ndjson", lambda text: json.dumps({"token": text}) + "\n", '{"done": true}\n'),
    "a JSON array": ("ndjson", lambda text: f'[{{"token": {json.dumps(text)}}}\n,', "]"),
    "AI SDK's data stream": ("parts", lambda text: f"0:{json.dumps(text)}\n", 'd:{"f": "stop"}\n'),
    "plain text": ("text", lambda text: text, ""),
}


def read(body: bytes, piece_bytes: int, content_type: str = "") -> Channel:
    starts = range(0, len(body), piece_bytes)
    pieces = [(float(at), body[at : at + piece_bytes]) for at in starts]
    return channel_of(frames_of(framing_of(content_type, pieces), pieces))


@pytest.mark.parametrize("piece_bytes", [1, 7, 100_000])
@pytest.mark.parametrize("name", FRAMINGS)
def test_all_tokens_are_found_whatever_the_framing_and_wherever_it_is_cut(name, piece_bytes):
    framing, frame, end = FRAMINGS[name]
    body = ("".join(map(frame, TOKENS)) + end).encode()
    assert framing_of("", [(0.0, body)]) == framing
    channel = read(body, piece_bytes)
    assert channel.numbers == tuple(range(12))
    assert channel.violation is None
    assert "".join(TOKENS) in channel.text
    assert not channel.loose


@pytest.mark.parametrize("name", [name for name in FRAMINGS if name != "snapshots"])
@pytest.mark.parametrize(
    ("tokens", "violation"),
    [
        ([0, 1, 3], "token 3 came where token 2 was due"),
        ([0, 1, 1, 2], "token 1 came twice"),
        ([0, 2, 1], "token 2 came where token 1 was due"),
    ],
)
def test_loss_repetition_and_disorder_are_seen(name, tokens, violation):
    _, frame, _ = FRAMINGS[name]
    body = "".join(frame(TOKENS[n]) for n in tokens).encode()
    assert read(body, 50).violation == violation


def test_tokens_without_their_spaces_are_found_loosely():
    body = "".join(sse({"token": f"#{n}"}) for n in range(5)).encode()
    channel = read(body, 50)
    assert channel.loose
    assert channel.numbers == tuple(range(5))


def test_times_are_those_of_the_pieces():
    body = "".join(sse({"token": text}) for text in TOKENS).encode()
    frame_bytes = len(sse({"token": TOKENS[0]}))
    assert read(body, frame_bytes).times_s[:3] == (0.0, frame_bytes, 2 * frame_bytes)
