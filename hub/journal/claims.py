"""Each source's latest claim of some entities: what the log says of them now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from adapters.contract import Claim
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


class _Newest(NamedTuple):
    """A thing's newest claim, as it is stored."""

    source: str
    external_id: str
    seq: int
    last_seen: int
    entity: str
    kind: str
    version: int
    payload: bytes
    recorded_at: int

    def claim(self) -> Claim:
        return decode_claim(self.kind, self.external_id, self.version, self.payload)


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
    rows.sort()
    said = [row.claim() for row in rows]
    named: dict[str, set[str]] = {}
    for row, claim in zip(rows, said, strict=True):
        for link in claim.links:
            named.setdefault(link.source or row.source, set()).add(link.target)
    targets = {source: entities_of(connection, source, list(names)) for source, names in named.items()}
    claims: dict[str, list[HeldClaim]] = {entity: [] for entity in living}
    moments: dict[int, datetime] = {}  # a batch's claims are recorded, and seen, in one moment

    def moment(micros: int) -> datetime:
        if (known := moments.get(micros)) is None:
            known = moments[micros] = from_micros(micros)
        return known

    for row, claim in zip(rows, said, strict=True):
        held = HeldClaim(
            seq=row.seq,
            source=row.source,
            entity=row.entity,
            claim=claim,
            targets={
                (link.relation, link.target): target
                for link in claim.links
                if (target := targets[link.source or row.source].get(link.target)) is not None
            }
            if claim.links
            else {},
            recorded_at=moment(row.recorded_at),
            last_seen=moment(row.last_seen),
        )
        claims[row.entity].append(held)
    return LatestClaims(lives, claims)


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
    return [
        HeldClaim(
            seq=row.seq,
            source=row.source,
            entity=row.entity,
            claim=row.claim(),
            targets={},
            recorded_at=from_micros(row.recorded_at),
            last_seen=from_micros(row.last_seen),
        )
        for row in map(_Newest._make, connection.execute(query))
    ]


_NEWEST = (
    t.claim_latest.c.source,
    t.claim_latest.c.external_id,
    t.claim_latest.c.seq,
    t.claim_latest.c.last_seen,
    LIVING,
    t.record.c.type,
    t.record.c.version,
    t.record.c.payload,
    t.batch.c.recorded_at,
)


def _newest(connection: sa.Connection, ids: list[str]) -> tuple[dict[str, str], list[_Newest]]:
    """Of things by their own ids: the entity that lives, and the latest claims."""
    newest, external = t.claim_latest, t.external
    query = (
        sa.select(external.c.entity, *_NEWEST)
        .select_from(
            NAMED.outerjoin(
                newest, (newest.c.source == external.c.source) & (newest.c.external_id == external.c.external_id)
            )
            .outerjoin(t.record, t.record.c.seq == newest.c.seq)
            .outerjoin(t.batch, t.batch.c.seq == t.record.c.batch)
        )
        .where(within(connection, external.c.entity, ids))
    )
    found = connection.execute(query).all()
    return {row[0]: row[5] for row in found}, [_Newest._make(row[1:]) for row in found if row[3] is not None]


def claims_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[HeldClaim]]:
    """By each id that was asked for: the latest live claims of the entity it leads to, oldest source's name first."""
    found = latest_claims(connection, ids)
    live = {entity: [held for held in claims if not held.claim.gone] for entity, claims in found.claims.items()}
    return {id_: live[found.lives[id_]] if id_ in found.lives else [] for id_ in ids}
