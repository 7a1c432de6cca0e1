"""Each source's latest claim of some entities: what the log says of them now, without reading what is at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from adapters.contract import Claim
from hub.clock import from_micros
from hub.journal import tables as t
from hub.journal.encoding import decode_claim
from hub.journal.records import ClaimEntry, Entry, EventEntry, HeldClaim
from hub.journal.statements import LIVING, NAMED, entities_of, things_of, within


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


class _Said(NamedTuple):
    claim: Claim
    recorded_at: datetime


def latest_claims(connection: sa.Connection, ids: Sequence[str], entries: Sequence[Entry] = ()) -> LatestClaims:
    """`entries`: some that were read already, of which no payload is read again."""
    lives, rows = _newest(connection, list(ids))
    living = set(lives.values())
    if others := things_of(connection, list(living)).keys() - lives.keys():
        rows += _newest(connection, sorted(others))[1]
    rows.sort()
    said: dict[int, ClaimEntry | _Said] = {entry.seq: entry for entry in entries if isinstance(entry, ClaimEntry)}
    said |= _read(connection, [row.seq for row in rows if row.seq not in said])
    named: dict[str, set[str]] = {}
    for row in rows:
        for link in said[row.seq].claim.links:
            named.setdefault(link.source or row.source, set()).add(link.target)
    targets = {source: entities_of(connection, source, list(names)) for source, names in named.items()}
    claims: dict[str, list[HeldClaim]] = {entity: [] for entity in living}
    seen_at: dict[int, datetime] = {}  # a batch's claims are seen in one moment
    for source, _, seq, last_seen, entity in rows:
        last = said[seq]
        claim = last.claim
        if (moment := seen_at.get(last_seen)) is None:
            moment = seen_at[last_seen] = from_micros(last_seen)
        held = HeldClaim(
            seq=seq,
            source=source,
            entity=entity,
            claim=claim,
            targets={
                (link.relation, link.target): target
                for link in claim.links
                if (target := targets[link.source or source].get(link.target)) is not None
            }
            if claim.links
            else {},
            recorded_at=last.recorded_at,
            last_seen=moment,
        )
        claims[entity].append(held)
    return LatestClaims(lives, claims)


def changed(connection: sa.Connection, reached: int, entries: Sequence[Entry]) -> Changed:
    """`entries`: what was read, or is at hand, up to `reached`."""
    touched: set[str] = set()
    parted: set[str] = set()
    for entry in entries:
        if isinstance(entry, ClaimEntry):
            touched.add(entry.entity)
        elif isinstance(entry, EventEntry) and entry.type in ("entity.merged", "entity.split"):
            parted |= {str(entry.data["entity"]), str(entry.data["alias"])}
    touched |= parted
    latest = latest_claims(connection, list(touched), entries) if touched else LatestClaims({}, {})
    return Changed(reached, latest, frozenset(parted))


def live_of(connection: sa.Connection, kinds: Sequence[str]) -> list[HeldClaim]:
    """Every source's latest live claims of these kinds, in the order of source and external id; `targets` is left
    out, since what they link to may be anything."""
    newest = t.claim_latest
    query = (
        sa.select(newest.c.source, newest.c.external_id, newest.c.seq, newest.c.last_seen, LIVING)
        .select_from(
            NAMED.join(
                newest, (newest.c.source == t.external.c.source) & (newest.c.external_id == t.external.c.external_id)
            )
        )
        .where(within(connection, newest.c.kind, kinds), newest.c.gone.is_(False))
        .order_by(newest.c.source, newest.c.external_id)
    )
    rows = [_Newest(*row) for row in connection.execute(query)]
    said = _read(connection, [row.seq for row in rows])
    return [
        HeldClaim(
            seq=row.seq,
            source=row.source,
            entity=row.entity,
            claim=said[row.seq].claim,
            targets={},
            recorded_at=said[row.seq].recorded_at,
            last_seen=from_micros(row.last_seen),
        )
        for row in rows
    ]


class _Newest(NamedTuple):
    source: str
    external_id: str
    seq: int
    last_seen: int
    entity: str


def _newest(connection: sa.Connection, ids: list[str]) -> tuple[dict[str, str], list[_Newest]]:
    """Of things by their own ids: the entity that lives, and the numbers of the latest claims."""
    newest, external = t.claim_latest, t.external
    query = (
        sa.select(
            external.c.entity,
            newest.c.source,
            newest.c.external_id,
            newest.c.seq,
            newest.c.last_seen,
            LIVING,
        )
        .select_from(
            NAMED.outerjoin(
                newest, (newest.c.source == external.c.source) & (newest.c.external_id == external.c.external_id)
            )
        )
        .where(within(connection, external.c.entity, ids))
    )
    found = connection.execute(query).all()
    return {row[0]: row[5] for row in found}, [_Newest(*row[1:]) for row in found if row[3] is not None]


def claims_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, list[HeldClaim]]:
    """By each id that was asked for: the latest live claims of the entity it leads to, oldest source's name first."""
    found = latest_claims(connection, ids)
    live = {entity: [held for held in claims if not held.claim.gone] for entity, claims in found.claims.items()}
    return {id_: live[found.lives[id_]] if id_ in found.lives else [] for id_ in ids}


def _read(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, _Said]:
    if not seqs:
        return {}
    record = t.record
    query = (
        sa.select(
            record.c.seq, record.c.type, record.c.external_id, record.c.version, record.c.payload, t.batch.c.recorded_at
        )
        .join(t.batch, t.batch.c.seq == record.c.batch)
        .where(within(connection, record.c.seq, seqs))
    )
    return {
        seq: _Said(decode_claim(type_, external_id, version, payload)[0], from_micros(recorded_at))
        for seq, type_, external_id, version, payload, recorded_at in connection.execute(query)
    }
