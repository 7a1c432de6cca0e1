"""The digest chain over what the log stores: a batch's digest holds the one before it."""

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from hub.journal.entries import StoredRecord
from hub.journal.records import ReadingRow

GENESIS = b"\0" * 32
RECORD_FIELDS = (  # what a digest covers of a record beside its payload, in this order for ever
    "seq",
    "kind",
    "type",
    "version",
    "source",
    "external_id",
    "entity",
    "stream",
    "stream_version",
    "actor",
    "reason",
    "cause",
)


class BatchRow(NamedTuple):
    """What a batch's digest covers of its row, in this order for ever."""

    seq: int
    source: str
    received_at: int
    recorded_at: int
    cursor: str | None
    adapter_version: str
    records: int
    readings: int
    oldest_at: int | None


_READING = struct.Struct("<qqdq?q")


def readings_hash(rows: Sequence[ReadingRow]) -> bytes:
    """SHA-256 of the rows in the order of (series, at), 41 bytes each."""
    pack = _READING.pack
    return hashlib.sha256(
        b"".join(
            [
                pack(series, at, value, flags, device_at is not None, device_at or 0)
                for series, at, value, flags, device_at in rows
            ]
        )
    ).digest()


def batch_digest(previous: bytes, batch: BatchRow, readings: bytes | None, records: Sequence[StoredRecord]) -> bytes:
    """SHA-256 over the previous digest, the batch's columns, its readings' hash and its records. Each part is
    preceded by its length, so that no two different batches give the same bytes."""
    digest = hashlib.sha256(previous)
    parts = [orjson.dumps(tuple(batch)), readings or b""]
    for record in records:
        parts += (orjson.dumps([getattr(record, name) for name in RECORD_FIELDS]), record.payload)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
