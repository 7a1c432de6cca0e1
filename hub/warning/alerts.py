"""An alert's life, after ISA-18.2: its id, its states, and the events that tell of it without needing the graph.

    opened ─▶ UNACKNOWLEDGED ──acknowledged─▶ ACKNOWLEDGED ──returned─▶ NORMAL, closed
                    └──returned─▶ RETURNED_UNACKNOWLEDGED ──acknowledged─▶ NORMAL, closed

The engine says opened, returned and closed; a person, through the desk, says acknowledged.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.contract import Claim, Link, Value
from graph_models.entities import AlarmState, Severity
from hub.journal.records import HUB
from hub.journal.stories import Snapshot, Story

OPENED, ACKNOWLEDGED, RETURNED, CLOSED = "alert.opened", "alert.acknowledged", "alert.returned", "alert.closed"
EVENTS = frozenset({OPENED, ACKNOWLEDGED, RETURNED, CLOSED})
VERSION = 2
ENGINE = "warning"
"""The actor of what the engine appends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing as it is called at the moment."""

    id: str
    kind: str
    name: str | None = None

    def snapshot(self) -> dict[str, str | None]:
        return {"id": self.id, "kind": self.kind, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What went past which limit; both in `unit` (UCUM)."""

    quantity: str
    unit: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the engine decided: one event of one alert. `cause` is the record that led to it, `decided` the one at
    which it became certain, which is later where a delay had to pass; `opening` is the new alert's snapshot."""

    type: str
    alert: str
    rule: str
    subject: str
    at: datetime
    cause: int
    decided: int
    opening: Snapshot | None = None


def alert_id(epoch: str, rule: str, subject: str, opening: str) -> str:
    """UUIDv8 (RFC 9562) of SHA-256; `opening` is the sequence of the record with which the episode began."""
    digest = hashlib.sha256("\n".join((epoch, rule, subject, opening)).encode()).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=value))


def stream(alert: str) -> str:
    return f"alert:{alert}"


def opened(
    *,
    id: str,  # noqa: A002 - the snapshot's own name for it
    rule: str,
    severity: Severity,
    code: str,
    at: datetime,
    measured: Measured | None,
    subject: Named,
    path: Sequence[Named],
    warning: Mapping[str, str | None] | None = None,
) -> Snapshot:
    return {
        "id": id,
        "rule": rule,
        "severity": severity.value,
        "state": AlarmState.UNACKNOWLEDGED.value,
        "code": code,
        "openedAt": at.isoformat(),
        "acknowledgedAt": None,
        "acknowledgedBy": None,
        "returnedAt": None,
        "closedAt": None,
        "quantity": measured.quantity if measured else None,
        "value": measured.value if measured else None,
        "limit": measured.limit if measured else None,
        "unit": measured.unit if measured else None,
        "subject": subject.snapshot(),
        "path": [place.snapshot() for place in path],
        "warning": warning,
    }


def acknowledged(alert: Snapshot, *, at: datetime, by: str) -> Snapshot:
    return _stated({**alert, "acknowledgedAt": at.isoformat(), "acknowledgedBy": by})


def returned(alert: Snapshot, *, at: datetime) -> Snapshot:
    return _stated({**alert, "returnedAt": at.isoformat()})


def closed(alert: Snapshot, *, at: datetime) -> Snapshot:
    return _stated({**alert, "closedAt": at.isoformat()})


def _stated(alert: Snapshot) -> Snapshot:
    if alert["returnedAt"] is None:
        state = AlarmState.UNACKNOWLEDGED if alert["acknowledgedAt"] is None else AlarmState.ACKNOWLEDGED
    else:
        state = AlarmState.RETURNED_UNACKNOWLEDGED if alert["acknowledgedAt"] is None else AlarmState.NORMAL
    return {**alert, "state": state.value}


def claim(alert: Snapshot) -> Claim:
    """What the alert's event means for the graph."""
    values: dict[str, Value] = {
        "rule": alert["rule"],
        "severity": alert["severity"],
        "state": alert["state"],
        "code": alert["code"],
        "opened_at": alert["openedAt"],
        "acknowledged_at": alert["acknowledgedAt"],
        "acknowledged_by": alert["acknowledgedBy"],
        "returned_at": alert["returnedAt"],
        "closed_at": alert["closedAt"],
        "quantity": alert["quantity"],
        "value": alert["value"],
        "limit": alert["limit"],
        "unit": alert["unit"],
    }
    links = []
    if alert["subject"]["kind"] != SOURCE_KIND:
        links.append(Link(relation="CONCERNS", target=alert["subject"]["id"], source=HUB))
    if alert["path"]:
        links.append(Link(relation="AT", target=alert["path"][0]["id"], source=HUB))
    if (warning := alert.get("warning")) is not None:
        links.append(Link(relation="PASSES_ON", target=warning["id"], source=HUB))
    return Claim(
        kind="Alert",
        external_id=alert["id"],
        values={name: value for name, value in values.items() if value is not None},
        links=tuple(links),
    )


SOURCE_KIND = "SOURCE"
"""The kind of a subject that is a whole source, which is no entity of the graph."""


STORY = Story(name="alert", version=VERSION, stream=lambda told: stream(told["id"]), claim=claim)
event, snapshot = STORY.event, STORY.snapshot
