"""Who holds which identifier: written claim by claim, and which things it unsettles when one changes hands."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from hub.journal import neighbourhood
from hub.journal.identifiers import Key
from hub.journal.neighbourhood import chunks
from hub.journal.tables import identifier


@dataclass(slots=True, kw_only=True)
class Moved:
    """What a batch did to identifiers; `by` is how many more trusted holders each has."""

    by: dict[Key, int] = field(default_factory=dict)
    given: set[Key] = field(default_factory=set)
    lost: set[Key] = field(default_factory=set)
    all: set[Key] = field(default_factory=set)  # also those of things that changed otherwise


def rewrite(
    connection: sa.Connection,
    source: str,
    things: Mapping[str, tuple[str, Mapping[Key, bool] | None]],
    claimed: Collection[str],
) -> Moved:
    """`things`: external id → its id and its identifiers now, each with whether the source is trusted with it
    (None: as they are). `claimed`: those that may have had some before."""
    moved = Moved()
    old = dict[str, dict[Key, bool]]()
    for some in chunks(claimed):
        statement = sa.select(identifier).where(identifier.c.source == source, identifier.c.external_id.in_(some))
        for row in connection.execute(statement):
            old.setdefault(row.external_id, {})[Key(row.scheme, row.scope, row.value)] = row.trusted
    drop, add = list[str](), list[dict[str, object]]()
    for external_id, (thing, keys) in things.items():
        had = old.get(external_id, {})
        moved.all |= had.keys()
        if keys is None or keys == had:
            continue
        if had:
            drop.append(external_id)
        for key, trusted in keys.items():
            moved.all.add(key)
            moved.given.add(key)
            moved.by[key] = moved.by.get(key, 0) + trusted
            add.append(
                {**key._asdict(), "source": source, "external_id": external_id, "entity": thing, "trusted": trusted}
            )
        for key, trusted in had.items():
            moved.by[key] = moved.by.get(key, 0) - trusted
            if not keys.get(key):
                moved.lost.add(key)
    for some in chunks(drop):
        connection.execute(
            sa.delete(identifier).where(identifier.c.source == source, identifier.c.external_id.in_(some))
        )
    if add:
        connection.execute(sa.insert(identifier), add)
    return moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """`things`: those whose entity may change. `worn`: identifiers that have just passed the limit."""

    things: set[str]
    worn: set[Key]


def unsettled(connection: sa.Connection, moved: Moved, *, limit: int) -> Unsettled:
    """All holders of a shared identifier that moved, and of one that has just passed `limit` holders, past which
    it joins nothing."""
    counts = neighbourhood.count(connection, moved.all)
    some, worn = set[Key](), set[Key]()
    for key in moved.all:
        now = counts[key]
        before = now - moved.by.get(key, 0)
        if min(now, before) <= limit and (max(now, before) > 1 or key in moved.lost):
            some.add(key)
        if before <= limit < now:
            worn.add(key)
    held = neighbourhood.holders(connection, some)
    return Unsettled(things={row.entity for rows in held.values() for row in rows if row.trusted}, worn=worn)
