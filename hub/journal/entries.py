"""A stored record as the entry that readers get; the same code serves what was just appended and what is read."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from hub.journal import tables as t
from hub.journal.encoding import decode_event, decode_resolved, decode_signal
from hub.journal.records import ClaimEntry, Entry, EventEntry, ReadingRow, SignalEntry


class StoredRecord(NamedTuple):
    """The record table's columns."""

    seq: int
    batch: int
    kind: str
    type: str
    version: int
    source: str
    payload: bytes
    external_id: str | None = None
    entity: str | None = None
    stream: str | None = None
    stream_version: int | None = None
    actor: str | None = None
    reason: str | None = None
    cause: int | None = None


RECORD_COLUMNS: Sequence[sa.Column[object]] = tuple(t.record.c[name] for name in StoredRecord._fields)
READING_COLUMNS: Sequence[sa.Column[object]] = tuple(t.reading.c[name] for name in ReadingRow._fields)


def entry_of(record: StoredRecord, recorded_at: datetime) -> Entry:
    """Raises JournalCorrupt for a type or version that this hub does not know."""
    if record.kind == "claim":
        claim, targets = decode_resolved(record.type, record.external_id or "", record.version, record.payload)
        return ClaimEntry(
            seq=record.seq,
            batch=record.batch,
            recorded_at=recorded_at,
            source=record.source,
            entity=record.entity or "",
            claim=claim,
            targets=targets,
            cause=record.cause,
        )
    if record.kind == "signal":
        return SignalEntry(
            seq=record.seq,
            batch=record.batch,
            recorded_at=recorded_at,
            source=record.source,
            entity=record.entity,
            signal=decode_signal(record.type, record.external_id or "", record.version, record.payload),
        )
    return event_of(record, recorded_at)


def event_of(record: StoredRecord, recorded_at: datetime) -> EventEntry:
    """The same for what is known to be an event."""
    version, data = decode_event(record.type, record.version, record.payload)
    return EventEntry(
        seq=record.seq,
        batch=record.batch,
        recorded_at=recorded_at,
        type=record.type,
        version=version,
        stream=record.stream or "",
        stream_version=record.stream_version or 0,
        data=data,
        actor=record.actor or "",
        reason=record.reason,
        cause=record.cause,
    )
