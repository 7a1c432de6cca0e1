"""The nearest supplies, people and cameras: what can be counted on, in the order in which it can be there.

Taking the nearest first is the best there is: no other choice of the same quantity has a nearer last pick, or a
smaller sum of distances. Ties are settled by id, so that every run answers alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from graph_models.entities import AssetKind, LotSharing
from hub.clock import to_micros
from hub.errors import BadRequest, NotFound
from hub.reserve.distances import By, Distance, Distances, From, Mode
from hub.reserve.stock import Lot, Shift, Stock
from hub.topology import Topology

ASKED = 20
"""At most so many lots that one would have to ask for are listed."""
MOST = 500
"""The largest count of people or cameras that may be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyPick:
    """`quantity` is taken of the lot, `sum` what is together with it; both in the item's unit."""

    lot: Lot
    place: str
    distance: Distance
    quantity: float
    sum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LotToAsk:
    """A lot whose holder wants to be asked: how much there is stays with them."""

    lot: Lot
    place: str
    distance: Distance


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """How many lots of the item could not be counted on, and why."""

    expired: int = 0
    other_unit: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """All quantities in `unit` (UCUM)."""

    item: str
    unit: str
    wanted: float
    picks: tuple[SupplyPick, ...]
    to_ask: tuple[LotToAsk, ...]
    left_out: LeftOut

    @property
    def found(self) -> float:
        return self.picks[-1].sum if self.picks else 0.0

    @property
    def shortfall(self) -> float:
        return max(0.0, self.wanted - self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPick:
    shift: Shift
    place: str
    distance: Distance


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """`unreachable`: on duty with the skill, where no open way leads to or nobody knows where."""

    skill: str
    wanted: int
    picks: tuple[PersonPick, ...]
    unreachable: int

    @property
    def shortfall(self) -> int:
        return max(0, self.wanted - len(self.picks))


class View(StrEnum):
    """Why a camera is of use: WATCHES the place, STANDS in it, or does either to a NEIGHBOUR."""

    WATCHES = "WATCHES"
    STANDS = "STANDS"
    NEIGHBOUR = "NEIGHBOUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPick:
    """`distance` is None for a camera that no open way leads to: it sees all the same."""

    camera: str
    place: str | None
    view: View
    distance: Distance | None


class Sight(Protocol):
    """What is shown to whoever asks; what is not is as if it were not there, but for lots that are counted for all."""

    def shows_place(self, place: str) -> bool: ...
    def shows_items(self) -> bool: ...
    def shows_lot(self, lot: Lot) -> bool: ...
    def shows_skilled(self, person: str) -> bool:
        """The person, and what they can do."""
        ...

    def shows_shift(self, shift: Shift) -> bool: ...
    def shows_camera(self, camera: str) -> bool: ...


class _All:
    def shows_place(self, place: str) -> bool:
        return True

    def shows_items(self) -> bool:
        return True

    def shows_lot(self, lot: Lot) -> bool:
        return True

    def shows_skilled(self, person: str) -> bool:
        return True

    def shows_shift(self, shift: Shift) -> bool:
        return True

    def shows_camera(self, camera: str) -> bool:
        return True


ALL: Sight = _All()


class Here(Protocol):
    """What is known of the park, from the log alone."""

    @property
    def topology(self) -> Topology: ...
    @property
    def stock(self) -> Stock: ...


@dataclass(frozen=True, slots=True)
class Nearest:
    """Answers from memory; the park as it stands is passed in."""

    distances: Distances = field(repr=False)

    def supplies(
        self,
        park: Here,
        place: str,
        item: str,
        quantity: float,
        now: datetime,
        *,
        by: By,
        mode: Mode,
        sight: Sight = ALL,
    ) -> Supplies:
        """What OWN and AGREED lots give is counted whoever asks. Raises NotFound for a place or an item that is not
        known or not shown, BadRequest for a quantity that cannot be."""
        if not 0 < quantity < float("inf"):
            raise BadRequest(f"quantity is {quantity}: ask for more than nothing")
        coded = park.stock.item(item) if sight.shows_items() else None
        if coded is None:
            raise NotFound(f"there is no item of the code {item!r}: import the codes, or look it up in supplyItems")
        if coded.unit is None:
            raise BadRequest(f"the item {item} has no unit, so its lots cannot be added up: import it with one")
        way = self._from(park, sight, place, mode)
        at, expired, other_unit, unreachable = to_micros(now), 0, 0, 0
        reached: list[tuple[float, str, Lot, str, Distance]] = []
        for lot in park.stock.lots(item):
            if lot.sharing is LotSharing.NOT_SHARED or (lot.sharing is LotSharing.ASK and not sight.shows_lot(lot)):
                continue
            distance = None if lot.place is None else way.to(lot.place)
            if lot.expires <= at:
                expired += 1
            elif lot.unit != coded.unit:
                other_unit += 1
            elif lot.place is None or distance is None:
                unreachable += 1
            else:
                reached.append((distance.by(by), lot.id, lot, lot.place, distance))
        reached.sort(key=lambda each: each[:2])
        picks, total = list[SupplyPick](), 0.0
        for _, _, lot, stored, distance in reached:
            taken = min(lot.counted, quantity - total)
            if taken > 0:
                total += taken
                picks.append(SupplyPick(lot=lot, place=stored, distance=distance, quantity=taken, sum=total))
        asked = [
            LotToAsk(lot=lot, place=stored, distance=distance)
            for _, _, lot, stored, distance in reached
            if lot.sharing is LotSharing.ASK
        ]
        return Supplies(
            item=item,
            unit=coded.unit,
            wanted=quantity,
            picks=tuple(picks),
            to_ask=tuple(asked[:ASKED]),
            left_out=LeftOut(expired=expired, other_unit=other_unit, unreachable=unreachable),
        )

    def people(
        self, park: Here, place: str, skill: str, count: int, now: datetime, *, by: By, mode: Mode, sight: Sight = ALL
    ) -> People:
        """Who has the skill and is on duty now, each once, where they are posted. Raises as `supplies`."""
        _check(count, "count")
        shown = frozenset(person for person in park.stock.skilled(skill) if sight.shows_skilled(person))
        if not shown:
            raise NotFound(f"nobody has the skill {skill!r}: look at the skills of the park's own list")
        way = self._from(park, sight, place, mode)
        reached: list[tuple[float, str, Shift, str, Distance]] = []
        unreachable, on_duty = 0, park.stock.on_duty(now)
        for person in park.stock.qualified(skill, now) & shown:
            shifts = [shift for shift in on_duty.get(person, []) if sight.shows_shift(shift)]
            posts = [
                (distance.by(by), shift.person, shift, shift.place, distance)
                for shift in shifts
                if shift.place is not None and (distance := way.to(shift.place)) is not None
            ]
            if posts:
                reached.append(min(posts, key=lambda each: (each[0], each[2].id)))
            elif shifts:
                unreachable += 1
        reached.sort(key=lambda each: each[:2])
        picks = [PersonPick(shift=shift, place=post, distance=distance) for _, _, shift, post, distance in reached]
        return People(skill=skill, wanted=count, picks=tuple(picks[:count]), unreachable=unreachable)

    def cameras(self, park: Here, place: str, first: int, *, sight: Sight = ALL) -> tuple[CameraPick, ...]:
        """Those that watch the place or a part of it, then those that stand in it, then its neighbours'; each by the
        metres that one walks from the place to the camera. Raises as `supplies`."""
        _check(first, "first")
        topology = park.topology
        way = self._from(park, sight, place, Mode.WALKING)
        here = topology.within(place)
        beside = frozenset(n for part in here for n in topology.neighbours(part)) - here
        around = frozenset(part for each in beside for part in topology.within(each)) - here
        views: dict[str, View] = {}
        for view, assets in (
            (View.WATCHES, _watching(topology, here)),
            (View.STANDS, topology.assets_in(here)),
            (View.NEIGHBOUR, _watching(topology, around) | topology.assets_in(around)),
        ):
            for asset in assets:
                if topology.kind(asset) == AssetKind.CAMERA and sight.shows_camera(asset):
                    views.setdefault(asset, view)
        order = list(View)
        picks = []
        for camera, view in views.items():
            stands = topology.place_of(camera)
            distance = None if stands is None else way.to(stands)
            picks.append(CameraPick(camera=camera, place=stands, view=view, distance=distance))
        picks.sort(key=lambda p: (order.index(p.view), p.distance is None, p.distance or (), p.camera))
        return tuple(picks[:first])

    def _from(self, park: Here, sight: Sight, place: str, mode: Mode) -> From:
        if not park.topology.is_place(place) or not sight.shows_place(place):
            raise NotFound(f"there is no place {place!r}")
        return self.distances.of(park.topology, place, mode)


def _watching(topology: Topology, places: Iterable[str]) -> frozenset[str]:
    """What monitors one of the places, or an asset that stands in one."""
    watched = [*places, *topology.assets_in(places)]
    return frozenset(watcher for each in watched for watcher in topology.watchers(each))


def _check(count: int, name: str) -> None:
    if not 1 <= count <= MOST:
        raise BadRequest(f"{name} is {count}: ask for 1 to {MOST}")
