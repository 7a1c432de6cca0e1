"""What the sources say of things of some kinds, joined as identity decides: a fold over the log's claims.

The same entries in the same order give the same state, which can be kept and taken up again. Ids that were merged
away are understood everywhere.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from sys import intern
from typing import TypeVar

import orjson

from adapters.contract import Value
from hub.clock import from_micros, to_micros
from hub.journal.choice import Weight, weight
from hub.journal.records import ClaimEntry, Entry, EventEntry

K = TypeVar("K")
V = TypeVar("V")
Name = tuple[str, str]
"""What a source calls a thing: (source, external id)."""

Kinds = Mapping[str, tuple[str, ...]]
"""The kinds of things that are kept, each with the values that are."""


@dataclass(frozen=True, slots=True)
class Said:
    """A source's latest word on one thing: the kept values of its kind, in their order; times in microseconds."""

    kind: str
    values: tuple[Value, ...]
    position: tuple[float, float] | None
    observed_at: int | None
    recorded_at: int
    links: tuple[tuple[str, Name], ...]


class Joined:
    """`apply` each entry of the log in order; it tells which things may look different now."""

    def __init__(self, precedence: Mapping[str, int], kinds: Kinds, relations: Collection[str], version: int) -> None:
        self._precedence = precedence
        self._kinds = kinds
        self._places = {kind: {name: at for at, name in enumerate(names)} for kind, names in kinds.items()}
        self._relations = frozenset(relations)
        self._version = version
        self._clear()

    def _clear(self) -> None:
        self._said: dict[Name, Said] = {}
        self._entity: dict[Name, str] = {}  # whose the name is, as the log said; aliases lead on
        self._alias: dict[str, str] = {}
        self._names: dict[str, tuple[Name, ...]] = {}  # living entity → its names
        self._mentions: dict[Name, set[Name]] = {}  # name → the names whose claims link to it

    # ---- folding

    def apply(self, entry: Entry) -> set[str]:
        """The living entities that may look different."""
        if isinstance(entry, ClaimEntry):
            return self._claim(entry)
        if isinstance(entry, EventEntry) and entry.type in ("entity.merged", "entity.split"):
            return self._identity(entry)
        return set()

    def _claim(self, entry: ClaimEntry) -> set[str]:
        claim, name = entry.claim, (intern(entry.source), entry.claim.external_id)
        if claim.kind not in self._kinds:
            return set()
        links = tuple(
            (intern(link.relation), (intern(link.source or entry.source), link.target))
            for link in claim.links
            if link.relation in self._relations
        )
        touched: set[str] = set()
        for relation, target in links:
            known = entry.targets.get((relation, target[1]))
            if known is not None and target not in self._entity:
                self._entity[target] = known
                touched.update(self._linking((target,)))  # who had named it before anyone knew it
        self._unsay(name)
        touched |= self._assign(name, entry.entity)
        if not claim.gone:
            position = claim.position
            said = Said(
                intern(claim.kind),
                tuple(claim.values.get(value) for value in self._kinds[claim.kind]),
                None if position is None else (position.latitude, position.longitude),
                None if claim.observed_at is None else to_micros(claim.observed_at),
                to_micros(entry.recorded_at),
                links,
            )
            self._say(name, said)
        return touched

    def _say(self, name: Name, said: Said) -> None:
        self._said[name] = said
        for _, target in said.links:
            self._mentions.setdefault(target, set()).add(name)

    def _unsay(self, name: Name) -> None:
        said = self._said.pop(name, None)
        if said is not None:
            for _, target in said.links:
                discard(self._mentions, target, name)

    def _assign(self, name: Name, entity: str) -> set[str]:
        """Gives the name to the entity; the living entities that look different by it."""
        before = self._entity.get(name)
        now = self.resolve(entity)
        if before is not None and self.resolve(before) == now:
            entity = before  # a claim recorded while merged carries the other's id; a split asks for its own
        self._entity[name] = entity
        touched = {now}
        self._name(now, name)
        if before is not None and (old := self.resolve(before)) != now:
            self._names[old] = tuple(kept for kept in self._names.get(old, ()) if kept != name)
            touched.add(old)
        if before is None or before != entity:
            touched.update(self._linking((name,)))
        return touched

    def _name(self, entity: str, name: Name) -> None:
        names = self._names.get(entity, ())
        if name not in names:
            self._names[entity] = (*names, name)

    def _linking(self, names: Iterable[Name]) -> Iterator[str]:
        for name in names:
            for mention in self._mentions.get(name, ()):
                if mention in self._entity:
                    yield self.resolve(self._entity[mention])

    def _identity(self, entry: EventEntry) -> set[str]:
        """A merge makes one id the alias of the other; a split gives it back, with the names that are its own."""
        data = entry.data
        if entry.type == "entity.merged":
            self._alias[str(data["alias"])] = str(data["entity"])
        else:
            self._alias.pop(str(data["alias"]), None)
        ids = (str(data["alias"]), str(data["entity"]))
        names = {name for name, entity in self._entity.items() if entity in ids or self.resolve(entity) in ids}
        touched = {self.resolve(self._entity[name]) for name in names}
        for id_ in ids:
            touched.add(id_)
            self._names.pop(id_, None)
        for name in sorted(names):
            self._name(self.resolve(self._entity[name]), name)
        touched.update(self._linking(names))
        return touched

    def forget(self, entity: str) -> None:
        """What is over, and is asked for by nobody: nothing of it is kept."""
        for name in self._names.pop(entity, ()):
            self._unsay(name)
            self._entity.pop(name, None)

    # ---- asking

    def said(self, entity: str) -> list[Said]:
        """What is said of it, the most believed first; of one kind alone."""
        names = [name for name in self._names.get(entity, ()) if name in self._said]
        if len(names) > 1:
            names.sort(key=self._weight, reverse=True)
        said = [self._said[name] for name in names]
        return [one for one in said if one.kind == said[0].kind]

    def value(self, said: Iterable[Said], name: str) -> Value:
        """The first that has it."""
        for one in said:
            value = one.values[self._places[one.kind][name]]
            if value is not None:
                return value
        return None

    def targets(self, said: Said, relation: str) -> Iterator[str]:
        """The living entities that it links to."""
        for name, target in said.links:
            if name == relation and target in self._entity:
                yield self.resolve(self._entity[target])

    def resolve(self, entity: str) -> str:
        """The id that lives, of one that may have been merged away."""
        while entity in self._alias:
            entity = self._alias[entity]
        return entity

    def find(self, source: str, external_id: str) -> str | None:
        """The living entity of what `source` calls `external_id`, as far as the log has told."""
        entity = self._entity.get((source, external_id))
        return None if entity is None else self.resolve(entity)

    def entities(self) -> list[str]:
        return list(self._names)

    def _weight(self, name: Name) -> Weight:
        said = self._said[name]
        observed = None if said.observed_at is None else from_micros(said.observed_at)
        return weight(*name, observed, from_micros(said.recorded_at), self._precedence)

    # ---- keeping

    def dump(self) -> bytes:
        """All that was folded, as JSON; equal for equal state."""
        return self.freeze()()

    def freeze(self) -> Callable[[], bytes]:
        """`dump` of the state as it is now, to be called anywhere, on another thread too, while the fold goes on."""
        return partial(self._written, dict(self._alias), dict(self._entity), dict(self._said))

    def _written(self, alias: Mapping[str, str], entities: Mapping[Name, str], words: Mapping[Name, Said]) -> bytes:
        return orjson.dumps(
            {
                "version": self._version,
                "alias": dict(sorted(alias.items())),
                "entity": [[*name, entity] for name, entity in sorted(entities.items())],
                "said": [
                    [
                        *name,
                        one.kind,
                        one.values,
                        one.position,
                        one.observed_at,
                        one.recorded_at,
                        [[relation, *target] for relation, target in one.links],
                    ]
                    for name, one in sorted(words.items())
                ],
            }
        )

    def load(self, state: bytes) -> None:
        """Takes up what `dump` gave, in place of what was folded so far; raises ValueError for another version."""
        data = orjson.loads(state)
        if data["version"] != self._version:
            raise ValueError(f"a state of version {data['version']} cannot be taken up, only {self._version}")
        self._clear()
        self._alias = data["alias"]
        self._entity = {(intern(source), external): entity for source, external, entity in data["entity"]}
        for name, entity in self._entity.items():
            self._name(self.resolve(entity), name)
        for source, external, kind, values, position, observed, recorded, links in data["said"]:
            said = Said(
                intern(kind),
                tuple(tuple(value) if isinstance(value, list) else value for value in values),
                None if position is None else (position[0], position[1]),
                observed,
                recorded,
                tuple((intern(relation), (intern(of), target)) for relation, of, target in links),
            )
            self._say((intern(source), external), said)


def discard(index: dict[K, set[V]], key: K, value: V) -> None:
    """Takes the value out of the set under the key, and the set once it is empty."""
    held = index.get(key)
    if held is not None:
        held.discard(value)
        if not held:
            del index[key]
