"""What a webhook is sent: its own subscriptions, run as any client's under its role, in the log's order."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.clock import Clock
from hub.errors import Code
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal
from hub.live.delivery import Target
from hub.live.window import Window
from hub.viewer import Viewer
from hub.web.encoding import decode, encode
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation
from hub.web.session import Session

Executions = Callable[[Window], Execution]
"""Executes with the window in the place of the feed."""

_NAMED = "{ id kind name }"
_INCIDENT = "id number kind state openedAt openedBy closedAt closedBy"
_ALERT = (
    "id rule severity state code openedAt acknowledgedAt acknowledgedBy returnedAt closedAt quantity value limit unit "
    f"subject {_NAMED} placePath {_NAMED}"
)
_INCIDENT_NOTICE = "id kind state openedAt closedAt"
_ALERT_NOTICE = f"id severity state code openedAt acknowledgedAt returnedAt closedAt placePath {_NAMED}"
_WARNING = (
    "warning identifier status messageType event headline senderName sent severity colour expires endedAt "
    f"places {_NAMED} acknowledgedAt acknowledgedBy"
)


def _document(root: str, filter_type: str, fields: str) -> str:
    return (
        f"subscription Webhook($after: FeedCursor, $filter: {filter_type}) "
        f"{{ {root}(after: $after, filter: $filter) {{ cursor type {fields} }} }}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """`documents`: each asks for less than the one before, for events that could not be told by it: without what only
    the graph knows, or what only some roles are shown."""

    root: str
    noun: str
    documents: Sequence[str]
    graded: bool = False  # it has a severity


_KINDS: Mapping[str, _Kind] = {
    "alerts": _Kind(
        root="alerts",
        noun="alert",
        documents=tuple(
            _document("alerts", "AlertEventFilter", f"alert {{ {fields} }}") for fields in (_ALERT, _ALERT_NOTICE)
        ),
        graded=True,
    ),
    "warnings": _Kind(
        root="warnings",
        noun="warning",
        documents=(_document("warnings", "WarningEventFilter", f"at {_WARNING}"),),
        graded=True,
    ),
    "incidents": _Kind(
        root="incidents",
        noun="incident",
        documents=tuple(
            _document("incidents", "IncidentEventFilter", f"at incident {{ {fields} }}")
            for fields in (
                f"{_INCIDENT} places {{ nodes {_NAMED} }}",
                _INCIDENT,
                f"{_INCIDENT_NOTICE} places {{ nodes {_NAMED} }}",
                _INCIDENT_NOTICE,
            )
        ),
    ),
    "source_health": _Kind(
        root="sourceHealth",
        noun="source",
        documents=(_document("sourceHealth", "SourceHealthEventFilter", "at source reason"),),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """`viewer`: in whose role it is told. `severities`: of alerts and warnings, where it does not want all."""

    name: str
    target: Target
    viewer: Viewer
    kinds: tuple[str, ...]
    severities: tuple[str, ...] = ()
    language: str = "zh"
    retry_seconds: float = 86_400.0  # then it is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`id` is the same whenever the same event is sent. `body` is JSON."""

    id: str
    seq: int
    type: str
    body: bytes


class Withheld(Exception):
    """Nothing may be told at the moment; the text says why."""


class Teller:
    """One webhook's. The window is its own."""

    def __init__(self, webhook: Webhook, journal: Journal, executions: Executions, clock: Clock) -> None:
        self._webhook = webhook
        self._journal = journal
        self._window = Window(journal, webhook.kinds)
        self._execution = executions(self._window)
        self._clock = clock

    async def next(self, after: int, limit: int) -> tuple[int, Sequence[Message]]:
        """The position that was reached, and what the webhook is to be told up to there. Raises Withheld."""
        reached = await self._window.load(after, limit)
        found: dict[int, Message] = {}
        for kind in self._webhook.kinds:
            if self._window.holds(kind):
                found |= await self._told(kind, after)
        return reached, [found[seq] for seq in sorted(found)]

    async def _told(self, name: str, after: int) -> dict[int, Message]:
        """By position. What no document can tell is not for the role, unless the graph is what lacks."""
        found: dict[int, Message] = {}
        lacking: dict[int, str] = {}
        for document in _KINDS[name].documents:
            told, lacking = await self._run(name, document, after)
            found = told | found
            lacking = {seq: why for seq, why in lacking.items() if seq not in found}
            if not lacking:
                break
        if reasons := [why for why in lacking.values() if why]:
            raise Withheld(reasons[0])
        return found

    async def _run(self, name: str, document: str, after: int) -> tuple[dict[int, Message], dict[int, str]]:
        """By position; and why others could not be told: "" where the role is not shown what was asked for."""
        kind, webhook = _KINDS[name], self._webhook
        wanted = {"severity": list(webhook.severities)} if kind.graded and webhook.severities else None
        start = FeedCursor(epoch=self._journal.epoch, seq=after).encode()
        operation = Operation(document=document, variables={"after": start, "filter": wanted})
        session = Session(
            Asker(viewer=webhook.viewer, language=webhook.language, address=f"webhook:{webhook.name}"), self._clock
        )
        found: dict[int, Message] = {}
        lacking: dict[int, str] = {}
        async with aclosing(self._execution.events(operation, session, "webhook")) as answers:
            async for answer in answers:
                body: Any = decode(answer.body)
                errors = [one["message"] for one in body.get("errors", ())]
                if answer.refused or answer.cursor is None:
                    raise Withheld("; ".join(errors))
                seq = FeedCursor.decode(answer.cursor).seq
                event = (body.get("data") or {}).get(kind.root)
                if event is None:
                    lacking[seq] = "" if answer.code is Code.FORBIDDEN else errors[0]
                else:
                    found[seq] = self._message(kind, seq, event, errors, self._window.recorded_at(name, seq))
        return found, lacking

    def _message(self, kind: _Kind, seq: int, event: Mapping[str, Any], errors: Sequence[str], at: datetime) -> Message:
        type_ = f"{kind.noun}.{str(event['type']).lower()}"
        body: dict[str, object] = {"type": type_, "timestamp": at.isoformat(), "data": event}
        if errors:
            body["errors"] = errors  # such as what was withheld since it could not be recorded
        return Message(id=f"msg_{self._journal.epoch}_{seq}", seq=seq, type=type_, body=encode(body))
