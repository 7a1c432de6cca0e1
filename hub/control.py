"""The running hub's own door, `hub.sock` (0600): the process that holds the lock carries out operators' commands."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from hub.errors import AlreadyRunning, BadRequest, CausewayError, Code
from hub.telemetry import logger

log = logger(__name__)

Line = Mapping[str, object]
"""`{"progress": text}`, `{"result": …}` or, last, `{"error": text, "code": code}`."""


class Operations(Protocol):
    """What can be asked for by name."""

    def run(self, name: str, arguments: Mapping[str, object]) -> AsyncIterator[Line]: ...


class OperationFailed(CausewayError):
    """The hub carried the command out and met an error, whose text is for the operator."""


def bind(path: Path) -> socket.socket:
    """The listening socket, 0600 from its first moment; a stale file of a killed hub is replaced (the caller holds
    the state's lock, so nobody listens on it)."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    return listener


def create_control(operations: Operations) -> Starlette:
    async def run(request: Request) -> Response:
        name = request.path_params["name"]
        arguments = orjson.loads(await request.body() or b"{}")
        if not isinstance(arguments, dict):
            return JSONResponse({"error": "arguments must be an object"}, 400)
        return StreamingResponse(_lines(operations, name, arguments), media_type="application/x-ndjson")

    return Starlette(routes=[Route("/{name}", run, methods=["POST"])])


async def _lines(operations: Operations, name: str, arguments: Mapping[str, object]) -> AsyncIterator[bytes]:
    try:
        async for line in operations.run(name, arguments):
            yield orjson.dumps(line, default=str) + b"\n"
    except CausewayError as error:
        yield orjson.dumps({"error": error.message, "code": error.code}) + b"\n"
    except Exception:
        log.exception("control.failed", operation=name)
        text = f"{name} failed inside the hub; its log holds the traceback"
        yield orjson.dumps({"error": text, "code": Code.INTERNAL}) + b"\n"


def is_running(path: Path) -> bool:
    """Whether a hub listens at `path`."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def ask(path: Path, name: str, arguments: Mapping[str, object]) -> Iterator[Line]:
    """The running hub's lines; raises OperationFailed with its error text."""
    transport = httpx.HTTPTransport(uds=str(path))
    try:
        with (
            httpx.Client(transport=transport, base_url="http://hub", timeout=None) as client,
            client.stream("POST", f"/{name}", content=orjson.dumps(arguments)) as answer,
        ):
            if answer.status_code != 200:
                raise BadRequest(answer.read().decode(errors="replace"))
            for text in answer.iter_lines():
                line = orjson.loads(text)
                if "error" in line:
                    raise OperationFailed(line["error"])
                yield line
    except httpx.TransportError as error:
        raise AlreadyRunning(f"the hub stopped in the middle of {name}: {error}. Look at its log.") from error
