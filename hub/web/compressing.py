"""Compressing an answer for a client that takes it so. Streams are never compressed: each frame must go out at once."""

import asyncio
import gzip

_LEAST = 1_000  # bytes; below that it costs more than it saves
_AT_ONCE = 250_000  # bytes; more are compressed beside the event loop
_LEVEL = 4  # half of what level 9 takes, and a few per cent larger


async def compressed(body: bytes, accept_encoding: str | None) -> tuple[bytes, str | None]:
    """The body as it is sent, and its content coding."""
    if len(body) < _LEAST or not takes_gzip(accept_encoding):
        return body, None
    if len(body) <= _AT_ONCE:
        return _gzip(body), "gzip"
    return await asyncio.to_thread(_gzip, body), "gzip"


def takes_gzip(accept_encoding: str | None) -> bool:
    """RFC 9110 §12.5.3; without the header, no."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").split(","):
        coding, _, parameter = part.partition(";")
        try:
            weights[coding.strip().lower()] = float(parameter.strip().lower().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            return False
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
