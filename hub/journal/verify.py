"""Walks the digest chain and says where the log is not what was appended: changed, removed, reordered, cut off."""

import struct
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from hub.clock import to_micros
from hub.errors import JournalCorrupt
from hub.journal import readings
from hub.journal import tables as t
from hub.journal.chain import GENESIS, BatchRow, batch_digest, readings_hash
from hub.journal.encoding import decode_event
from hub.journal.entries import RECORD_COLUMNS, StoredRecord
from hub.journal.records import ReadingRow

_BATCHES_A_STEP = 200


class Chain:
    """`verify` in one transaction that sees one state of the log; raises JournalCorrupt, naming the first batch
    that does not hold."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._expired = _expired(connection)
        self._digest = GENESIS
        self._last = 0  # the last number that was accounted for

    def verify(self) -> int:
        """The number of batches that were verified."""
        verified = 0
        while step := self._connection.execute(
            sa.select(t.batch).where(t.batch.c.seq > self._last).order_by(t.batch.c.seq).limit(_BATCHES_A_STEP)
        ).all():
            first, last = step[0].seq, step[-1].seq
            records = self._records(first, last)
            rows = readings.of_batches(self._connection, first, last)
            for batch in step:
                try:
                    self._one(batch, records.pop(batch.seq, []), rows.pop(batch.seq, []))
                except (TypeError, struct.error) as error:  # SQLite takes text where bytes belong
                    raise JournalCorrupt(f"batch {batch.seq} does not hold: a value of it has another type") from error
                verified += 1
            for stray in (records, rows):
                if stray:
                    raise JournalCorrupt(f"there are records or readings of batch {min(stray)}, which is not there")
        meta = self._connection.execute(sa.select(t.meta.c.head, t.meta.c.digest)).one()
        if meta.head != self._last or bytes(meta.digest) != self._digest:
            raise JournalCorrupt(
                f"the log ends at {self._last} and once ended at {meta.head}: what followed was cut off or changed"
            )
        return verified

    def _one(self, batch: sa.Row[tuple[object, ...]], records: list[StoredRecord], rows: list[ReadingRow]) -> None:
        row = BatchRow(*(getattr(batch, name) for name in BatchRow._fields))
        if row.seq != self._last + 1:
            raise JournalCorrupt(f"batch {self._last + 1} was removed: the next one is {row.seq}")
        if [record.seq for record in records] != list(range(row.seq + 1, row.seq + row.records + 1)):
            raise JournalCorrupt(f"batch {row.seq} does not hold: records of it were removed or renumbered")
        stored = None if batch.readings_hash is None else bytes(batch.readings_hash)
        digest = batch_digest(self._digest, row, stored, records)
        if digest != bytes(batch.digest):
            raise JournalCorrupt(f"batch {row.seq} does not hold: it, or a record of it, was changed")
        if len(rows) == row.readings:
            if rows and readings_hash(rows) != stored:
                raise JournalCorrupt(f"batch {row.seq} does not hold: readings of it were changed")
        elif len(rows) > row.readings or row.oldest_at is None or row.oldest_at >= self._expired:
            raise JournalCorrupt(f"batch {row.seq} does not hold: it has {len(rows)} readings of {row.readings}")
        self._digest = digest
        self._last = row.seq + row.records

    def _records(self, first: int, last: int) -> dict[int, list[StoredRecord]]:
        query = (
            sa.select(*RECORD_COLUMNS)
            .where(t.record.c.seq > self._last, t.record.c.batch <= last)
            .where(t.record.c.batch >= first)
            .order_by(t.record.c.seq)
        )
        found: dict[int, list[StoredRecord]] = {}
        for row in self._connection.execute(query):
            record = StoredRecord(*tuple(row))
            found.setdefault(record.batch, []).append(record)
        return found


def _expired(connection: sa.Connection) -> int:
    """Readings older than this, in microseconds since 1970, may have expired."""
    query = sa.select(t.record.c.version, t.record.c.payload).where(
        t.record.c.type == "readings.expired", t.record.c.kind == "event"
    )
    horizons = [
        _before(decode_event("readings.expired", row.version, row.payload)[1]) for row in connection.execute(query)
    ]
    return max(horizons, default=-(1 << 62))


def _before(data: Mapping[str, object]) -> int:
    return to_micros(datetime.fromisoformat(str(data["before"])))
