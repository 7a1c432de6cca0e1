"""GraphQL over HTTP: POST of JSON, answered as JSON or, for a subscription, as server-sent events."""

import asyncio
from email.message import Message

from starlette.requests import Request
from starlette.responses import Response

from hub.access.authority import Authority
from hub.errors import Code
from hub.web import credentials
from hub.web.config import WebConfig
from hub.web.endpoint import Endpoint
from hub.web.errors import refusal
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation, language_of
from hub.web.renewing import Renewals
from hub.web.session import Sessions
from hub.web.sse import EventStream

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
STREAM = "text/event-stream"

_DROPPED = 20
"""So many times the limit is read of a body before the connection is closed on it."""


class Post(Endpoint):
    """The route's ASGI application; what is wrong with a request is said in its first error's message."""

    def __init__(
        self,
        execution: Execution,
        config: WebConfig,
        closing: asyncio.Event,
        authority: Authority,
        sessions: Sessions,
    ) -> None:
        self._execution = execution
        self._config = config
        self._authority = authority
        self._sessions = sessions
        self._closing = closing
        self._renewals = Renewals()

    async def respond(self, request: Request) -> Response | EventStream:
        if request.method != "POST":
            return refusal(405, "GraphQL is asked by POST here; the explorer is at /.", Allow="POST")
        wanted = _acceptable(request.headers.get("accept"))
        if not wanted:
            return refusal(406, f"The answer can be {GRAPHQL}, {JSON} or {STREAM}; Accept names none of them.")
        kind = Message()
        kind["content-type"] = request.headers.get("content-type", "")
        if kind.get_content_type() != JSON or (kind.get_content_charset() or "utf-8") != "utf-8":
            return refusal(415, "Send the operation as `Content-Type: application/json`, in UTF-8.")
        viewer = await self._authority.viewer(credentials.of_request(request, self._config))
        body = await self._body(request)
        if body is None:
            return refusal(413, f"The body is larger than {self._config.body_limit} bytes.", Connection="close")
        operation = Operation.from_json(body)
        asker = Asker(viewer=viewer, language=language_of(request.headers.get("accept-language")))
        if wanted[0] == STREAM or (STREAM in wanted and self._execution.is_subscription(operation)):
            return self._stream(request, operation, asker)
        answer = await self._execution.once(operation, asker, "http")
        status = 400 if answer.refused and wanted[0] == GRAPHQL else 200
        if answer.refused and answer.code is Code.INTERNAL:
            status = 500
        return Response(answer.body, status_code=status, media_type=f"{wanted[0]}; charset=utf-8")

    def _stream(self, request: Request, operation: Operation, asker: Asker) -> EventStream:
        if last := request.headers.get("last-event-id"):
            operation = self._execution.resumed(operation, last)
        which, goes_on = self._execution.watched(operation)
        return EventStream(
            lambda session: self._execution.results(operation, session, "sse"),
            self._sessions.open(asker),
            self._closing,
            self._renewals.open(asker.viewer, which, goes_on=goes_on),
            keep_alive_seconds=self._config.keep_alive_seconds,
            stall_seconds=self._config.stall_seconds,
        )

    async def _body(self, request: Request) -> bytes | None:
        """None where it is too large. Some of what is too much is read and dropped, for a client that is still
        sending would not see the answer."""
        body, taken = bytearray(), 0
        async for chunk in request.stream():
            taken += len(chunk)
            if taken <= self._config.body_limit:
                body += chunk
            elif taken > _DROPPED * self._config.body_limit:
                return None
        return bytes(body) if taken <= self._config.body_limit else None


def _acceptable(accept: str | None) -> list[str]:
    """What the client takes of what there is, best first; JSON where it says nothing."""
    if not accept or not accept.strip():
        return [JSON]
    wanted: list[tuple[float, str]] = []
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        kind = JSON if kind in ("*/*", "application/*") else STREAM if kind == "text/*" else kind
        if quality > 0 and kind in (JSON, GRAPHQL, STREAM):
            wanted.append((quality, kind))
    return [kind for _, kind in sorted(wanted, key=lambda pair: -pair[0])]
