"""Takes a content coding off a body that comes in pieces (RFC 9110, 8.4.1; RFC 7932)."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import zlib
from collections.abc import Callable

import brotli

Decode = Callable[[bytes], bytes]


class UndecodableError(ValueError):
    """The bytes are not what the header says."""


def decoder(coding: str) -> Decode:
    """Return what decodes piece by piece; a coding that was not asked for is left as it is."""
    if coding in ("gzip", "x-gzip", "deflate"):
        return _careful(zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress)
    if coding == "br":
        return _careful(brotli.Decompressor().process)
    return lambda data: data


def _careful(decode: Decode) -> Decode:
    def careful(data: bytes) -> bytes:
        try:
            return decode(data)
        except (zlib.error, brotli.error) as problem:
            raise UndecodableError(str(problem)) from None

    return careful
