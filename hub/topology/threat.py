"""Which places a danger reaches: it itself, what lies beside it, and what is near it by route.

A danger in a room is one in its storey and its building as far as these have neighbours and routes, and never one in
the whole park: through it all its buildings would be next door. A way that is blocked counts: nobody passes, but smoke
does. A place is reached with all that lies in it, and holds whatever reaches a part of it.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping

from graph_models.entities import PlaceKind
from hub.topology.lengths import length_of
from hub.topology.places import Topology

Ways = Mapping[str, Collection[tuple[str, float]]]
"""Place → the places at the other ends of its ways, each with the way's metres."""


def ways_of(topology: Topology) -> Ways:
    """Those whose length is known, in both directions."""
    found: dict[str, list[tuple[str, float]]] = {}
    for way in topology.ways():
        metres = length_of(topology, way)
        if metres is not None:
            start, end = way.ends
            found.setdefault(start, []).append((end, metres))
            found.setdefault(end, []).append((start, metres))
    return found


def beside(topology: Topology, place: str) -> frozenset[str]:
    """The places that share a boundary with it, with a part of it, or with the storey or building that it is in."""
    near = {neighbour for part in _extent(topology, place) for neighbour in topology.neighbours(part)}
    return frozenset(near) - _above(topology, place)


def reach(topology: Topology, ways: Ways, danger: str, metres: float) -> frozenset[str]:
    """The places that the danger reaches, itself first of all; what lies in them is meant with them."""
    danger = topology.resolve(danger)
    if not topology.is_place(danger):
        return frozenset()
    by_route = frozenset(_within_metres(ways, _extent(topology, danger), metres)) - _above(topology, danger)
    return beside(topology, danger) | by_route | {danger}


def meets(topology: Topology, place: str, reached: Collection[str]) -> bool:
    """Whether the place lies in one of these, or one of these lies in it."""
    around = (each.id for each in topology.path(place))
    return any(each in reached for each in around) or not topology.within(place).isdisjoint(reached)


def threatened_places(
    topology: Topology, given: Iterable[str], dangers: Iterable[str], covered: Iterable[str], metres: float
) -> frozenset[str]:
    """Of `given`, those that one of the `dangers` reaches, or that lie in or around a place that a warning covers."""
    ways = ways_of(topology)
    reached = {topology.resolve(place) for place in covered}
    for danger in dangers:
        reached |= reach(topology, ways, danger, metres)
    return frozenset(place for place in given if meets(topology, place, reached))


def _extent(topology: Topology, place: str) -> Iterator[str]:
    yield from topology.within(place)
    for above in topology.path(place)[1:]:
        if above.kind != PlaceKind.PARK:
            yield above.id


def _above(topology: Topology, place: str) -> frozenset[str]:
    return frozenset(above.id for above in topology.path(place)[1:])


def _within_metres(ways: Ways, starts: Iterable[str], metres: float) -> Iterator[str]:
    """The places that a shortest path of at most so many metres leads to, the starts too (Dijkstra)."""
    waiting = [(0.0, start) for start in starts]
    heapq.heapify(waiting)
    done: set[str] = set()
    while waiting:
        so_far, at = heapq.heappop(waiting)
        if at in done:
            continue
        done.add(at)
        yield at
        for other, length in ways.get(at, ()):
            if other not in done and so_far + length <= metres:
                heapq.heappush(waiting, (so_far + length, other))
