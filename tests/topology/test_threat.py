"""Whom a danger reaches, compared with what one finds by looking at every pair of places in turn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from hub.topology import Topology, threat
from tests.topology.test_topology import Log

NEVER = float("inf")


@dataclass
class Park:
    """`parent`: place → what it lies in. Place 0 is the park."""

    parent: dict[int, int | None] = field(default_factory=lambda: {0: None})
    beside: set[tuple[int, int]] = field(default_factory=set)
    ways: list[tuple[int, int, float | None]] = field(default_factory=list)

    def topology(self) -> Topology:
        log = Log()
        for place in sorted(self.parent):
            above = self.parent[place]
            links = [] if above is None else [("PART_OF", f"p{above}")]
            links += [("ADJACENT_TO", f"p{other}") for one, other in self.beside if one == place]
            log.claim("Place", f"p{place}", {"kind": "ZONE" if place else "PARK"}, links)
        for number, (one, other, metres) in enumerate(self.ways):
            values = {"blocked": number % 2 == 0} | ({} if metres is None else {"length": metres})
            log.claim("Route", f"r{number}", values, [("CONNECTS", f"p{one}"), ("CONNECTS", f"p{other}")])
        topology = Topology({})
        for entry in log.entries:
            topology.apply(entry)
        return topology

    def above(self, place: int) -> list[int]:
        found, at = [], self.parent[place]
        while at is not None:
            found.append(at)
            at = self.parent[at]
        return found

    def holds(self, outer: int, inner: int) -> bool:
        return outer == inner or outer in self.above(inner)

    def metres(self) -> Mapping[tuple[int, int], float]:
        """Floyd and Warshall's shortest paths."""
        found = {(a, b): 0.0 if a == b else NEVER for a in self.parent for b in self.parent}
        for one, other, metres in self.ways:
            if metres is not None and one != other:
                for pair in ((one, other), (other, one)):
                    found[pair] = min(found[pair], metres)
        for by in self.parent:
            for a in self.parent:
                for b in self.parent:
                    found[a, b] = min(found[a, b], found[a, by] + found[by, b])
        return found

    def threatened(self, dangers: Iterable[int], covered: Iterable[int], metres: float) -> set[int]:
        """A danger's parts and surroundings, but for the park, against every other place that does not hold it."""
        away, reached = self.metres(), set(covered)
        for danger in dangers:
            reached.add(danger)
            for near in self.parent:
                for at in self.parent:
                    concerned = self.holds(danger, at) or (self.holds(at, danger) and at != 0)
                    next_door = (at, near) in self.beside or (near, at) in self.beside
                    if concerned and (next_door or away[at, near] <= metres) and near not in self.above(danger):
                        reached.add(near)
        return {p for p in self.parent if any(self.holds(p, r) or self.holds(r, p) for r in reached)}


@st.composite
def parks(draw: st.DrawFn) -> Park:
    park = Park()
    for place in range(1, draw(st.integers(2, 9))):
        park.parent[place] = draw(st.integers(0, place - 1))
    some = st.integers(0, len(park.parent) - 1)
    pairs = draw(st.sets(st.tuples(some, some), max_size=4))
    park.beside = {(one, other) for one, other in pairs if one != other}
    lengths = st.none() | st.sampled_from([10.0, 40.0, 60.0, 100.0])
    ways = draw(st.lists(st.tuples(some, some, lengths), max_size=6))
    park.ways = [way for way in ways if way[0] != way[1]]
    return park


@given(park=parks(), data=st.data(), metres=st.sampled_from([0.0, 50.0, 100.0]))
def test_the_threatened_are_those_that_looking_at_every_pair_finds(
    park: Park, data: st.DataObject, metres: float
) -> None:
    some = st.sets(st.sampled_from(sorted(park.parent)), max_size=2)
    given_, dangers, covered = (
        data.draw(st.sets(st.sampled_from(sorted(park.parent)))),
        data.draw(some),
        data.draw(some),
    )
    found = threat.threatened_places(
        park.topology(), *([f"e-p{each}" for each in ids] for ids in (given_, dangers, covered)), metres
    )
    assert found == {f"e-p{place}" for place in given_ & park.threatened(dangers, covered, metres)}


def test_a_fire_in_a_room_reaches_the_house_next_door_and_not_the_one_behind() -> None:
    """0 park; 1 house with room 2; 3 next door; 4 behind 3, 60 m from it; 5 by a way of 80 m, blocked; 6 far."""
    park = Park(
        parent={0: None, 1: 0, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0},
        beside={(1, 3)},
        ways=[(1, 5, 80.0), (3, 4, 60.0), (1, 6, 101.0)],
    )
    given_ = [f"e-p{place}" for place in range(1, 7)]
    found = threat.threatened_places(park.topology(), given_, ["e-p2"], [], 100.0)
    assert found == {"e-p1", "e-p2", "e-p3", "e-p5"}
    assert threat.threatened_places(park.topology(), given_, [], ["e-p0"], 100.0) == set(given_)
    assert threat.threatened_places(park.topology(), given_, ["e-nothing"], [], 100.0) == set()
