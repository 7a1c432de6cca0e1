"""What the feed tells, each kind by a decoder: which entries of the log are of it, and what they say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.journal.cursors import FeedCursor
from hub.journal.records import HUB, ClaimEntry, Entry, EventEntry

ALERT_EVENTS = frozenset({"alert.opened", "alert.acknowledged", "alert.returned", "alert.closed"})
WARNING_EVENTS = frozenset({"warning.covered", "warning.acknowledged"})
INCIDENT_EVENTS = frozenset({"incident.opened", "incident.closed"})
BREAK_GLASS_EVENTS = frozenset({"break_glass.opened", "break_glass.ended", "break_glass.reviewed"})
SOURCE_EVENTS = frozenset({"source.unavailable", "source.recovered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One entry of the log; `cursor` resumes after it."""

    cursor: str
    seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFact(Fact):
    """One event of an alert; `alert` is the payload that the event carries."""

    type: str
    alert: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningFact(Fact):
    """A source's word on an official warning (`warning.told`, `warning.gone`), or the hub's: which places it covers,
    who acknowledged it. `values` are the claim's, or the event's snapshot."""

    type: str
    warning: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFact(Fact):
    """One event of an incident, with its snapshot."""

    type: str
    incident: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassFact(Fact):
    """One event of a break-glass, with its snapshot."""

    type: str
    glass: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFact(Fact):
    type: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotFact(Fact):
    """A source's word on a lot. `place` and `owner` are entity ids, where the claim says them."""

    lot: str
    source: str
    values: Mapping[str, Any]
    place: str | None
    owner: str | None
    gone: bool


Decoder = Callable[[Entry, str], Fact | None]
"""What an entry of the log tells in this epoch, or None where it is of another kind."""


def alert(entry: Entry, epoch: str) -> AlertFact | None:
    if not isinstance(entry, EventEntry) or entry.type not in ALERT_EVENTS:
        return None
    return AlertFact(
        cursor=_cursor(entry, epoch), seq=entry.seq, recorded_at=entry.recorded_at, type=entry.type, alert=entry.data
    )


def warning(entry: Entry, epoch: str) -> WarningFact | None:
    if isinstance(entry, EventEntry) and entry.type in WARNING_EVENTS:
        told: Any = entry.data["warning"]
        type_, id_, values = entry.type, str(told["id"]), told
    elif isinstance(entry, ClaimEntry) and entry.claim.kind == "Warning" and entry.source != HUB:
        type_, id_, values = "warning.gone" if entry.claim.gone else "warning.told", entry.entity, entry.claim.values
    else:
        return None
    return WarningFact(
        cursor=_cursor(entry, epoch),
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        type=type_,
        warning=id_,
        values=values,
    )


def incident(entry: Entry, epoch: str) -> IncidentFact | None:
    if not isinstance(entry, EventEntry) or entry.type not in INCIDENT_EVENTS:
        return None
    told: Any = entry.data["incident"]
    return IncidentFact(
        cursor=_cursor(entry, epoch), seq=entry.seq, recorded_at=entry.recorded_at, type=entry.type, incident=told
    )


def break_glass(entry: Entry, epoch: str) -> BreakGlassFact | None:
    if not isinstance(entry, EventEntry) or entry.type not in BREAK_GLASS_EVENTS:
        return None
    told: Any = entry.data["breakGlass"]
    return BreakGlassFact(
        cursor=_cursor(entry, epoch), seq=entry.seq, recorded_at=entry.recorded_at, type=entry.type, glass=told
    )


def source(entry: Entry, epoch: str) -> SourceFact | None:
    if not isinstance(entry, EventEntry) or entry.type not in SOURCE_EVENTS:
        return None
    return SourceFact(
        cursor=_cursor(entry, epoch),
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        type=entry.type,
        source=str(entry.data["source"]),
        reason=str(entry.data["reason"]),
    )


def lot(entry: Entry, epoch: str) -> LotFact | None:
    if not isinstance(entry, ClaimEntry) or entry.claim.kind != "SupplyLot":
        return None
    linked = {relation: entity for (relation, _), entity in entry.targets.items()}
    return LotFact(
        cursor=_cursor(entry, epoch),
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        lot=entry.entity,
        source=entry.source,
        values=entry.claim.values,
        place=linked.get("STORED_IN"),
        owner=linked.get("OWNED_BY"),
        gone=entry.claim.gone,
    )


def _cursor(entry: Entry, epoch: str) -> str:
    return FeedCursor(epoch=epoch, seq=entry.seq).encode()
