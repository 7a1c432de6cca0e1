"""Reads from identity's tables what the partition of some things depends on, and writes what came of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from hub.journal.components import Pair, Thing, Union, Word, pair
from hub.journal.identifiers import Key
from hub.journal.tables import alias, external, identifier, match

_CHUNK = 500
T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """Databases bound the number of parameters."""
    listed = list(values)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


@dataclass(slots=True, kw_only=True)
class Neighbourhood:
    """All that `components.partition` needs, whole for each component of at most `limit` things."""

    things: Mapping[str, Thing] = field(default_factory=dict)
    holders: dict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    accepted: set[Pair] = field(default_factory=set)
    refused: set[Pair] = field(default_factory=set)


def around(connection: sa.Connection, seeds: Collection[str], aliases: "Aliases", *, limit: int) -> Neighbourhood:
    """Walks from `seeds` over shared trusted identifiers, accepted matches and present entities.

    An identifier with more than `limit` holders joins nothing, and a component that has grown past `limit` is
    not followed further: before this change its farther parts were whole or apart, and so they stay.
    """
    found = Neighbourhood()
    union = Union()
    seen = set(seeds)
    frontier = set(seeds)
    while frontier:
        step = set[str]()
        for left, right, state in _matches(connection, frontier):
            if state == "accepted":
                found.accepted.add(pair(left, right))
                union.join(left, right)
                step |= {left, right}
        for one in frontier:
            step |= aliases.members(one)
        followed = [one for one in frontier if union.size(one) <= limit]
        for key, held_by in shared(connection, keys_of(connection, followed), limit=limit).items():
            found.holders[key] |= held_by
            first = next(iter(held_by))
            for one in held_by:
                union.join(first, one)
            step |= held_by
        frontier = step - seen
        seen |= frontier
    found.things = things(connection, seen)
    for left, right, state in _matches(connection, seen):
        if state == "refused":
            found.refused.add(pair(left, right))
    for key in list(found.holders):
        found.holders[key] &= found.things.keys()
    return found


def things(connection: sa.Connection, ids: Iterable[str]) -> dict[str, Thing]:
    """Each with all its sources' words; a thing that was only linked to has none."""
    words = defaultdict[str, list[Word]](list)
    made = dict[str, int]()
    for some in chunks(ids):
        for row in connection.execute(sa.select(external).where(external.c.entity.in_(some))):
            made[row.entity] = min(row.made_at, made.get(row.entity, row.made_at))
            if row.kind is not None:
                words[row.entity].append(Word(row.source, row.kind, row.organization, not row.gone))
    return {one: Thing(id=one, made_at=at, words=words[one]) for one, at in made.items()}


def keys_of(connection: sa.Connection, ids: Iterable[str]) -> set[Key]:
    columns = (identifier.c.scheme, identifier.c.scope, identifier.c.value)
    return {
        Key(*row)
        for some in chunks(ids)
        for row in connection.execute(
            sa.select(*columns).where(identifier.c.entity.in_(some), identifier.c.trusted).distinct()
        )
    }


def shared(connection: sa.Connection, keys: Collection[Key], *, limit: int) -> dict[Key, set[str]]:
    """The trusted holders of those identifiers that more than one thing has, and at most `limit`."""
    counts = count(connection, keys)
    some = [key for key in keys if 1 < counts[key] <= limit]
    held = {key: {row.entity for row in rows if row.trusted} for key, rows in holders(connection, some).items()}
    return {key: ids for key, ids in held.items() if len(ids) > 1}


def count(connection: sa.Connection, keys: Collection[Key]) -> Counter[Key]:
    """How many things hold each identifier, by sources that are trusted with it."""
    counted = Counter[Key]()
    for scheme, scope, values in _grouped(keys):
        statement = (
            sa.select(identifier.c.value, sa.func.count(identifier.c.entity.distinct()))
            .where(identifier.c.scheme == scheme, identifier.c.scope == scope, identifier.c.value.in_(values))
            .where(identifier.c.trusted)
            .group_by(identifier.c.value)
        )
        for value, number in connection.execute(statement):
            counted[Key(scheme, scope, value)] = number
    return counted


def doubtful(connection: sa.Connection, keys: Collection[Key], *, limit: int) -> set[Key]:
    """Those identifiers that at most `limit` hold, more than one, and one of them by a source not trusted with it."""
    untrusted = sa.func.sum(sa.case((identifier.c.trusted, 0), else_=1))
    found = set[Key]()
    for scheme, scope, values in _grouped(keys):
        statement = (
            sa.select(identifier.c.value)
            .where(identifier.c.scheme == scheme, identifier.c.scope == scope, identifier.c.value.in_(values))
            .group_by(identifier.c.value)
            .having(untrusted > 0, sa.func.count().between(2, limit))
        )
        found |= {Key(scheme, scope, value) for value in connection.scalars(statement)}
    return found


def holders(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, list[sa.Row[Any]]]:
    """Every holder's row of each identifier, trusted or not."""
    found = defaultdict[Key, list[sa.Row[Any]]](list)
    for scheme, scope, values in _grouped(keys):
        statement = sa.select(identifier).where(
            identifier.c.scheme == scheme, identifier.c.scope == scope, identifier.c.value.in_(values)
        )
        for row in connection.execute(statement):
            found[Key(scheme, scope, row.value)].append(row)
    return found


def _grouped(keys: Iterable[Key]) -> Iterator[tuple[str, str, Sequence[str]]]:
    by = defaultdict[tuple[str, str], list[str]](list)
    for key in keys:
        by[key.scheme, key.scope].append(key.value)
    for (scheme, scope), values in by.items():
        for some in chunks(values):
            yield scheme, scope, some


def _matches(connection: sa.Connection, ids: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    decided = match.c.state != "proposed"
    for some in chunks(ids):
        for side in (match.c.left, match.c.right):
            statement = sa.select(match.c.left, match.c.right, match.c.state).where(side.in_(some), decided)
            for row in connection.execute(statement):
                yield row.left, row.right, row.state


class Aliases:
    """All aliases, held in memory: which entity each thing is part of."""

    def __init__(self, connection: sa.Connection) -> None:
        self._into: dict[str, str] = {}
        self._of = defaultdict[str, set[str]](set)
        for row in connection.execute(sa.select(alias)):
            self._into[row.old] = row.into
            self._of[row.into].add(row.old)

    def root(self, one: str) -> str:
        return self._into.get(one, one)

    def members(self, one: str) -> set[str]:
        """All things of the entity that `one` is part of."""
        root = self.root(one)
        return {root} | self._of.get(root, set())

    def apply(self, connection: sa.Connection, roots: Mapping[str, str]) -> dict[str, str]:
        """Writes the new entity of each thing; what changed, as it was before."""
        before = {one: self.root(one) for one, root in roots.items() if self.root(one) != root}
        for some in chunks(before):
            connection.execute(sa.delete(alias).where(alias.c.old.in_(some)))
        for one, was in before.items():
            if was != one:
                del self._into[one]
                self._of[was].discard(one)
                if not self._of[was]:
                    del self._of[was]
        rows = [{"old": one, "into": roots[one]} for one in before if roots[one] != one]
        for row in rows:
            self._into[row["old"]] = row["into"]
            self._of[row["into"]].add(row["old"])
        if rows:
            connection.execute(sa.insert(alias), rows)
        return before
