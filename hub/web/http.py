"""GraphQL over HTTP: queries by GET and POST, mutations by POST, answered as JSON or, for a subscription, as
server-sent events. https://graphql.github.io/graphql-over-http/draft/
"""

import asyncio
import hashlib
from email.message import Message

from graphql import OperationType as Kind
from starlette.requests import Request
from starlette.responses import Response

from hub.access.authority import Authority
from hub.errors import Code, Forbidden, NotFound
from hub.web import credentials
from hub.web.answers import Answer
from hub.web.compressing import compressed
from hub.web.config import WebConfig
from hub.web.documents import Documents
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

NO_FORM = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
"""No page of another origin can send one of these without asking first, and that is never granted."""

_DROPPED = 20
"""So many times the limit is read of a body before the connection is closed on it."""

_STATUS = {Code.INTERNAL: 500, Code.RATE_LIMITED: 429}
_STATUS_OF_GRAPHQL = {**_STATUS, Code.FORBIDDEN: 403, Code.AUDIT_UNAVAILABLE: 503, Code.DEADLINE_EXCEEDED: 504}
_VARIES = "Accept, Accept-Encoding, Accept-Language, Authorization, Causeway-Purpose"


class Asked(Endpoint):
    """The route's ASGI application; what is wrong with a request is said in its first error's message."""

    def __init__(
        self,
        execution: Execution,
        config: WebConfig,
        closing: asyncio.Event,
        authority: Authority,
        sessions: Sessions,
        documents: Documents,
    ) -> None:
        self._execution = execution
        self._config = config
        self._authority = authority
        self._sessions = sessions
        self._closing = closing
        self._renewals = Renewals()
        self._documents = documents

    async def respond(self, request: Request) -> Response | EventStream:
        if request.method not in ("GET", "POST"):
            return refusal(405, "GraphQL is asked by POST or GET; the explorer is at /.", Allow="GET, POST")
        wanted = _acceptable(request.headers.get("accept"))
        if not wanted:
            return refusal(406, f"The answer can be {GRAPHQL}, {JSON} or {STREAM}; Accept names none of them.")
        if request.method == "POST" and not _is_json(request):
            return refusal(415, "Send the operation as `Content-Type: application/json`, in UTF-8.")
        viewer = await self._authority.viewer(credentials.of_request(request, self._config))
        if request.method == "POST":
            body = await self._body(request)
            if body is None:
                return refusal(413, f"The body is larger than {self._config.body_limit} bytes.", Connection="close")
            operation = Operation.from_json(body)
        else:
            operation = Operation.from_address(request.query_params.multi_items())
        try:
            operation = self._documents.found(operation)
        except (Forbidden, NotFound) as error:
            status = 403 if isinstance(error, Forbidden) else 404
            return refusal(status if wanted[0] == GRAPHQL else 200, error.message, error.code)
        if request.method == "GET" and (refused := self._by_address(request, operation)) is not None:
            return refused
        asker = Asker(
            viewer=viewer,
            language=language_of(request.headers.get("accept-language")),
            address=credentials.sender_of(request),
        )
        if wanted[0] == STREAM or (STREAM in wanted and self._execution.is_subscription(operation)):
            return self._stream(request, operation, asker)
        answer = await self._execution.once(operation, asker, "http")
        return await self._answered(request, answer, wanted[0])

    def _by_address(self, request: Request, operation: Operation) -> Response | None:
        """Why a GET is not answered; None where it is. A link or an image of any page can send one."""
        if not operation.trusted and not any(name in request.headers for name in NO_FORM):
            text = f"By GET, send one of the headers {', '.join(NO_FORM)}, or name a trusted document; or use POST."
            return refusal(403, text, Code.FORBIDDEN)
        if self._execution.kind(operation) in (Kind.MUTATION, Kind.SUBSCRIPTION):
            return refusal(405, "By GET only queries are answered: use POST.", Allow="POST")
        return None

    async def _answered(self, request: Request, answer: Answer, media_type: str) -> Response:
        status = 200
        if answer.refused and answer.code is not None:
            status = (
                _STATUS_OF_GRAPHQL.get(answer.code, 400) if media_type == GRAPHQL else _STATUS.get(answer.code, 200)
            )
        headers = {"cache-control": "no-store", "vary": _VARIES}
        if answer.retry_seconds is not None:
            headers["retry-after"] = str(answer.retry_seconds)
        if request.method == "GET" and answer.code is None:
            tag = f'W/"{hashlib.sha256(answer.tag).hexdigest()[:32]}"'
            headers |= {"etag": tag, "cache-control": "private, no-cache"}
            if _holds(request.headers.get("if-none-match"), tag):
                return Response(status_code=304, headers=headers)
        body, encoding = await compressed(answer.body, request.headers.get("accept-encoding"))
        if encoding is not None:
            headers["content-encoding"] = encoding
        return Response(body, status_code=status, headers=headers, media_type=f"{media_type}; charset=utf-8")

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


def _is_json(request: Request) -> bool:
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    return kind.get_content_type() == JSON and (kind.get_content_charset() or "utf-8") == "utf-8"


def _holds(if_none_match: str | None, tag: str) -> bool:
    """Compared weakly, RFC 9110 §13.1.2."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return "*" in given or tag.removeprefix("W/") in given


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
