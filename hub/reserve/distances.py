"""How far each place is from one of them, along the routes that are open: in metres and in minutes.

A place that has routes is reached by them alone. One without is reached from the place that it is part of, each step
of PART_OF on foot at a stated cost; a park is no such place, for through it all its buildings would be next door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import rustworkx

from graph_models.entities import PlaceKind
from hub.topology import Topology, Way
from hub.topology.lengths import length_of


class Mode(StrEnum):
    WALKING = "WALKING"
    DRIVING = "DRIVING"


class By(StrEnum):
    METRES = "METRES"
    MINUTES = "MINUTES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one gets on; where the figures come from stands in the settings' page."""

    walking: float = 1.2  # m/s
    driving: float = 5.5  # m/s
    inside: float = 20.0  # m on foot for a step into or out of a place that has no routes


Reached = rustworkx.PathLengthMapping | dict[int, float]
"""Node → metres along the routes."""


class Distance(NamedTuple):
    metres: float
    minutes: float

    def by(self, measure: By) -> float:
        return self.metres if measure is By.METRES else self.minutes


class Anchor(NamedTuple):
    """The place where the steps from a place without routes end, and the places on the way, itself first."""

    place: str
    steps: tuple[str, ...]


class Distances:
    """Over a topology as it stands; graphs and anchors are made anew when its places or ways have changed."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._of: tuple[int, int] | None = None  # which topology, and how often it had changed
        self._moved = 0  # how many of the ways that moved since are taken in
        self._graphs: dict[Mode, _Graph] = {}
        self._routed: frozenset[str] = frozenset()
        self._anchors: dict[str, Anchor] = {}

    def of(self, topology: Topology, start: str, mode: Mode) -> "From":
        """From one place to every other; `start` is the id of a place, which may have been merged away."""
        key = id(topology), topology.changes
        if key != self._of:
            self._of, self._moved = key, 0
            self._graphs.clear()
            self._anchors.clear()
            self._routed = frozenset(end for way in topology.ways() for end in way.ends)
        self._take_in(topology)
        made = self._graph(topology, mode)
        begun = topology.resolve(start)
        anchor = self.anchor(topology, begun)
        reached: Reached = {}
        if (node := made.nodes.get(anchor.place)) is not None:
            reached = rustworkx.dijkstra_shortest_path_lengths(made.graph, node, float)
        return From(self, topology, anchor, made.nodes, reached, self._pace, mode)

    def anchor(self, topology: Topology, place: str) -> "Anchor":
        """Where the way to the place leaves the routes."""
        found = self._anchors.get(place)
        if found is None:
            steps = [place]
            while steps[-1] not in self._routed:
                above = topology.parent(steps[-1])
                if above is None or topology.kind(above) == PlaceKind.PARK or above in steps:
                    break
                steps.append(above)
            found = self._anchors[place] = Anchor(steps[-1], tuple(steps))
        return found

    def _take_in(self, topology: Topology) -> None:
        """A way was blocked, opened or measured: the graphs that stand are mended."""
        for route in topology.moved_ways[self._moved :]:
            if (way := topology.way(route)) is not None:
                for mode, made in self._graphs.items():
                    made.put(way, _cost(topology, way, mode))
        self._moved = len(topology.moved_ways)

    def _graph(self, topology: Topology, mode: Mode) -> "_Graph":
        made = self._graphs.get(mode)
        if made is None:
            made = self._graphs[mode] = _Graph(sorted(self._routed))
            for way in topology.ways():
                made.put(way, _cost(topology, way, mode))
        return made


class _Graph:
    """The routed places and the ways between them that are open to one mode."""

    def __init__(self, places: list[str]) -> None:
        self.graph: rustworkx.PyGraph[str, float] = rustworkx.PyGraph()
        self.nodes = dict(zip(places, self.graph.add_nodes_from(places), strict=True))
        self._edges: dict[str, int] = {}

    def put(self, way: Way, metres: float | None) -> None:
        """None: it is not open."""
        if (edge := self._edges.pop(way.id, None)) is not None:
            self.graph.remove_edge_from_index(edge)
        if metres is not None:
            start, end = way.ends
            self._edges[way.id] = self.graph.add_edge(self.nodes[start], self.nodes[end], metres)


def _cost(topology: Topology, way: Way, mode: Mode) -> float | None:
    if way.blocked or not (way.drivable or mode is Mode.WALKING):
        return None
    return length_of(topology, way)


class From:
    """The distances from one place. `to` is None for a place that no open way leads to."""

    def __init__(
        self,
        distances: Distances,
        topology: Topology,
        anchor: Anchor,
        nodes: Mapping[str, int],
        reached: Reached,
        pace: Pace,
        mode: Mode,
    ) -> None:
        self._distances = distances
        self._topology = topology
        self._begun = anchor
        self._nodes = nodes
        self._reached = reached
        self._pace = pace
        self._speed = pace.walking if mode is Mode.WALKING else pace.driving

    def to(self, place: str) -> Distance | None:
        begun, end = self._begun, self._distances.anchor(self._topology, self._topology.resolve(place))
        if begun.place == end.place:
            return self._distance(0.0, _steps(begun.steps, end.steps))
        node = self._nodes.get(end.place)
        if node is None or node not in self._reached:
            return None
        return self._distance(self._reached[node], len(begun.steps) + len(end.steps) - 2)

    def _distance(self, route: float, steps: int) -> Distance:
        inside = steps * self._pace.inside
        return Distance(route + inside, (route / self._speed + inside / self._pace.walking) / 60)


def _steps(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    """Steps between two places of one tree, over the nearest place that holds both."""
    shared = 0
    while shared < min(len(left), len(right)) and left[-1 - shared] == right[-1 - shared]:
        shared += 1
    return len(left) + len(right) - 2 * shared
