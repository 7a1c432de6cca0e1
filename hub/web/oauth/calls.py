"""Between Starlette and the issuer: bodies read with a limit, blocking work in threads, answers as JSON."""

from collections.abc import Callable
from typing import TypeVar

import anyio
from authlib.oauth2 import OAuth2Error
from starlette.requests import Request
from starlette.responses import Response

from hub.access.issuer import wire
from hub.errors import StorageFull
from hub.telemetry import logger
from hub.web.encoding import encode

BODY_LIMIT = 65_536  # bytes
FORM = "application/x-www-form-urlencoded"
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
T = TypeVar("T")
log = logger(__name__)


class Threads:
    """Blocking work, at most so much at once; logins wait for each other alone, for their hash is meant to be slow."""

    def __init__(self) -> None:
        self._work = anyio.CapacityLimiter(8)
        self._logins = anyio.CapacityLimiter(4)

    async def run(self, work: Callable[[], T], *, login: bool = False) -> T:
        """Raises what the work raises; what no disk could take as OAuth2Error (RFC 6749, 4.1.2.1)."""
        try:
            return await self._run(work, login=login)
        except StorageFull as error:
            log.warning("issuer.storage_failed", reason=error.message)
            raise OAuth2Error("Try again later.", error="temporarily_unavailable", status_code=503) from error

    async def _run(self, work: Callable[[], T], *, login: bool) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._logins if login else self._work)


async def body(request: Request) -> wire.Pairs:
    """The form's fields in their order. Raises OAuth2Error for another media type, or too much."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise OAuth2Error(f"Send the parameters in the body as {FORM}.", error="invalid_request", status_code=415)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > BODY_LIMIT:
            raise OAuth2Error("The body is too long.", error="invalid_request", status_code=413)
    return wire.parameters(bytes(data))


def answered(answer: wire.Answer) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if answer.location is not None:
        return Response(status_code=answer.status, headers={**NO_STORE, **headers})
    headers.pop("content-type", None)
    return Response(
        encode(answer.body), status_code=answer.status, media_type="application/json", headers={**NO_STORE, **headers}
    )


def refused(error: OAuth2Error) -> Response:
    status, told, headers = error()
    return answered(wire.Answer(status=status, body=told, headers=dict(headers)))
