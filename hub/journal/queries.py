"""What the log says, read by statements of bounded size: entries, streams, the latest claims, dead letters."""

from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from adapters.contract import Claim
from hub.clock import from_micros
from hub.journal import readings
from hub.journal import tables as t
from hub.journal.encoding import Seals, unseal_claim
from hub.journal.entries import RECORD_COLUMNS, StoredRecord, entry_of, event_of
from hub.journal.records import ClaimEntry, Entry, EventEntry, HeldClaim, HeldDeadLetter, ReadingsEntry
from hub.journal.statements import things_of, within

_ROWS_A_PAGE = 50_000  # readings


def entries(connection: sa.Connection, after: int, limit: int) -> list[Entry]:
    """What stands above `after`, in order: about `limit` entries and never many more readings than a page holds."""
    records = connection.execute(
        sa.select(t.batch.c.recorded_at, *RECORD_COLUMNS)
        .join(t.batch, t.batch.c.seq == t.record.c.batch)
        .where(t.record.c.seq > after)
        .order_by(t.record.c.seq)
        .limit(limit)
    ).all()
    until = records[-1].seq if len(records) == limit else 1 << 62
    batches = connection.execute(
        sa.select(t.batch.c.seq, t.batch.c.recorded_at, t.batch.c.source, t.batch.c.readings)
        .where(t.batch.c.seq > after, t.batch.c.seq <= until, t.batch.c.readings > 0)
        .order_by(t.batch.c.seq)
        .limit(limit)
    ).all()
    if len(batches) == limit:
        until = min(until, batches[-1].seq)
    rows = 0
    for batch in batches:
        rows += batch.readings
        if rows >= _ROWS_A_PAGE:
            until = min(until, batch.seq)
            break
    batches = [batch for batch in batches if batch.seq <= until]
    found: list[Entry] = [entry_of(StoredRecord(*row[1:]), from_micros(row[0])) for row in records if row.seq <= until]
    if batches:
        of = readings.of_batches(connection, batches[0].seq, batches[-1].seq)
        found += [
            ReadingsEntry(
                seq=batch.seq,
                recorded_at=from_micros(batch.recorded_at),
                source=batch.source,
                rows=of.get(batch.seq, []),
            )
            for batch in batches
        ]
        found.sort(key=lambda entry: entry.seq)
    return found


def records(connection: sa.Connection, after: int, limit: int) -> tuple[int, list[Entry]]:
    """The same without readings, and the number up to which nothing was left out."""
    reached = head(connection)
    rows = connection.execute(
        sa.select(t.batch.c.recorded_at, *RECORD_COLUMNS)
        .join(t.batch, t.batch.c.seq == t.record.c.batch)
        .where(t.record.c.seq > after)
        .order_by(t.record.c.seq)
        .limit(limit)
    ).all()
    if len(rows) == limit:
        reached = rows[-1].seq
    return max(after, reached), [entry_of(StoredRecord(*row[1:]), from_micros(row[0])) for row in rows]


def stream(connection: sa.Connection, name: str, after: int = 0) -> list[EventEntry]:
    query = (
        sa.select(t.batch.c.recorded_at, *RECORD_COLUMNS)
        .join(t.batch, t.batch.c.seq == t.record.c.batch)
        .where(t.record.c.stream == name, t.record.c.stream_version > after)
        .order_by(t.record.c.stream_version)
    )
    return [event_of(StoredRecord(*row[1:]), from_micros(row[0])) for row in connection.execute(query)]


def claim_at(connection: sa.Connection, source: str, external_id: str, seq: int) -> Claim | None:
    record = t.record.c
    query = (
        sa.select(t.batch.c.recorded_at, *RECORD_COLUMNS)
        .join(t.batch, t.batch.c.seq == record.batch)
        .where(record.seq <= seq, record.kind == "claim", record.source == source, record.external_id == external_id)
        .order_by(record.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    entry = None if row is None else entry_of(StoredRecord(*row[1:]), from_micros(row[0]))
    return entry.claim if isinstance(entry, ClaimEntry) else None


def stream_version(connection: sa.Connection, name: str) -> int:
    query = sa.select(sa.func.max(t.record.c.stream_version)).where(t.record.c.stream == name)
    return connection.scalar(query) or 0


def referring(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """By each id that was asked for: the entities whose live claims link to the entity it leads to."""
    found: dict[str, list[str]] = {id_: [] for id_ in ids}
    aliases = sa.select(t.alias.c.old, t.alias.c.into).where(within(connection, t.alias.c.old, ids))
    lives = dict(connection.execute(aliases).all())
    asked: dict[str, list[str]] = {}
    for id_ in found:
        asked.setdefault(lives.get(id_, id_), []).append(id_)
    parts = things_of(connection, list(asked))
    linking: dict[str, set[str]] = {}
    for part, referrer in _links_to(connection, list(parts)):
        linking.setdefault(parts[part], set()).add(referrer)
    for entity, referrers in linking.items():
        for id_ in asked[entity]:
            found[id_] = sorted(referrers)
    return found


def linking(connection: sa.Connection, living: Sequence[str]) -> set[str]:
    """The entities whose live claims link to any of these, none of which is an alias."""
    return {referrer for _, referrer in _links_to(connection, list(things_of(connection, living)))}


def _links_to(connection: sa.Connection, parts: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Each of these things with each entity whose live claims link to it."""
    target, start, of_start = t.external.alias("target"), t.external.alias("start"), t.alias.alias("of_start")
    query = (
        sa.select(target.c.entity, sa.func.coalesce(of_start.c.into, start.c.entity))
        .distinct()
        .select_from(
            target.join(
                t.link,
                (t.link.c.target_source == target.c.source) & (t.link.c.target_external_id == target.c.external_id),
            )
            .join(start, (start.c.source == t.link.c.source) & (start.c.external_id == t.link.c.external_id))
            .outerjoin(of_start, of_start.c.old == start.c.entity)
        )
        .where(within(connection, target.c.entity, parts))
    )
    return connection.execute(query).tuples().all()


def known_as(connection: sa.Connection, id_: str) -> list[str]:
    """The id that lives first, then its aliases."""
    living = connection.scalar(sa.select(t.alias.c.into).where(t.alias.c.old == id_)) or id_
    aliases = sa.select(t.alias.c.old).where(t.alias.c.into == living).order_by(t.alias.c.old)
    return [living, *connection.scalars(aliases)]


def entities(connection: sa.Connection, after: str, limit: int) -> list[str]:
    """Ids of entities that were ever claimed and are no aliases, above `after`, in order."""
    query = (
        sa.select(t.external.c.entity)
        .distinct()
        .where(t.external.c.entity > after, t.external.c.kind.is_not(None))
        .where(~sa.exists().where(t.alias.c.old == t.external.c.entity))
        .order_by(t.external.c.entity)
        .limit(limit)
    )
    return list(connection.scalars(query))


def live_claims(connection: sa.Connection, source: str) -> dict[str, str]:
    latest = t.claim_latest
    query = sa.select(latest.c.external_id, latest.c.kind).where(latest.c.source == source, latest.c.gone.is_(False))
    return {row.external_id: row.kind for row in connection.execute(query)}


def unsealed(claims: Sequence[HeldClaim], seals: Seals) -> list[HeldClaim]:
    return [
        held._replace(claim=replace(held.claim, values=unseal_claim(held.source, held.claim, seals))) for held in claims
    ]


def cursor(connection: sa.Connection, source: str) -> str | None:
    return connection.scalar(sa.select(t.cursor.c.cursor).where(t.cursor.c.source == source))


def checkpoint(connection: sa.Connection, consumer: str) -> tuple[int, bytes | None]:
    query = sa.select(t.checkpoint.c.position, t.checkpoint.c.state).where(t.checkpoint.c.consumer == consumer)
    row = connection.execute(query).one_or_none()
    return (0, None) if row is None else (row.position, row.state)


def checkpoints(connection: sa.Connection, prefix: str) -> list[tuple[str, int]]:
    query = (
        sa.select(t.checkpoint.c.consumer, t.checkpoint.c.position)
        .where(t.checkpoint.c.consumer.startswith(prefix, autoescape=True))
        .order_by(t.checkpoint.c.position, t.checkpoint.c.consumer)
    )
    return [(consumer, position) for consumer, position in connection.execute(query)]


def dead_letters(
    connection: sa.Connection, seals: Seals, source: str | None, after: int, limit: int, waiting: bool
) -> list[HeldDeadLetter]:
    letter = t.dead_letter
    query = sa.select(letter).where(letter.c.id > after).order_by(letter.c.id).limit(limit)
    if source is not None:
        query = query.where(letter.c.source == source)
    if waiting:
        query = query.where(letter.c.replayed_at.is_(None))
    return [
        HeldDeadLetter(
            id=row["id"],
            source=row["source"],
            key=row["key"],
            received_at=from_micros(row["received_at"]),
            recorded_at=from_micros(row["recorded_at"]),
            reason=row["reason"],
            where=row["where"],
            adapter_version=row["adapter_version"],
            data=seals.unseal(row["source"], row["sealed_as"], row["data"]),
            replayed_at=None if row["replayed_at"] is None else from_micros(row["replayed_at"]),
        )
        for row in connection.execute(query).mappings()
    ]


def head(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(t.meta.c.head)) or 0
