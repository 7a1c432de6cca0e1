"""The digest chain over what the log stores: a batch's digest holds the one before it."""

import hashlib
import struct
from collections.abc import Sequence

import orjson

from hub.journal.entries import StoredRecord
from hub.journal.records import ReadingRow

GENESIS = b"\0" * 32
BATCH_COLUMNS = (
    "seq",
    "source",
    "received_at",
    "recorded_at",
    "cursor",
    "adapter_version",
    "records",
    "readings",
    "oldest_at",
)
BatchColumns = tuple[int, str, int, int, str | None, str, int, int, int | None]
"""What BATCH_COLUMNS names."""

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


def batch_digest(
    previous: bytes, batch: BatchColumns, readings: bytes | None, records: Sequence[StoredRecord]
) -> bytes:
    """SHA-256 over the previous digest, the batch's columns, its readings' hash and its records. Each part is
    preceded by its length, so that no two different batches give the same bytes."""
    digest = hashlib.sha256(previous)
    parts = [orjson.dumps(batch), readings or b""]
    for record in records:
        parts += (orjson.dumps(record[:-1]), record.payload)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
