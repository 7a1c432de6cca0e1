"""Each source's latest claim of some entities: what the log says of them now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.clock import from_micros
from hub.journal import tables as t
from hub.journal.encoding import decode_claim, decode_event
from hub.journal.queries import head
from hub.journal.records import ClaimEntry, Entry, EventEntry, HeldClaim
from hub.journal.statements import LIVING, NAMED, entities_of, things_of, within

IDENTITY_EVENTS = ("entity.merged", "entity.split")


@dataclass(frozen=True, slots=True)
class LatestClaims:
    """`lives`: each known id that was asked for → the entity that lives. `claims`: by that entity, in the order of
    source and external id, those that are gone among them."""

    lives: Mapping[str, str]
    claims: Mapping[str, Sequence[HeldClaim]]


@dataclass(frozen=True, slots=True)
class Changed:
    """What the entries up to `reached` concern, as it stands now. `parted`: those whose identity they changed."""

    reached: int
    latest: LatestClaims
    parted: frozenset[str]


def changed(connection: sa.Connection, reached: int, entries: Sequence[Entry]) -> Changed:
    """`entries`: what is at hand up to `reached`."""
    touched: set[str] = set()
    parted: set[str] = set()
    for entry in entries:
        if isinstance(entry, ClaimEntry):
            touched.add(entry.entity)
        elif isinstance(entry, EventEntry) and entry.type in IDENTITY_EVENTS:
            parted |= {str(entry.data["entity"]), str(entry.data["alias"])}
    return _changed(connection, reached, touched, parted)


def changed_after(connection: sa.Connection, after: int, limit: int) -> Changed:
    """The same of about `limit` entries above `after`, of which only what they concern is read."""
    record = t.record
    reached = head(connection)
    rows = connection.execute(
        sa.select(record.c.seq, record.c.kind, record.c.entity)
        .where(record.c.seq > after)
        .order_by(record.c.seq)
        .limit(limit)
    ).all()
    if len(rows) == limit:
        reached = rows[-1].seq
    touched = {entity for _, kind, entity in rows if kind == "claim"}
    parted: set[str] = set()
    if any(kind == "event" for _, kind, _ in rows):
        identities = sa.select(record.c.type, record.c.version, record.c.payload).where(
            record.c.seq > after, record.c.seq <= rows[-1].seq, record.c.type.in_(IDENTITY_EVENTS)
        )
        for row in connection.execute(identities):
            data = decode_event(*row)[1]
            parted |= {str(data["entity"]), str(data["alias"])}
    return _changed(connection, max(after, reached), touched, parted)


def _changed(connection: sa.Connection, reached: int, touched: set[str], parted: set[str]) -> Changed:
    touched |= parted
    latest = latest_claims(connection, list(touched)) if touched else LatestClaims({}, {})
    return Changed(reached, latest, frozenset(parted))


def latest_claims(connection: sa.Connection, ids: Sequence[str]) -> LatestClaims:
    lives, rows = _newest(connection, list(ids))
    living = set(lives.values())
    if others := things_of(connection, list(living)).keys() - lives.keys():
        rows += _newest(connection, sorted(others))[1]
    said = [decode_claim(row[4], row[1], row[5], row[6]) for row in rows]
    named: dict[str, set[str]] = {}
    for row, claim in zip(rows, said, strict=True):
        for link in claim.links:
            named.setdefault(link.source or row[0], set()).add(link.target)
    targets = {source: entities_of(connection, source, list(names)) for source, names in named.items()}
    moments = _moments(micros for row in rows for micros in (row[7], row[8]))
    claims: dict[str, list[HeldClaim]] = {entity: [] for entity in living}
    for (source, _, seq, entity, _, _, _, recorded_at, last_seen, _), claim in zip(rows, said, strict=True):
        found = {
            (link.relation, link.target): target
            for link in claim.links
            if (target := targets[link.source or source].get(link.target)) is not None
        }
        claims[entity].append(HeldClaim(seq, source, entity, claim, found, moments[recorded_at], moments[last_seen]))
    for of_one in claims.values():
        if len(of_one) > 1:
            of_one.sort(key=_source_and_name)
    return LatestClaims(lives, claims)


def _source_and_name(held: HeldClaim) -> tuple[str, str]:
    return held.source, held.claim.external_id


def live_of(
    connection: sa.Connection, kinds: Sequence[str], after: tuple[str, str] | None = None, limit: int | None = None
) -> list[HeldClaim]:
    """Every source's latest live claims of these kinds, in the order of source and external id, those behind `after`
    alone; `targets` is left out, since what they link to may be anything."""
    newest = t.claim_latest
    query = (
        sa.select(*_NEWEST)
        .select_from(
            NAMED.join(
                newest, (newest.c.source == t.external.c.source) & (newest.c.external_id == t.external.c.external_id)
            )
            .join(t.record, t.record.c.seq == newest.c.seq)
            .join(t.batch, t.batch.c.seq == t.record.c.batch)
        )
        .where(within(connection, newest.c.kind, kinds), newest.c.gone.is_(False))
        .order_by(newest.c.source, newest.c.external_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(sa.tuple_(newest.c.source, newest.c.external_id) > sa.tuple_(*map(sa.literal, after)))
    rows = connection.execute(query).tuples().all()
    moments = _moments(micros for row in rows for micros in (row[7], row[8]))
    return [
        HeldClaim(
            seq=seq,
            source=source,
            entity=entity,
            claim=decode_claim(kind, external_id, version, payload),
            targets={},
            recorded_at=moments[recorded_at],
            last_seen=moments[last_seen],
        )
        for source, external_id, seq, entity, kind, version, payload, recorded_at, last_seen in rows
    ]


_Newest = tuple[str, str, int, str, str, int, bytes, int, int, str]
_NEWEST = (
    t.claim_latest.c.source,
    t.claim_latest.c.external_id,
    t.claim_latest.c.seq,
    LIVING,
    t.record.c.type,
    t.record.c.version,
    t.record.c.payload,
    t.batch.c.recorded_at,
    t.claim_latest.c.last_seen,
)


def _moments(times: Iterable[int]) -> dict[int, datetime]:
    """By their microseconds; the claims of a batch are recorded, and seen, in one moment."""
    return {micros: from_micros(micros) for micros in set(times)}


def _newest(connection: sa.Connection, ids: list[str]) -> tuple[dict[str, str], list[_Newest]]:
    """Of things by their own ids: the entity that lives, and the latest claims."""
    newest, external = t.claim_latest, t.external
    query = (
        sa.select(*_NEWEST, external.c.entity)
        .select_from(
            NAMED.outerjoin(
                newest, (newest.c.source == external.c.source) & (newest.c.external_id == external.c.external_id)
            )
            .outerjoin(t.record, t.record.c.seq == newest.c.seq)
            .outerjoin(t.batch, t.batch.c.seq == t.record.c.batch)
        )
        .where(within(connection, external.c.entity, ids))
    )
    found = connection.execute(query).tuples().all()
    return {row[9]: row[3] for row in found}, [row for row in found if row[2] is not None]


def claims_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[HeldClaim]]:
    """By each id that was asked for: the latest live claims of the entity it leads to, oldest source's name first."""
    found = latest_claims(connection, ids)
    live = {entity: [held for held in claims if not held.claim.gone] for entity, claims in found.claims.items()}
    return {id_: live[found.lives[id_]] if id_ in found.lives else [] for id_ in ids}
