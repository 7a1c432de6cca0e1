"""A source's latest claim of each of its things: found, compared, replaced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.contract import Claim
from hub.journal import tables as t
from hub.journal.engine import Dialect
from hub.journal.statements import LIVING, NAMED, chunks, put


@dataclass(frozen=True, slots=True)
class Held:
    seq: int
    content_hash: bytes
    last_seen: int
    entity: str  # that lives now


@dataclass(frozen=True, slots=True)
class Replacement:
    seq: int
    claim: Claim
    content_hash: bytes


def look_up(connection: sa.Connection, source: str, external_ids: Sequence[str]) -> dict[str, Held]:
    latest = t.claim_latest
    found: dict[str, Held] = {}
    for some in chunks(external_ids):
        query = (
            sa.select(latest.c.external_id, latest.c.seq, latest.c.content_hash, latest.c.last_seen, LIVING)
            .select_from(
                NAMED.join(
                    latest,
                    (latest.c.source == t.external.c.source) & (latest.c.external_id == t.external.c.external_id),
                )
            )
            .where(latest.c.source == source, latest.c.external_id.in_(some))
        )
        for external_id, seq, hashed, last_seen, entity in connection.execute(query):
            found[external_id] = Held(seq, hashed, last_seen, entity)
    return found


def last_words(connection: sa.Connection, seqs: Sequence[int]) -> dict[int, tuple[str, int, bytes]]:
    """Kind, version and payload of the claims with these numbers."""
    found: dict[int, tuple[str, int, bytes]] = {}
    for some in chunks(seqs):
        query = sa.select(t.record.c.seq, t.record.c.type, t.record.c.version, t.record.c.payload)
        for seq, kind, version, payload in connection.execute(query.where(t.record.c.seq.in_(some))):
            found[seq] = (kind, version, payload)
    return found


def replace(
    connection: sa.Connection,
    dialect: Dialect,
    source: str,
    known: Mapping[str, Held],
    replacements: Sequence[Replacement],
    seen: int,
) -> None:
    """Makes each the latest of its thing, links and all; of several of one thing the last one."""
    newest = {new.claim.external_id: new for new in replacements}
    put(
        connection,
        dialect,
        t.claim_latest,
        ("source", "external_id"),
        [
            {
                "source": source,
                "external_id": external_id,
                "seq": new.seq,
                "kind": new.claim.kind,
                "content_hash": new.content_hash,
                "last_seen": seen,
                "gone": new.claim.gone,
            }
            for external_id, new in newest.items()
        ],
    )
    for some in chunks([external_id for external_id in newest if external_id in known]):
        connection.execute(sa.delete(t.link).where(t.link.c.source == source, t.link.c.external_id.in_(some)))
    put(
        connection,
        dialect,
        t.link,
        tuple(t.link.c.keys()),
        [
            {
                "source": source,
                "external_id": external_id,
                "relation": link.relation,
                "target_source": link.source or source,
                "target_external_id": link.target,
            }
            for external_id, new in newest.items()
            if not new.claim.gone
            for link in new.claim.links
        ],
    )


def move_last_seen(connection: sa.Connection, seen: Mapping[tuple[str, str], int]) -> None:
    """`seen`: (source, external id) → microseconds since 1970."""
    if seen:
        latest = t.claim_latest
        connection.execute(
            sa.update(latest)
            .where(latest.c.source == sa.bindparam("of_source"), latest.c.external_id == sa.bindparam("of_id"))
            .values(last_seen=sa.bindparam("to")),
            [{"of_source": source, "of_id": name, "to": at} for (source, name), at in seen.items()],
        )
