"""Chunked framing: h11 is the oracle, whatever the chunks and wherever the wire is cut."""

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshop_lib.pipe.crowd.chunks import LONGEST_FRAME_BYTES, BadFraming, Chunks

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZES = st.sampled_from([b"%x", b"%X", b"0%x", b"%x;name=value", b"%x \t", b'%x;q="a b"'])


def chunk(body: bytes, size: bytes = b"%x") -> bytes:
    return size % len(body) + b"\r\n" + body + b"\r\n"


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(wire) for place in places}), len(wire)]
    return [wire[a:b] for a, b in pairwise(edges) if a < b]


def by_h11(wire: bytes) -> tuple[bytes, bool]:
    """Return what h11 takes for the body, and whether it has ended."""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    http.send(h11.EndOfMessage())
    http.receive_data(HEAD + wire)
    body = b""
    while (event := http.next_event()) is not h11.NEED_DATA:
        if isinstance(event, h11.EndOfMessage):
            return body, True
        if isinstance(event, h11.Data):
            body += event.data
    return body, False


def by_us(pieces: list[bytes]) -> tuple[bytes, bool]:
    chunks = Chunks()
    body = b"".join(part for piece in pieces for part in chunks.feed(piece))
    return body, chunks.ended


bodies = st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\r\n5\r\nhello\r\n0\r\n\r\n"))


@given(
    bodies,
    st.lists(SIZES, min_size=1),
    st.sampled_from([b"", b"0\r\n\r\n", b"000\r\nTrailer: x\r\nOther: y\r\n\r\n", b"0\r\nTrai"]),
    st.lists(st.integers(0, 10_000)),
)
def test_it_takes_off_the_frames_as_h11_does(
    parts: list[bytes], sizes: list[bytes], end: bytes, places: list[int]
):
    framed = [chunk(part, sizes[n % len(sizes)]) for n, part in enumerate(parts)]
    wire = b"".join(framed) + end
    assert by_us(cut(wire, places) if wire else []) == by_h11(wire)


def test_every_byte_of_the_body_is_passed_on_as_soon_as_it_is_there():
    chunks = Chunks()
    passed = [b"".join(chunks.feed(bytes([byte]))) for byte in chunk(b"token") + b"0\r\n\r\n"]
    assert passed == [b""] * 3 + [b"t", b"o", b"k", b"e", b"n"] + [b""] * 7
    assert chunks.ended


def test_what_comes_after_the_end_is_not_part_of_the_body():
    assert by_us([b"1\r\na\r\n0\r\n\r\n7\r\nanother"]) == (b"a", True)


@pytest.mark.parametrize(
    "wire",
    [
        b"zz\r\n",
        b"-1\r\n",
        b"\n\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc5\r\n",
        b"1 1\r\n",
        b"f" * 20_000,
    ],
)
def test_what_is_no_framing_is_refused_by_both(wire: bytes):
    with pytest.raises(h11.RemoteProtocolError):
        by_h11(wire)
    with pytest.raises(BadFraming, match="a chunk cannot begin with"):
        by_us([wire])


def test_a_frame_without_end_is_not_kept_for_ever():
    with pytest.raises(BadFraming):
        by_us([b"0\r\n", *[b"Trailer: x"] * LONGEST_FRAME_BYTES])
