"""Readings: how they are marked, stored at their rate, and asked for."""

import math
from collections.abc import Iterable, Sequence
from enum import IntFlag
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from adapters.contract import Quality
from hub.errors import BadRequest
from hub.journal import tables as t
from hub.journal.engine import Dialect
from hub.journal.entries import READING_COLUMNS
from hub.journal.records import Latest, ReadingRow, Series
from hub.journal.statements import LIVING, NAMED, asked_for, chunks, members

_INFINITE = math.inf
_LARGEST = 1 << 53  # of microseconds: the year 2255; more is a mistake of the caller's


class Flag(IntFlag):
    """What is to be known of a reading beside its value; none of them: GOOD, and delivered once."""

    UNCERTAIN = 1
    BAD = 2
    REDELIVERED = 4


def flags_of(quality: Quality, *, redelivered: bool = False) -> int:
    flags = {Quality.GOOD: 0, Quality.UNCERTAIN: Flag.UNCERTAIN, Quality.BAD: Flag.BAD}[quality]
    return int(flags | (Flag.REDELIVERED if redelivered else 0))


def quality_of(flags: int) -> Quality:
    if flags & Flag.BAD:
        return Quality.BAD
    return Quality.UNCERTAIN if flags & Flag.UNCERTAIN else Quality.GOOD


_in_order = itemgetter(0, 1)

_SQLITE_INSERT = (
    "INSERT INTO reading (batch, series, at, value, flags, device_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (series, at) DO NOTHING"
)
_POSTGRESQL_INSERT = (
    "INSERT INTO reading (batch, series, at, value, flags, device_at)"
    " SELECT %s, r.* FROM unnest(%s::int[], %s::bigint[], %s::float8[], %s::int2[], %s::bigint[]) AS r"
    " ON CONFLICT (series, at) DO NOTHING"
)


def _array(column: Iterable[float | None]) -> str:
    """PostgreSQL's text of an array of numbers, which is several times faster than the driver's own way to it."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in column]) + "}"


def store(connection: sa.Connection, dialect: Dialect, batch: int, rows: Sequence[ReadingRow]) -> Sequence[ReadingRow]:
    """Inserts under the batch's number; returns those that were new, in the order of (series, at)."""
    for row in rows:
        if not (-_INFINITE < row[2] < _INFINITE and -_LARGEST < row[1] < _LARGEST):
            raise BadRequest(f"a reading of series {row[0]} has the value {row[2]} at {row[1]}: both must be finite")
    ordered = [row if row[2] else row._replace(value=0.0) for row in rows]  # SQLite forgets the sign of -0.0
    ordered.sort(key=_in_order)
    cursor = connection.connection.cursor()  # the driver's own: thousands a second need no statement objects
    try:
        if dialect == "sqlite":
            cursor.executemany(_SQLITE_INSERT, [(batch, *row) for row in ordered])
        else:
            cursor.execute(_POSTGRESQL_INSERT, (batch, *map(_array, zip(*ordered, strict=True))))
        if cursor.rowcount == len(ordered):
            return ordered
    finally:
        cursor.close()
    return of_batches(connection, batch, batch).get(batch, [])


def of_batches(connection: sa.Connection, first: int, last: int) -> dict[int, list[ReadingRow]]:
    """The readings of the batches first ≤ number ≤ last, each batch's in the order of (series, at)."""
    query = (
        sa.select(t.reading.c.batch, *READING_COLUMNS)
        .where(t.reading.c.batch.between(first, last))
        .order_by(t.reading.c.batch, t.reading.c.series, t.reading.c.at)
    )
    found: dict[int, list[ReadingRow]] = {}
    for batch, *row in connection.execute(query):
        found.setdefault(batch, []).append(ReadingRow(*row))
    return found


_SERIES = sa.select(
    t.series.c.id, t.series.c.source, t.series.c.external_id, t.series.c.quantity, t.series.c.unit, LIVING
).select_from(
    NAMED.join(
        t.series, (t.series.c.source == t.external.c.source) & (t.series.c.external_id == t.external.c.external_id)
    )
)


def _series_of(row: Sequence[Any]) -> Series:
    id_, source, external_id, quantity, unit, sensor = row[:6]
    return Series(id=id_, source=source, external_id=external_id, quantity=quantity, unit=unit, sensor=sensor)


def all_series(connection: sa.Connection) -> list[Series]:
    return [_series_of(row) for row in connection.execute(_SERIES.order_by(t.series.c.id))]


def find_series(connection: sa.Connection, source: str, external_ids: Sequence[str]) -> list[Series]:
    found: list[Series] = []
    for some in chunks(external_ids):
        query = _SERIES.where(t.series.c.source == source, t.series.c.external_id.in_(some))
        found += [_series_of(row) for row in connection.execute(query)]
    return found


def latest(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[Latest]]:
    """By each id that was asked for. One step into the index for each series of the entity that it leads to."""
    found: dict[str, list[Latest]] = {id_: [] for id_ in ids}
    leads_to = asked_for(connection, ids)
    newest = sa.select(sa.func.max(t.reading.c.at)).where(t.reading.c.series == t.series.c.id).correlate(t.series)
    for some in chunks(list(leads_to)):
        query = (
            _SERIES.add_columns(*READING_COLUMNS)
            .join(t.reading, (t.reading.c.series == t.series.c.id) & (t.reading.c.at == newest.scalar_subquery()))
            .where(t.external.c.entity.in_(members(some)))
            .order_by(t.series.c.quantity, t.series.c.id)
        )
        for row in connection.execute(query):
            one = Latest(series=_series_of(row), row=ReadingRow(*row[6:]))
            for id_ in leads_to[one.series.sensor]:
                found[id_].append(one)
    return found


def between(
    connection: sa.Connection, series: Sequence[int], since: int, until: int, limit: int
) -> dict[int, list[ReadingRow]]:
    """since ≤ at < until (microseconds), newest first, at most `limit` of each series."""
    found: dict[int, list[ReadingRow]] = {id_: [] for id_ in series}
    columns = ", ".join(ReadingRow._fields)
    one = (  # a limit for each series, so that no more is read than is given
        f"SELECT * FROM (SELECT {columns} FROM reading"  # noqa: S608 - constant names
        " WHERE series = :s{n} AND at >= :since AND at < :until ORDER BY at DESC LIMIT :limit) r{n}"
    )
    ids = list(found)
    for start in range(0, len(ids), 200):
        part = ids[start : start + 200]
        statement = sa.text(" UNION ALL ".join(one.format(n=n) for n in range(len(part))))
        values = {f"s{n}": id_ for n, id_ in enumerate(part)}
        for row in connection.execute(statement, {"since": since, "until": until, "limit": limit, **values}):
            found[row[0]].append(ReadingRow(*row))
    for rows in found.values():
        rows.sort(key=lambda row: row.at, reverse=True)
    return found
