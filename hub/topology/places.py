"""Places, what lies next to them, the ways between them, what stands where and whose all that is.

Warnings, the feed and the reserve read it, so that an alert can name its place while the graph is down.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hub.journal.records import Entry
from hub.topology.joined import Joined, Said, discard

VERSION = 3
_KINDS = {
    "Place": ("kind", "name", "boundary", "latitude", "longitude"),
    "Asset": ("kind", "name"),
    "Route": ("length", "drivable", "blocked"),
    "Organization": (),
}
_RELATIONS = ("PART_OF", "LOCATED_IN", "ADJACENT_TO", "MONITORS", "CONNECTS", "OCCUPIES", "OWNED_BY")
_PARENT = {"Place": "PART_OF", "Asset": "LOCATED_IN"}
_ACROSS = {"Place": "ADJACENT_TO", "Asset": "MONITORS", "Organization": "OCCUPIES"}
_MOVED = 1000
"""Ways that may have moved before all that was made of them is better made anew."""
_NOTHING: frozenset[str] = frozenset()


class PlaceRef(NamedTuple):
    id: str
    kind: str  # PlaceKind's value
    name: str | None


class Way(NamedTuple):
    """A route between two places, in both directions. `length` is in metres, where it is known."""

    id: str
    ends: tuple[str, str]
    length: float | None
    drivable: bool
    blocked: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """What stands of a place, an asset or an organization, chosen among the claims of it."""

    type: str
    kind: str
    name: str | None
    parent: str | None  # PART_OF of a place, LOCATED_IN of an asset
    across: frozenset[str]  # ADJACENT_TO of a place, MONITORS of an asset, OCCUPIES of an organization
    owner: str | None = None
    boundary: str | None = None
    position: tuple[float, float] | None = None  # latitude and longitude in degrees


class Topology:
    """`apply` each entry of the log in order, then ask. Ids that were merged away are understood everywhere."""

    def __init__(self, precedence: Mapping[str, int]) -> None:
        self._joined = Joined(precedence, _KINDS, _RELATIONS, VERSION)
        self.changes = 0  # counts what changed of places and of what joins them: what was made of them is made anew
        self.moved_ways: list[str] = []  # since then: ways that are as they were but for length, blocked or drivable
        self._clear()

    def _clear(self) -> None:
        self._shown: dict[str, _Shown] = {}
        self._children: dict[str, set[str]] = {}
        self._across: dict[str, set[str]] = {}  # place → those beside it, what watches it, who works in it
        self._ways: dict[str, Way] = {}

    # ---- folding

    def apply(self, entry: Entry) -> None:
        for entity in self._joined.apply(entry):
            self._show(entity)

    def _show(self, entity: str) -> None:
        said = self._joined.said(entity)
        kind = said[0].kind if said else ""
        self._set_way(entity, self._way(entity, said) if kind == "Route" else None)
        before = self._shown.get(entity)
        now = self._see(entity, said) if kind in _ACROSS else None
        if now == before:
            return
        if "Place" in (kind, before and before.type):
            self._change()
        if before is not None:
            del self._shown[entity]
            self._unlink(entity, before)
        if now is not None:
            self._shown[entity] = now
            self._link(entity, now)

    def _change(self) -> None:
        self.changes += 1
        self.moved_ways.clear()

    def _set_way(self, entity: str, way: Way | None) -> None:
        before = self._ways.get(entity)
        if way == before:
            return
        if way is not None and before is not None and way.ends == before.ends and len(self.moved_ways) < _MOVED:
            self.moved_ways.append(entity)
        else:
            self._change()
        if way is None:
            del self._ways[entity]
        else:
            self._ways[entity] = way

    def _see(self, entity: str, said: list[Said]) -> _Shown:
        type_ = said[0].kind
        is_place = type_ == "Place"
        across = self._all(entity, said, _ACROSS[type_])
        if type_ == "Organization":
            return _Shown(type_, "", None, None, across or _NOTHING)
        kind, name = self._joined.value(said, "kind"), self._joined.value(said, "name")
        boundary = self._joined.value(said, "boundary") if is_place else None
        return _Shown(
            type_,
            "" if kind is None else str(kind),
            None if name is None else str(name),
            next(iter(self._each(entity, said, _PARENT[type_])), None),
            across or _NOTHING,
            next(iter(self._each(entity, said, "OWNED_BY")), None),
            None if boundary is None else str(boundary),
            self._position(said) if is_place else None,
        )

    def _position(self, said: list[Said]) -> tuple[float, float] | None:
        position = next((one.position for one in said if one.position is not None), None)
        if position is None:
            latitude, longitude = self._joined.value(said, "latitude"), self._joined.value(said, "longitude")
            if isinstance(latitude, float | int) and isinstance(longitude, float | int):
                return float(latitude), float(longitude)
        return position

    def _way(self, entity: str, said: list[Said]) -> Way | None:
        """None where it does not join two places."""
        for one in said:
            ends = dict.fromkeys(self._joined.targets(one, "CONNECTS"))
            if len(ends) == 2:
                first, second = ends
                length = self._joined.value(said, "length")
                return Way(
                    entity,
                    (first, second),
                    float(length) if isinstance(length, float | int) and length >= 0 else None,
                    self._joined.value(said, "drivable") is True,
                    self._joined.value(said, "blocked") is True,
                )
        return None

    def _each(self, entity: str, said: Iterable[Said], relation: str) -> Iterator[str]:
        return (found for one in said for found in self._joined.targets(one, relation) if found != entity)

    def _all(self, entity: str, said: Iterable[Said], relation: str) -> frozenset[str]:
        return frozenset(self._each(entity, said, relation))

    def _link(self, entity: str, shown: _Shown) -> None:
        if shown.parent is not None:
            self._children.setdefault(shown.parent, set()).add(entity)
        for other in shown.across:
            self._across.setdefault(other, set()).add(entity)

    def _unlink(self, entity: str, shown: _Shown) -> None:
        if shown.parent is not None:
            discard(self._children, shown.parent, entity)
        for other in shown.across:
            discard(self._across, other, entity)

    # ---- asking

    def resolve(self, entity: str) -> str:
        """The id that lives, of one that may have been merged away."""
        return self._joined.resolve(entity)

    def find(self, source: str, external_id: str) -> str | None:
        """The living entity of what `source` calls `external_id`, as far as the log has told."""
        return self._joined.find(source, external_id)

    def _of(self, entity: str) -> _Shown | None:
        return self._shown.get(self.resolve(entity))

    def name(self, entity: str) -> str | None:
        shown = self._of(entity)
        return shown.name if shown else None

    def kind(self, entity: str) -> str | None:
        """PlaceKind's or AssetKind's value; None for what is neither, or is gone."""
        shown = self._of(entity)
        return (shown.kind or None) if shown else None

    def is_place(self, entity: str) -> bool:
        shown = self._of(entity)
        return shown is not None and shown.type == "Place"

    def place_of(self, asset: str) -> str | None:
        """The place that the asset is located in."""
        shown = self._of(asset)
        if shown is None or shown.type != "Asset" or shown.parent is None:
            return None
        return shown.parent if self.is_place(shown.parent) else None

    def parent(self, place: str) -> str | None:
        """The place that it is part of."""
        shown = self._of(place)
        if shown is None or shown.type != "Place" or shown.parent is None:
            return None
        return shown.parent if self.is_place(shown.parent) else None

    def parts(self, place: str) -> frozenset[str]:
        """The places that lie just in it."""
        return frozenset(child for child in self._children.get(self.resolve(place), ()) if self.is_place(child))

    def boundary(self, place: str) -> str | None:
        """GeoJSON, WGS-84, as it was claimed."""
        shown = self._of(place)
        return shown.boundary if shown else None

    def position(self, place: str) -> tuple[float, float] | None:
        """Latitude and longitude in degrees."""
        shown = self._of(place)
        return shown.position if shown else None

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
        said = shown.across if shown is not None and shown.type == "Place" else _NOTHING
        return frozenset(n for n in said | self._across.get(at, set()) if self.is_place(n) and n != at)

    def watchers(self, watched: str) -> frozenset[str]:
        """The assets that monitor the place or asset."""
        return self._across_of("Asset", watched)

    def occupants(self, place: str) -> frozenset[str]:
        """The organizations that work in just this place."""
        return self._across_of("Organization", place)

    def occupied(self, organization: str) -> frozenset[str]:
        """The places that the organization works in."""
        shown = self._of(organization)
        return shown.across if shown is not None and shown.type == "Organization" else _NOTHING

    def owner(self, entity: str) -> str | None:
        """The organization whose the place or asset is."""
        shown = self._of(entity)
        return shown.owner if shown else None

    def _across_of(self, type_: str, entity: str) -> frozenset[str]:
        found = ((each, self._shown.get(each)) for each in self._across.get(self.resolve(entity), ()))
        return frozenset(each for each, shown in found if shown is not None and shown.type == type_)

    def way(self, route: str) -> Way | None:
        return self._ways.get(route)

    def ways(self) -> Collection[Way]:
        """All routes that join two places, blocked ones too."""
        return self._ways.values()

    def places(self) -> frozenset[str]:
        return frozenset(entity for entity, shown in self._shown.items() if shown.type == "Place")

    def assets(self) -> frozenset[str]:
        return frozenset(entity for entity, shown in self._shown.items() if shown.type == "Asset")

    # ---- keeping

    def dump(self) -> bytes:
        """All that was folded, as JSON; equal for equal state."""
        return self._joined.dump()

    def load(self, state: bytes) -> None:
        """Takes up what `dump` gave, in place of what was folded so far; raises ValueError for another version."""
        self._joined.load(state)
        self._clear()
        self._change()
        for entity in self._joined.entities():
            self._show(entity)
