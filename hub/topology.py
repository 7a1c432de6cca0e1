"""Places, what lies next to them and what stands where, in memory: a fold over the log's claims that asks no graph.

Warnings and the feed read it, so that an alert can name its place while the graph is down. The same entries in the
same order give the same topology; its state can be kept and taken up again.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from hub.clock import from_micros, to_micros
from hub.journal.choice import Weight, weight
from hub.journal.records import ClaimEntry, Entry, EventEntry

_KINDS = ("Place", "Asset")
_RELATIONS = ("PART_OF", "LOCATED_IN", "ADJACENT_TO")
_VERSION = 1

_Name = tuple[str, str]
"""What a source calls a thing: (source, external id)."""


class PlaceRef(NamedTuple):
    id: str
    kind: str  # PlaceKind's value
    name: str | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A source's latest word on one place or asset."""

    type: str  # Place or Asset
    kind: str
    name: str | None
    observed_at: datetime | None
    recorded_at: datetime
    links: tuple[tuple[str, _Name], ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What stands of an entity, chosen among the claims of it."""

    type: str
    kind: str
    name: str | None
    parent: str | None  # PART_OF of a place, LOCATED_IN of an asset
    neighbours: frozenset[str]


class Topology:
    """`apply` each entry of the log in order, then ask. Ids that were merged away are understood everywhere."""

    def __init__(self, precedence: Mapping[str, int]) -> None:
        self._precedence = precedence
        self._clear()

    def _clear(self) -> None:
        self._held: dict[_Name, _Held] = {}
        self._entity: dict[_Name, str] = {}  # whose the name is, as the log said; aliases lead on
        self._alias: dict[str, str] = {}
        self._names: dict[str, set[_Name]] = {}  # living entity → its names
        self._mentions: dict[_Name, set[_Name]] = {}  # name → the names whose claims link to it
        self._shown: dict[str, _Shown] = {}
        self._children: dict[str, set[str]] = {}
        self._adjacent: dict[str, set[str]] = {}

    # ---- folding

    def apply(self, entry: Entry) -> None:
        if isinstance(entry, ClaimEntry):
            self._claim(entry)
        elif isinstance(entry, EventEntry) and entry.type in ("entity.merged", "entity.split"):
            self._identity(entry)

    def _claim(self, entry: ClaimEntry) -> None:
        claim, name = entry.claim, (entry.source, entry.claim.external_id)
        if claim.kind not in _KINDS:
            return
        links = tuple(
            (link.relation, (link.source or entry.source, link.target))
            for link in claim.links
            if link.relation in _RELATIONS
        )
        touched: set[str] = set()
        for relation, target in links:
            known = entry.targets.get((relation, target[1]))
            if known is not None and target not in self._entity:
                self._entity[target] = known
                touched.update(self._linking((target,)))  # who had named it before anyone knew it
        self._forget(name)
        touched |= self._assign(name, entry.entity)
        if not claim.gone:
            value, kind = claim.values.get("name"), claim.values.get("kind")
            self._hold(
                name,
                _Held(
                    claim.kind,
                    str(kind) if kind is not None else "",
                    str(value) if value is not None else None,
                    claim.observed_at,
                    entry.recorded_at,
                    links,
                ),
            )
        self._show_all(touched)

    def _hold(self, name: _Name, held: _Held) -> None:
        self._held[name] = held
        for _, target in held.links:
            self._mentions.setdefault(target, set()).add(name)

    def _forget(self, name: _Name) -> None:
        held = self._held.pop(name, None)
        if held is not None:
            for _, target in held.links:
                mentions = self._mentions.get(target)
                if mentions is not None:
                    mentions.discard(name)
                    if not mentions:
                        del self._mentions[target]

    def _assign(self, name: _Name, entity: str) -> set[str]:
        """Gives the name to the entity; the living entities that look different by it."""
        before = self._entity.get(name)
        now = self.resolve(entity)
        if before is not None and self.resolve(before) == now:
            entity = before  # a claim recorded while merged carries the other's id; a split asks for its own
        self._entity[name] = entity
        touched = {now}
        self._names.setdefault(now, set()).add(name)
        if before is not None and (old := self.resolve(before)) != now:
            self._names.get(old, set()).discard(name)
            touched.add(old)
        if before is None or before != entity:
            touched.update(self._linking((name,)))
        return touched

    def _linking(self, names: Iterable[_Name]) -> Iterator[str]:
        for name in names:
            for mention in self._mentions.get(name, ()):
                if mention in self._entity:
                    yield self.resolve(self._entity[mention])

    def _identity(self, entry: EventEntry) -> None:
        """A merge makes one id the alias of the other; a split gives it back, with the names that are its own."""
        data = entry.data
        if entry.type == "entity.merged":
            self._alias[str(data["alias"])] = str(data["entity"])
        else:
            self._alias.pop(str(data["alias"]), None)
        names = {name for name, entity in self._entity.items() if self._concerns(entity, data)}
        touched: set[str] = set()
        for name in names:
            touched.add(self.resolve(self._entity[name]))
        for ids in (str(data["alias"]), str(data["entity"])):
            touched.add(ids)
            self._names.pop(ids, None)
        for name in names:
            self._names.setdefault(self.resolve(self._entity[name]), set()).add(name)
        touched.update(self._linking(names))
        self._show_all(touched)

    def _concerns(self, entity: str, data: Mapping[str, object]) -> bool:
        ids = (data["alias"], data["entity"])
        return entity in ids or self.resolve(entity) in ids

    def _show_all(self, entities: Iterable[str]) -> None:
        for entity in entities:
            self._show(entity)

    def _show(self, entity: str) -> None:
        self._hide(entity)
        held = [(name, self._held[name]) for name in self._names.get(entity, ()) if name in self._held]
        if not held:
            return
        held.sort(key=self._weight, reverse=True)
        first = held[0][1]
        relation = "PART_OF" if first.type == "Place" else "LOCATED_IN"
        alike = [claim for _, claim in held if claim.type == first.type]
        parent = next((found for claim in alike for found in self._targets(claim, relation) if found != entity), None)
        neighbours = frozenset(
            found for claim in alike for found in self._targets(claim, "ADJACENT_TO") if found != entity
        )
        shown = _Shown(
            first.type,
            next((claim.kind for claim in alike if claim.kind), ""),
            next((claim.name for claim in alike if claim.name is not None), None),
            parent,
            neighbours if first.type == "Place" else frozenset(),
        )
        self._shown[entity] = shown
        if parent is not None:
            self._children.setdefault(parent, set()).add(entity)
        for neighbour in shown.neighbours:
            self._adjacent.setdefault(neighbour, set()).add(entity)

    def _hide(self, entity: str) -> None:
        shown = self._shown.pop(entity, None)
        if shown is None:
            return
        if shown.parent is not None:
            _discard(self._children, shown.parent, entity)
        for neighbour in shown.neighbours:
            _discard(self._adjacent, neighbour, entity)

    def _weight(self, named: tuple[_Name, _Held]) -> Weight:
        (source, external_id), held = named
        return weight(source, external_id, held.observed_at, held.recorded_at, self._precedence)

    def _targets(self, held: _Held, relation: str) -> Iterator[str]:
        for name, target in held.links:
            if name == relation and target in self._entity:
                yield self.resolve(self._entity[target])

    # ---- asking

    def resolve(self, entity: str) -> str:
        """The id that lives, of one that may have been merged away."""
        while entity in self._alias:
            entity = self._alias[entity]
        return entity

    def find(self, source: str, external_id: str) -> str | None:
        """The living entity of what `source` calls `external_id`, as far as the log has told."""
        entity = self._entity.get((source, external_id))
        return None if entity is None else self.resolve(entity)

    def name(self, entity: str) -> str | None:
        shown = self._shown.get(self.resolve(entity))
        return shown.name if shown else None

    def kind(self, entity: str) -> str | None:
        """PlaceKind's or AssetKind's value; None for what is neither, or is gone."""
        shown = self._shown.get(self.resolve(entity))
        return (shown.kind or None) if shown else None

    def is_place(self, entity: str) -> bool:
        shown = self._shown.get(self.resolve(entity))
        return shown is not None and shown.type == "Place"

    def place_of(self, asset: str) -> str | None:
        """The place that the asset is located in."""
        shown = self._shown.get(self.resolve(asset))
        if shown is None or shown.type != "Asset" or shown.parent is None:
            return None
        return shown.parent if self.is_place(shown.parent) else None

    def path(self, entity: str) -> tuple[PlaceRef, ...]:
        """The places around an asset, or a place and those around it: nearest first, up to the park."""
        at: str | None = self.resolve(entity)
        if at is not None and not self.is_place(at):
            at = self.place_of(at)
        found: dict[str, PlaceRef] = {}
        while at is not None and at not in found:
            shown = self._shown.get(at)
            if shown is None or shown.type != "Place":
                break
            found[at] = PlaceRef(at, shown.kind, shown.name)
            at = shown.parent
        return tuple(found.values())

    def within(self, place: str) -> frozenset[str]:
        """The place and all places that lie in it, at any depth."""
        start = self.resolve(place)
        if not self.is_place(start):
            return frozenset()
        found, waiting = {start}, [start]
        while waiting:
            for child in self._children.get(waiting.pop(), ()):
                if child not in found and self.is_place(child):
                    found.add(child)
                    waiting.append(child)
        return frozenset(found)

    def assets_in(self, places: Iterable[str]) -> frozenset[str]:
        """The assets located in just these places; ask `within` first for a subtree."""
        return frozenset(
            child
            for place in places
            for child in self._children.get(self.resolve(place), ())
            if not self.is_place(child)
        )

    def neighbours(self, place: str) -> frozenset[str]:
        """The places that share a boundary with it, whichever of the two says so."""
        at = self.resolve(place)
        shown = self._shown.get(at)
        said = shown.neighbours if shown else frozenset()
        return frozenset(n for n in said | self._adjacent.get(at, set()) if self.is_place(n) and n != at)

    def places(self) -> frozenset[str]:
        return frozenset(entity for entity, shown in self._shown.items() if shown.type == "Place")

    def assets(self) -> frozenset[str]:
        return frozenset(entity for entity, shown in self._shown.items() if shown.type == "Asset")

    # ---- keeping

    def dump(self) -> bytes:
        """All that was folded, as JSON; equal for equal state."""
        return orjson.dumps(
            {
                "version": _VERSION,
                "alias": dict(sorted(self._alias.items())),
                "entity": [[*name, entity] for name, entity in sorted(self._entity.items())],
                "held": [
                    [
                        *name,
                        held.type,
                        held.kind,
                        held.name,
                        None if held.observed_at is None else to_micros(held.observed_at),
                        to_micros(held.recorded_at),
                        [[relation, *target] for relation, target in held.links],
                    ]
                    for name, held in sorted(self._held.items())
                ],
            }
        )

    def load(self, state: bytes) -> None:
        """Takes up what `dump` gave, in place of what was folded so far."""
        data = orjson.loads(state)
        if data["version"] != _VERSION:
            raise ValueError(f"a topology of version {data['version']} cannot be taken up")
        self._clear()
        self._alias = data["alias"]
        self._entity = {(source, external): entity for source, external, entity in data["entity"]}
        for name, entity in self._entity.items():
            self._names.setdefault(self.resolve(entity), set()).add(name)
        for source, external, type_, kind, label, observed, recorded, links in data["held"]:
            self._hold(
                (source, external),
                _Held(
                    type_,
                    kind,
                    label,
                    None if observed is None else from_micros(observed),
                    from_micros(recorded),
                    tuple((relation, (target_source, target)) for relation, target_source, target in links),
                ),
            )
        self._show_all(list(self._names))


def _discard(index: dict[str, set[str]], key: str, value: str) -> None:
    held = index.get(key)
    if held is not None:
        held.discard(value)
        if not held:
            del index[key]
