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
from hub.journal.records import ClaimEntry, Entry, HeldClaim
from hub.journal.statements import asked_for, entities_of, things_of, within


@dataclass(frozen=True, slots=True)
class LatestClaims:
    """`lives`: each known id that was asked for → the entity that lives. `claims`: by that entity, in the order of
    source and external id, those that are gone among them."""

    lives: Mapping[str, str]
    claims: Mapping[str, Sequence[HeldClaim]]


class _Said(NamedTuple):
    claim: Claim
    recorded_at: datetime


def latest_claims(connection: sa.Connection, ids: Sequence[str], entries: Sequence[Entry] = ()) -> LatestClaims:
    """`entries`: some that were read already, of which no payload is read again."""
    asked = asked_for(connection, ids)
    parts = things_of(connection, list(asked))
    newest, external = t.claim_latest, t.external
    query = (
        sa.select(external.c.entity, newest.c.source, newest.c.external_id, newest.c.seq, newest.c.last_seen)
        .select_from(
            external.join(
                newest, (newest.c.source == external.c.source) & (newest.c.external_id == external.c.external_id)
            )
        )
        .where(within(connection, external.c.entity, list(parts)))
    )
    rows = sorted(connection.execute(query), key=lambda row: (row[1], row[2]))
    said = {entry.seq: _Said(entry.claim, entry.recorded_at) for entry in entries if isinstance(entry, ClaimEntry)}
    said |= _read(connection, [row[3] for row in rows if row[3] not in said])
    named: dict[str, set[str]] = {}
    for _, source, _, seq, _ in rows:
        for link in said[seq].claim.links:
            named.setdefault(link.source or source, set()).add(link.target)
    targets = {source: entities_of(connection, source, sorted(names)) for source, names in named.items()}
    claims: dict[str, list[HeldClaim]] = {entity: [] for entity in asked}
    for part, source, _, seq, last_seen in rows:
        claim, recorded_at = said[seq]
        entity = parts[part]
        claims[entity].append(
            HeldClaim(
                seq=seq,
                source=source,
                entity=entity,
                claim=claim,
                targets={
                    (link.relation, link.target): target
                    for link in claim.links
                    if (target := targets[link.source or source].get(link.target)) is not None
                },
                recorded_at=recorded_at,
                last_seen=from_micros(last_seen),
            )
        )
    return LatestClaims({id_: entity for entity, leading in asked.items() for id_ in leading}, claims)


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
