"""What a place is part of, what stands in it and what lies next to it, as the log tells it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Claim, Link, Value
from hub.journal.records import ClaimEntry, Entry, EventEntry
from hub.topology import PlaceRef, Topology, Way

START = datetime(2026, 1, 1, tzinfo=UTC)


class Log:
    """Makes entries as the journal would hand them on: ids are `e-` and the external id, unless one is given."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.entity: dict[tuple[str, str], str] = {}

    def claim(
        self,
        kind: str,
        external_id: str,
        values: Mapping[str, Value] | None = None,
        links: Sequence[tuple[str, str]] = (),
        *,
        source: str = "survey",
        entity: str | None = None,
        gone: bool = False,
    ) -> ClaimEntry:
        key = (source, external_id)
        self.entity[key] = entity or self.entity.get(key) or f"e-{external_id}"
        targets = {(r, t): self.entity[source, t] for r, t in links if (source, t) in self.entity}
        entry = ClaimEntry(
            seq=len(self.entries) + 1,
            batch=0,
            recorded_at=START + timedelta(seconds=len(self.entries)),
            source=source,
            entity=self.entity[key],
            claim=Claim(
                kind=kind,
                external_id=external_id,
                values=values or {},
                links=tuple(Link(relation=r, target=t) for r, t in links),
                gone=gone,
            ),
            targets=targets,
        )
        self.entries.append(entry)
        return entry

    def event(self, type_: str, entity: str, alias: str) -> EventEntry:
        entry = EventEntry(
            seq=len(self.entries) + 1,
            batch=0,
            recorded_at=START + timedelta(seconds=len(self.entries)),
            type=type_,
            version=1,
            stream=f"entity/{entity}",
            stream_version=1,
            data={"entity": entity, "alias": alias},
            actor="someone",
            reason=None,
            cause=None,
        )
        self.entries.append(entry)
        return entry


def folded(entries: Sequence[Entry], precedence: Mapping[str, int] | None = None) -> Topology:
    topology = Topology(precedence or {})
    for entry in entries:
        topology.apply(entry)
    return topology


def small_park() -> Log:
    log = Log()
    log.claim("Place", "park", {"kind": "PARK", "name": "园区"})
    log.claim("Place", "b1", {"kind": "BUILDING", "name": "一号楼"}, [("PART_OF", "park")])
    log.claim("Place", "b2", {"kind": "BUILDING", "name": "二号楼"}, [("PART_OF", "park"), ("ADJACENT_TO", "b1")])
    log.claim("Place", "z1", {"kind": "ZONE", "name": "配电间"}, [("PART_OF", "b1")])
    log.claim("Asset", "t1", {"kind": "SENSOR", "name": "柜温"}, [("LOCATED_IN", "z1")])
    return log


def test_an_asset_tells_its_places_from_the_nearest_to_the_park() -> None:
    topology = folded(small_park().entries)
    assert topology.path("e-t1") == (
        PlaceRef("e-z1", "ZONE", "配电间"),
        PlaceRef("e-b1", "BUILDING", "一号楼"),
        PlaceRef("e-park", "PARK", "园区"),
    )
    assert topology.path("e-b1") == (PlaceRef("e-b1", "BUILDING", "一号楼"), PlaceRef("e-park", "PARK", "园区"))
    assert (topology.name("e-t1"), topology.kind("e-t1"), topology.place_of("e-t1")) == ("柜温", "SENSOR", "e-z1")


def test_a_building_knows_its_subtree_its_assets_and_its_neighbours() -> None:
    topology = folded(small_park().entries)
    assert topology.within("e-b1") == {"e-b1", "e-z1"}
    assert topology.within("e-park") == {"e-park", "e-b1", "e-b2", "e-z1"}
    assert topology.assets_in(topology.within("e-b1")) == {"e-t1"}
    assert topology.assets_in(["e-b2"]) == frozenset()
    assert topology.neighbours("e-b1") == {"e-b2"}  # it is enough that one of the two says so
    assert topology.neighbours("e-b2") == {"e-b1"}


def test_what_is_unknown_or_gone_is_nowhere() -> None:
    log = small_park()
    log.claim("Asset", "t1", gone=True)
    topology = folded(log.entries)
    assert topology.name("e-t1") is None
    assert topology.path("e-t1") == ()
    assert topology.assets_in(["e-z1"]) == frozenset()
    assert topology.path("never heard of") == ()
    assert topology.within("never heard of") == frozenset()


def test_a_thing_may_be_told_before_the_place_that_it_stands_in() -> None:
    log = Log()
    log.claim("Asset", "t1", {"kind": "SENSOR"}, [("LOCATED_IN", "z1")])
    log.claim("Place", "z1", {"kind": "ZONE", "name": "配电间"}, [("PART_OF", "b1")])
    log.claim("Place", "b1", {"kind": "BUILDING", "name": "一号楼"})
    assert [place.name for place in folded(log.entries).path("e-t1")] == ["配电间", "一号楼"]


def test_places_that_lie_in_each_other_do_not_hang_the_hub() -> None:
    log = small_park()
    log.claim("Place", "park", {"kind": "PARK"}, [("PART_OF", "z1")])
    log.claim("Place", "b2", {"kind": "BUILDING"}, [("PART_OF", "b2")])
    topology = folded(log.entries)
    assert [place.id for place in topology.path("e-t1")] == ["e-z1", "e-b1", "e-park"]
    assert topology.within("e-z1") == {"e-z1", "e-park", "e-b1"}
    assert topology.path("e-b2") == (PlaceRef("e-b2", "BUILDING", None),)


def test_the_source_of_higher_precedence_says_where_a_thing_stands_and_the_other_fills_in() -> None:
    log = small_park()
    log.claim("Place", "z9", {"kind": "ZONE"}, source="nvr")
    log.claim("Asset", "cam", {"kind": "CAMERA", "name": "from the NVR"}, [("LOCATED_IN", "z9")], source="nvr")
    log.claim("Asset", "cam", {"kind": "CAMERA"}, [("LOCATED_IN", "z1")], entity="e-cam")
    later_wins = folded(log.entries)
    assert (later_wins.place_of("e-cam"), later_wins.name("e-cam")) == ("e-z1", "from the NVR")
    nvr_wins = folded(log.entries, {"nvr": 60})
    assert (nvr_wins.place_of("e-cam"), nvr_wins.name("e-cam")) == ("e-z9", "from the NVR")


def test_a_way_joins_two_places_whatever_they_are_merged_into() -> None:
    log = small_park()
    log.claim("Route", "r1", {"length": 80.0, "drivable": True}, [("CONNECTS", "b1"), ("CONNECTS", "b2")])
    log.claim("Route", "dead end", {"length": 80.0}, [("CONNECTS", "b1")])
    topology = folded(log.entries)
    assert list(topology.ways()) == [Way("e-r1", ("e-b1", "e-b2"), 80.0, True, False)]
    topology.apply(
        log.claim("Route", "r1", {"length": 80.0, "blocked": True}, [("CONNECTS", "b1"), ("CONNECTS", "b2")])
    )
    assert list(topology.ways()) == [Way("e-r1", ("e-b1", "e-b2"), 80.0, False, True)]
    assert topology.moved_ways == ["e-r1"]  # what was made of the ways can be mended
    log.claim("Place", "hall", {"kind": "BUILDING"}, source="nvr")
    log.event("entity.merged", "e-hall", "e-b2")
    assert [way.ends for way in folded(log.entries).ways()] == [("e-b1", "e-hall")]
    log.claim("Route", "r1", gone=True)
    assert list(folded(log.entries).ways()) == []


def test_a_place_knows_what_watches_it_its_boundary_and_its_position() -> None:
    log = small_park()
    log.claim("Asset", "cam", {"kind": "CAMERA"}, [("LOCATED_IN", "b2"), ("MONITORS", "z1"), ("MONITORS", "t1")])
    log.claim("Place", "b2", {"kind": "BUILDING", "boundary": "{}", "latitude": 29.5, "longitude": 106.5})
    topology = folded(log.entries)
    assert topology.watchers("e-z1") == topology.watchers("e-t1") == {"e-cam"}
    assert (topology.boundary("e-b2"), topology.position("e-b2")) == ("{}", (29.5, 106.5))
    assert (topology.parent("e-z1"), topology.parent("e-b2"), topology.parts("e-park")) == ("e-b1", None, {"e-b1"})


def test_merged_places_are_one_and_a_split_gives_each_its_own_again() -> None:
    log = small_park()
    log.claim("Place", "room", {"kind": "ZONE", "name": "room 1"}, source="nvr")
    log.claim("Asset", "cam", {"kind": "CAMERA"}, [("LOCATED_IN", "room")], source="nvr")
    log.event("entity.merged", "e-z1", "e-room")
    merged = folded(log.entries)
    assert merged.assets_in(["e-z1"]) == {"e-t1", "e-cam"}
    assert [place.id for place in merged.path("e-cam")] == ["e-z1", "e-b1", "e-park"]
    assert merged.within("e-room") == {"e-z1"}  # the alias is understood
    log.claim("Place", "room", {"kind": "ZONE", "name": "room 1"}, source="nvr", entity="e-z1")
    log.event("entity.split", "e-z1", "e-room")
    split = folded(log.entries)
    assert split.assets_in(["e-z1"]) == {"e-t1"}
    assert split.path("e-cam") == (PlaceRef("e-room", "ZONE", "room 1"),)


names = st.sampled_from(["p0", "p1", "p2", "p3"])
assets = st.sampled_from(["a0", "a1", "a2"])
sources = st.sampled_from(["x", "y"])
steps = st.one_of(
    st.tuples(st.just("Place"), names, sources, st.booleans(), st.lists(names, max_size=2), st.none() | names),
    st.tuples(st.just("Asset"), assets, sources, st.booleans(), st.just([]), st.none() | names),
    st.tuples(st.sampled_from(["entity.merged", "entity.split"]), names, names),
)


def played(given_steps: Sequence[tuple[object, ...]]) -> list[Entry]:
    log = Log()
    merged: dict[str, str] = {}
    for step in given_steps:
        if len(step) == 3:
            kind, kept, other = (str(x) for x in step)
            entity, alias = f"e-{kept}", f"e-{other}"
            if (
                kind == "entity.merged"
                and entity != alias
                and not {entity, alias} & (merged.keys() | set(merged.values()))
            ):
                log.event(kind, entity, alias)
                merged[alias] = entity
            elif kind == "entity.split" and merged.get(alias) == entity:
                log.event(kind, entity, alias)
                del merged[alias]
            continue
        kind, name, source, gone, neighbours, parent = step
        assert isinstance(neighbours, list)
        links = [("ADJACENT_TO", n) for n in neighbours]
        if parent is not None:
            links.append(("PART_OF" if kind == "Place" else "LOCATED_IN", str(parent)))
        values: dict[str, Value] = {"kind": "ZONE" if kind == "Place" else "SENSOR", "name": f"{name} of {source}"}
        log.claim(str(kind), str(name), values, links, source=str(source), gone=bool(gone))
    return log.entries


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=25), st.integers(0, 25))
def test_a_kept_state_taken_up_anywhere_ends_the_same(given_steps: list[tuple[object, ...]], cut: int) -> None:
    entries = played(given_steps)
    whole = folded(entries, {"x": 60})
    first = folded(entries[:cut], {"x": 60})
    resumed = Topology({"x": 60})
    resumed.load(first.dump())
    for entry in entries[cut:]:
        resumed.apply(entry)
    assert resumed.dump() == whole.dump()
    for entity in [f"e-{n}" for n in ("p0", "p1", "p2", "p3", "a0", "a1", "a2")]:
        assert resumed.path(entity) == whole.path(entity)
        assert resumed.name(entity) == whole.name(entity)
        assert resumed.within(entity) == whole.within(entity)
        assert resumed.neighbours(entity) == whole.neighbours(entity)
        assert resumed.assets_in([entity]) == whole.assets_in([entity])
