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
    """`brief`: the same without what only the graph knows."""

    root: str
    noun: str
    document: str
    brief: str | None = None
    graded: bool = False  # it has a severity


_KINDS: Mapping[str, _Kind] = {
    "alerts": _Kind(
        root="alerts",
        noun="alert",
        document=_document("alerts", "AlertEventFilter", f"alert {{ {_ALERT} }}"),
        graded=True,
    ),
    "warnings": _Kind(
        root="warnings",
        noun="warning",
        document=_document("warnings", "WarningEventFilter", f"at {_WARNING}"),
        graded=True,
    ),
    "incidents": _Kind(
        root="incidents",
        noun="incident",
        document=_document(
            "incidents", "IncidentEventFilter", f"at incident {{ {_INCIDENT} places {{ nodes {_NAMED} }} }}"
        ),
        brief=_document("incidents", "IncidentEventFilter", f"at incident {{ {_INCIDENT} }}"),
    ),
    "source_health": _Kind(
        root="sourceHealth",
        noun="source",
        document=_document("sourceHealth", "SourceHealthEventFilter", "at source reason"),
    ),
}
DOCUMENTS: Sequence[str] = tuple(text for kind in _KINDS.values() for text in (kind.document, kind.brief) if text)


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
        kind = _KINDS[name]
        found, behind = await self._run(name, kind.document, after)
        if behind and kind.brief is not None:
            brief, _ = await self._run(name, kind.brief, after)
            found = brief | found
        return found

    async def _run(self, name: str, document: str, after: int) -> tuple[dict[int, Message], bool]:
        """By position; and whether one lacks what the graph did not know yet."""
        kind, webhook = _KINDS[name], self._webhook
        wanted = {"severity": list(webhook.severities)} if kind.graded and webhook.severities else None
        start = FeedCursor(epoch=self._journal.epoch, seq=after).encode()
        operation = Operation(document=document, variables={"after": start, "filter": wanted})
        session = Session(
            Asker(viewer=webhook.viewer, language=webhook.language, address=f"webhook:{webhook.name}"), self._clock
        )
        found: dict[int, Message] = {}
        behind = False
        async with aclosing(self._execution.events(operation, session, "webhook")) as answers:
            async for answer in answers:
                body: Any = decode(answer.body)
                errors = [one["message"] for one in body.get("errors", ())]
                if answer.refused or answer.cursor is None:
                    raise Withheld("; ".join(errors))
                event = (body.get("data") or {}).get(kind.root)
                if answer.code in (Code.GRAPH_BEHIND, Code.GRAPH_UNAVAILABLE):
                    behind = True
                    if kind.brief is not None:
                        continue
                if event is None:
                    raise Withheld("; ".join(errors) or "the event cannot be told")
                seq = FeedCursor.decode(answer.cursor).seq
                at = self._window.recorded_at(name, seq)
                found[seq] = self._message(kind, seq, event, errors, at)
        return found, behind

    def _message(self, kind: _Kind, seq: int, event: Mapping[str, Any], errors: Sequence[str], at: datetime) -> Message:
        type_ = f"{kind.noun}.{str(event['type']).lower()}"
        body: dict[str, object] = {"type": type_, "timestamp": at.isoformat(), "data": event}
        if errors:
            body["errors"] = errors  # such as what was withheld since it could not be recorded
        return Message(id=f"msg_{self._journal.epoch}_{seq}", seq=seq, type=type_, body=encode(body))
