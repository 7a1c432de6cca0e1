"""The park's incidents for those who read CAP: `/cap/feed.atom` and `/cap/ID.xml`, answered as GraphQL would answer.

They are asked for by the same tokens, under the same policies, and recorded in the same audit. Drills are not in them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hub.access.authority import Authority
from hub.clock import Clock
from hub.errors import Code
from hub.web import credentials
from hub.web.cap_message import CLOSED, MEDIA_TYPE, CapMessage, Sender, atom, messages_of
from hub.web.config import WebConfig
from hub.web.encoding import decode
from hub.web.endpoint import Endpoint
from hub.web.errors import refusal
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation

MOST = 200
_WHOLE, _NOTICE = "id number kind", "id kind"
_INCIDENT = f"""{_WHOLE} drill openedAt closedAt
    places(first: 100) {{ nodes {{ id name latitude longitude boundary }} }}"""
FEED = f"""query CapFeed($first: Int!) {{
  open: incidents(filter: {{ state: [OPEN], drill: false }}, first: $first, orderBy: OPENED_AT_DESC) {{
    nodes {{ {_INCIDENT} }} }}
  closed: incidents(filter: {{ state: [CLOSED], drill: false }}, first: $first, orderBy: OPENED_AT_DESC) {{
    nodes {{ {_INCIDENT} }} }} }}"""
ONE = f"query CapMessage($id: ID!) {{ incident(id: $id) {{ {_INCIDENT} }} }}"
_STATUS = {Code.FORBIDDEN: 403, Code.UNAUTHENTICATED: 401, Code.RATE_LIMITED: 429, Code.INTERNAL: 500}


@dataclass(frozen=True, slots=True, kw_only=True)
class CapConfig:
    """`kept`: for how long after its end an incident stays in the feed."""

    sender: Sender
    kept: timedelta


class CapRoute(Endpoint):
    """Both routes' ASGI application."""

    def __init__(
        self, cap: CapConfig, config: WebConfig, execution: Execution, authority: Authority, clock: Clock
    ) -> None:
        self._cap = cap
        self._config = config
        self._execution = execution
        self._authority = authority
        self._clock = clock

    async def respond(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return refusal(405, "CAP is read by GET.", Allow="GET, HEAD")
        viewer = await self._authority.viewer(credentials.of_request(request, self._config))
        asker = Asker(viewer=viewer, address=credentials.sender_of(request))
        identifier = request.path_params.get("identifier")
        if identifier is None:
            return await self._feed(request, asker)
        return await self._message(identifier, asker)

    async def _feed(self, request: Request, asker: Asker) -> Response:
        found = await self._asked(FEED, {"first": MOST}, asker)
        if isinstance(found, Response):
            return found
        since = self._clock() - self._cap.kept
        incidents = [one for part in ("open", "closed") for one in found[part]["nodes"]]
        kept = [one for one in incidents if one["closedAt"] is None or _time(one["closedAt"]) >= since]
        messages = [message for one in kept for message in self._messages(one)]
        messages.sort(key=lambda message: message.sent, reverse=True)
        base = credentials.address_of(request, self._config).rpartition("/")[0]
        return _xml(atom(messages, self._cap.sender, base), "application/atom+xml")

    async def _message(self, identifier: str, asker: Asker) -> Response:
        found = await self._asked(ONE, {"id": identifier.removesuffix(CLOSED)}, asker)
        if isinstance(found, Response):
            return found
        for message in self._messages(found["incident"]):
            if message.identifier == identifier:
                return _xml(message.xml(), MEDIA_TYPE)
        return refusal(404, f"There is no CAP message {identifier!r}.", Code.NOT_FOUND)

    def _messages(self, incident: Mapping[str, Any] | None) -> Iterator[CapMessage]:
        if incident is not None and incident["drill"] is False:
            yield from messages_of(incident, self._cap.sender)

    async def _asked(self, document: str, variables: Mapping[str, object], asker: Asker) -> Any:
        """The data, or the refusal: half a message is none. Who is not shown the number is told without it."""
        for fields in (_WHOLE, _NOTICE):
            operation = Operation(document=document.replace(_WHOLE, fields), variables=variables)
            answer = await self._execution.once(operation, asker, "cap")
            if answer.code is not Code.FORBIDDEN:
                break
        body: Any = decode(answer.body)
        if answer.code is not None:
            again = {"retry-after": str(answer.retry_seconds)} if answer.retry_seconds is not None else {}
            return refusal(_STATUS.get(answer.code, 503), body["errors"][0]["message"], answer.code, **again)
        return body["data"]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _xml(body: bytes, media_type: str) -> Response:
    return Response(body, media_type=f"{media_type}; charset=utf-8", headers={"cache-control": "private, no-cache"})
