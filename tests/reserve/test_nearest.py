"""What is nearest, as a commander would check it: by hand in small parks, by exhaustion in random ones."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadRequest, NotFound
from hub.reserve.distances import By, Distances, Mode, Pace
from hub.reserve.nearest import Nearest, Supplies, View
from hub.reserve.stock import Stock
from tests.reserve.parks import NOW, Park, at

PACE = Pace(walking=1.25, driving=5.0, inside=16.0)  # powers of two: sums are exact
ITEM = "1010101"


def supplies(park: Park, place: str, quantity: float, by: By = By.METRES, mode: Mode = Mode.WALKING) -> Supplies:
    return Nearest(Distances(PACE)).supplies(park, place, ITEM, quantity, NOW, by=by, mode=mode)


def picked(found: Supplies) -> list[tuple[str, float, float]]:
    return [(pick.lot.id, pick.distance.metres, pick.quantity) for pick in found.picks]


def street() -> Park:
    """A park with four buildings in a row, 100 m from each to the next; the last way is a footpath."""
    park = Park()
    park.place("park", "PARK")
    for name in ("b1", "b2", "b3", "b4"):
        park.place(name, part_of="park")
    for number, (left, right) in enumerate(itertools.pairwise(("b1", "b2", "b3", "b4"))):
        park.route(f"r{number}", (left, right), 100.0, drivable=number < 2)
    park.item()
    return park


def test_the_nearest_lots_are_taken_until_it_is_enough() -> None:
    park = street()
    park.lot("far", "b3", 50)
    park.lot("here", "b1", 4)
    park.lot("near", "b2", 10)
    found = supplies(park, "b1", 20)
    assert picked(found) == [("here", 0.0, 4), ("near", 100.0, 10), ("far", 200.0, 6)]
    assert [pick.sum for pick in found.picks] == [4, 14, 20]
    assert (found.found, found.shortfall, found.unit) == (20, 0, "{piece}")
    assert found.picks[1].distance.minutes == pytest.approx(100 / 1.25 / 60)
    assert supplies(park, "b1", 100).shortfall == 36


def test_only_what_is_agreed_is_counted_and_what_is_not_shared_is_never_told() -> None:
    park = street()
    park.lot("agreed", "b1", 100, "AGREED", agreed_quantity=5)
    park.lot("less than agreed", "b1", 2, "AGREED", agreed_quantity=5)
    park.lot("agreed on nothing", "b1", 7, "AGREED")
    park.lot("ask", "b2", 1000, "ASK")
    park.lot("secret", "b1", 1000, "NOT_SHARED")
    park.lot("nobody said", "b1", 1000, None)
    found = supplies(park, "b1", 50)
    assert picked(found) == [("agreed", 0.0, 5), ("less than agreed", 0.0, 2)]
    assert [(lot.lot.id, lot.distance.metres) for lot in found.to_ask] == [("ask", 100.0)]
    assert found.shortfall == 43


def test_what_is_expired_counted_otherwise_or_cut_off_is_left_out_and_said() -> None:
    park = street()
    park.lot("expired", "b1", 10, expires_at=NOW.isoformat())
    park.lot("good", "b1", 10, expires_at="2026-03-01T16:00:00.000001+08:00")  # a microsecond from now
    park.lot("in boxes", "b1", 10, unit="{box}")
    park.lot("island", "nowhere", 10)
    park.lot("secret", "nowhere", 10, "NOT_SHARED")
    found = supplies(park, "b1", 50)
    assert picked(found) == [("good", 0.0, 10)]
    left = found.left_out
    assert (left.expired, left.other_unit, left.unreachable) == (1, 1, 1)


def test_a_blocked_way_is_gone_round_or_cuts_off() -> None:
    park = street()
    park.lot("lot", "b2", 10)
    park.route("r0", ("b1", "b2"), 100.0, drivable=True, blocked=True)
    assert picked(supplies(park, "b1", 10)) == []
    assert supplies(park, "b1", 10).left_out.unreachable == 1
    park.route("round", ("b1", "b3"), 250.0)
    assert picked(supplies(park, "b1", 10)) == [("lot", 350.0, 10)]
    park.route("r0", ("b1", "b2"), 100.0, drivable=True, blocked=False)
    assert picked(supplies(park, "b1", 10)) == [("lot", 100.0, 10)]


def test_vehicles_keep_to_drivable_ways_and_are_faster() -> None:
    park = street()
    park.lot("lot", "b3", 10)
    park.lot("over the footpath", "b4", 10)
    found = supplies(park, "b1", 20, mode=Mode.DRIVING)
    assert picked(found) == [("lot", 200.0, 10)]
    assert found.picks[0].distance.minutes == pytest.approx(200 / 5.0 / 60)


def test_rooms_without_ways_are_reached_through_their_building_on_foot() -> None:
    park = street()
    park.place("b2 floor", "STOREY", "b2")
    park.place("b2 room", "ZONE", "b2 floor")
    park.place("b2 other room", "ZONE", "b2 floor")
    park.lot("lot", "b2 room", 10)
    assert picked(supplies(park, "b1", 10)) == [("lot", 100.0 + 2 * 16, 10)]
    assert picked(supplies(park, "b2 other room", 10)) == [("lot", 2 * 16.0, 10)]
    assert picked(supplies(park, "b2 room", 10)) == [("lot", 0.0, 10)]
    driven = supplies(park, "b1", 10, mode=Mode.DRIVING).picks[0].distance
    assert driven.minutes == pytest.approx((100 / 5.0 + 32 / 1.25) / 60)


def test_a_park_is_no_way_from_building_to_building() -> None:
    park = Park()
    park.place("park", "PARK")
    for name in ("b1", "b2"):
        park.place(name, part_of="park")
    park.item()
    park.lot("lot", "b2", 10)
    assert supplies(park, "b1", 10).left_out.unreachable == 1


def test_a_way_without_a_length_is_as_long_as_the_straight_line() -> None:
    park = Park()
    park.say("Place", "b1", {"kind": "BUILDING", "latitude": 29.5, "longitude": 106.5})
    park.say("Place", "b2", {"kind": "BUILDING", "latitude": 29.501, "longitude": 106.5})
    park.route("r", ("b1", "b2"), None)
    park.item()
    park.lot("lot", "b2", 10)
    assert supplies(park, "b1", 10).picks[0].distance.metres == pytest.approx(111.19, abs=0.1)


def test_who_is_on_duty_with_a_valid_skill() -> None:
    park = street()
    for person, place in (("near", "b2"), ("far", "b3"), ("expired", "b1"), ("off", "b1"), ("lost", "nowhere")):
        park.skill(person, expires=0 if person == "expired" else 100)
        park.duty(person, place, ends=0 if person == "off" else 1)
    park.duty("far", "b2", name="second duty of far")
    park.skill("near", "radio")
    people = Nearest(Distances(PACE)).people(park, "b1", "first_aid", 3, NOW, by=By.METRES, mode=Mode.WALKING)
    assert [(pick.shift.person, pick.place, pick.distance.metres) for pick in people.picks] == [
        ("far", "b2", 100.0),
        ("near", "b2", 100.0),
    ]
    assert (people.shortfall, people.unreachable) == (1, 1)


def test_cameras_that_see_a_place_then_those_in_it_then_its_neighbours() -> None:
    park = street()
    park.place("room", "ZONE", "b1")
    park.place("b2", part_of="park", beside=["b1"])
    for camera, stands, watches in (
        ("across", "b3", "room"),
        ("inside", "room", None),
        ("door", "b1", None),
        ("neighbour", "b2", None),
        ("elsewhere", "b4", None),
    ):
        links = [("LOCATED_IN", stands)] + ([("MONITORS", watches)] if watches else [])
        park.say("Asset", camera, {"kind": "CAMERA"}, links)
    park.say("Asset", "sensor", {"kind": "SENSOR"}, [("LOCATED_IN", "b1")])
    cameras = Nearest(Distances(PACE)).cameras(park, "b1", 10)
    assert [(pick.camera, pick.view, pick.distance and pick.distance.metres) for pick in cameras] == [
        ("across", View.WATCHES, 200.0),
        ("door", View.STANDS, 0.0),
        ("inside", View.STANDS, 16.0),
        ("neighbour", View.NEIGHBOUR, 100.0),
    ]


@pytest.mark.parametrize("quantity", [0, -1, math.nan, math.inf])
def test_a_quantity_that_cannot_be_is_refused(quantity: float) -> None:
    with pytest.raises(BadRequest):
        supplies(street(), "b1", quantity)


def test_what_nobody_knows_is_an_error_and_no_empty_answer() -> None:
    park = street()
    with pytest.raises(NotFound, match="place"):
        supplies(park, "b9", 1)
    with pytest.raises(NotFound, match="skill"):
        Nearest(Distances(PACE)).people(park, "b1", "diver", 1, NOW, by=By.METRES, mode=Mode.WALKING)
    park.say("SupplyItem", f"item {ITEM}", gone=True)
    with pytest.raises(NotFound, match="item"):
        supplies(park, "b1", 1)


PLACES = [f"p{n}" for n in range(8)]
lots = st.tuples(
    st.sampled_from(PLACES),
    st.one_of(st.none(), st.integers(0, 9)),
    st.sampled_from(["OWN", "AGREED", "ASK", "NOT_SHARED", None]),
    st.integers(0, 9),
    st.sampled_from([None, -1.0, 1.0]),
    st.sampled_from(["{piece}", "{box}"]),
)
routes = st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES), st.integers(1, 300), st.booleans(), st.booleans())


def distances(parents: list[int | None], ways: list[Any], mode: Mode) -> list[list[float]]:
    """Floyd and Warshall's: metres from each place to each; p0 is the park."""
    far: list[list[float]] = [[0.0 if a == b else math.inf for b in range(len(PLACES))] for a in range(len(PLACES))]
    routed = {PLACES.index(end) for way in ways for end in way[:2] if way[0] != way[1]}

    def join(a: int, b: int, metres: float) -> None:
        far[a][b] = far[b][a] = min(far[a][b], metres)

    for start, end, length, drivable, blocked in ways:
        if not blocked and (drivable or mode is Mode.WALKING):
            join(PLACES.index(start), PLACES.index(end), length)
    for child, parent in enumerate(parents):
        if parent and child not in routed:
            join(child, parent, 16.0)
    for c, a, b in itertools.product(range(len(PLACES)), repeat=3):
        far[a][b] = min(far[a][b], far[a][c] + far[c][b])
    return far


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(*(st.none() | st.integers(0, n - 1) for n in range(1, len(PLACES)))),
    st.lists(routes, max_size=12),
    st.lists(lots, max_size=10),
    st.sampled_from(PLACES),
    st.integers(1, 40),
    st.sampled_from(list(By)),
    st.sampled_from(list(Mode)),
)
def test_equal_to_exhaustion_on_random_parks(
    parents: tuple[int | None, ...], ways: list[Any], stored: list[Any], start: str, wanted: int, by: By, mode: Mode
) -> None:
    park = Park()
    for place, parent in zip(PLACES, (None, *parents), strict=True):
        park.place(place, "ZONE" if place != "p0" else "PARK", None if parent is None else PLACES[parent])
    for number, (begin, end, length, drivable, blocked) in enumerate(ways):
        park.route(f"r{number}", (begin, end), float(length), drivable=drivable, blocked=blocked)
    park.item()
    far = distances([None, *parents], ways, mode)[PLACES.index(start)]
    expected: list[tuple[float, str, float]] = []
    asked: list[tuple[float, str]] = []
    for number, (place, quantity, sharing, agreed, expires, unit) in enumerate(stored):
        more = {} if expires is None else {"expires_at": at(expires)}
        park.lot(f"lot {number:02}", place, quantity, sharing, agreed_quantity=agreed, unit=unit, **more)
        metres = far[PLACES.index(place)]
        if (expires is None or expires > 0) and unit == "{piece}" and metres < math.inf:
            if sharing == "OWN":
                expected.append((metres, f"lot {number:02}", quantity or 0))
            elif sharing == "AGREED":
                expected.append((metres, f"lot {number:02}", agreed if quantity is None else min(agreed, quantity)))
            elif sharing == "ASK":
                asked.append((metres, f"lot {number:02}"))
    found = supplies(park, start, wanted, by, mode)
    together = min(float(wanted), sum(quantity for _, _, quantity in expected))
    assert (found.found, found.shortfall) == (together, wanted - together)
    if mode is Mode.WALKING or by is By.METRES:
        taken, left = [], float(wanted)
        for metres, lot, quantity in sorted(expected):
            if min(quantity, left) > 0:
                taken.append((lot, metres, min(quantity, left)))
                left -= taken[-1][2]
        assert picked(found) == taken
        assert [(each.distance.metres, each.lot.id) for each in found.to_ask] == sorted(asked)
    assert nobody_nearer(found, expected)


def nobody_nearer(found: Supplies, lots: list[tuple[float, str, float]]) -> bool:
    """However other lots are chosen to the same quantity, the last of them is no nearer."""
    if not found.picks:
        return True
    last = max(pick.distance.metres for pick in found.picks) if found.picks else 0.0
    nearer = sum(quantity for metres, _, quantity in lots if metres < last)
    return nearer < found.found or len({pick.distance.minutes for pick in found.picks}) != len(
        {pick.distance.metres for pick in found.picks}
    )


def test_stock_taken_up_from_what_was_kept_answers_alike() -> None:
    park = street()
    park.lot("near", "b2", 10)
    park.skill("li")
    park.duty("li", "b2")
    park.duty("wang", "b2", starts=-60, ends=-50)
    again = Stock({})
    again.load(park.stock.dump())
    assert again.dump() == park.stock.dump()
    assert again.lots(ITEM) == park.stock.lots(ITEM)
    assert again.on_duty(NOW) == park.stock.on_duty(NOW)
    again.sweep(NOW)
    assert b"duty of wang" not in again.dump() and "li" in again.on_duty(NOW)


def test_merged_people_and_places_are_one_and_a_split_parts_them() -> None:
    park = street()
    park.skill("li")
    park.duty("mr li", "b2")
    nearest = Nearest(Distances(PACE))

    def found() -> list[str]:
        people = nearest.people(park, "b1", "first_aid", 5, NOW, by=By.METRES, mode=Mode.WALKING)
        return [pick.shift.person for pick in people.picks]

    assert found() == []
    park.merge("li", "mr li")
    assert found() == ["li"]
    park.merge("li", "mr li", split=True)
    assert found() == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(routes, min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 300), st.booleans(), st.booleans()), max_size=12),
    st.sampled_from(list(Mode)),
)
def test_ways_that_move_are_taken_in_as_if_all_were_made_anew(ways: list[Any], moves: list[Any], mode: Mode) -> None:
    park = Park()
    for place in PLACES:
        park.place(place, "ZONE")
    standing = Distances(PACE)

    def told(distances: Distances) -> list[Any]:
        way = distances.of(park.topology, "p0", mode)
        return [way.to(place) for place in PLACES]

    for number, (begin, end, length, drivable, blocked) in enumerate(ways):
        park.route(f"r{number}", (begin, end), float(length), drivable=drivable, blocked=blocked)
    told(standing)
    for number, length, drivable, blocked in moves:
        begin, end = ways[number % len(ways)][:2]
        park.route(f"r{number % len(ways)}", (begin, end), float(length), drivable=drivable, blocked=blocked)
        assert told(standing) == told(Distances(PACE))
