"""What is nearest to a place: supplies up to a quantity, people on duty with a skill, cameras that see it."""

from typing import Annotated, Any

import strawberry
from strawberry import Parent

from hub.errors import BadRequest, Forbidden
from hub.journal.cursors import FeedCursor as Position
from hub.reserve import nearest
from hub.reserve.distances import By, Mode
from hub.viewer import Visibility, hides
from schema import pseudonyms
from schema.enums import SubjectKind, described
from schema.nodes.assets import Asset
from schema.nodes.people import Organization, Person
from schema.nodes.supplies import SupplyLot
from schema.rows import Asked
from schema.scalars import FeedCursor
from schema.sight import Grants, Sight, shown, visibility, whole
from schema.snapshots import places_of

described(
    By, "By what the nearest is told.", {"METRES": "The length of the way.", "MINUTES": "The time that it takes."}
)
described(
    Mode,
    "How one gets there.",
    {"WALKING": "On foot, by every route that is not blocked.", "DRIVING": "By vehicle, by drivable routes alone."},
    name="TravelMode",
)
described(
    nearest.View,
    "Why a camera is of use.",
    {
        "WATCHES": "It watches the place, or something in it.",
        "STANDS": "It stands in the place.",
        "NEIGHBOUR": "It watches a neighbouring place, or stands in one.",
    },
    name="CameraView",
)


@strawberry.type(description="A place as it is called; from the log, so that it is there with the graph down.")
class PlaceName:
    id: strawberry.ID = strawberry.field(description="The place's id.")
    kind: SubjectKind | None = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")


@strawberry.type(description="Where something is, and how far.")
class Located:
    place_path: list[PlaceName] = strawberry.field(
        description="Where it is, the nearest place first, up to the park; as far as it is shown to you."
    )
    metres: float = strawberry.field(description="The way's length.")
    minutes: float = strawberry.field(description="How long it takes.")


async def _lot(root: Parent[Any], info: Asked) -> SupplyLot | None:
    return await _node(info, "SupplyLot", root.lot_id)  # type: ignore[no-any-return]


async def _holder(root: Parent[Any], info: Asked) -> Organization | None:
    return await _node(info, "Organization", root.holder_id)  # type: ignore[no-any-return]


async def _person(root: Parent[Any], info: Asked) -> Person | None:
    return await _node(info, "Person", root.person_id)  # type: ignore[no-any-return]


async def _camera(root: Parent[Any], info: Asked) -> Asset | None:
    return await _node(info, "Asset", root.camera_id)  # type: ignore[no-any-return]


async def _node(info: Asked, entity: str, id_: str | None) -> Any:
    """What of it is selected; that of all picks is read together."""
    return None if id_ is None else await info.context.loaders.sides(info).load((entity, id_))


@strawberry.type(description="A lot to take from.")
class NearestSupply(Located):
    lot_id: strawberry.ID | None = strawberry.field(
        description="The lot's id; null where it counts but is not shown to you."
    )
    lot: SupplyLot | None = strawberry.field(resolver=_lot, description="The lot, from the graph.")
    name: str | None = strawberry.field(description="What its holder calls it.")
    holder_id: strawberry.ID | None = strawberry.field(description="The id of the organization that owns it.")
    quantity: float = strawberry.field(description="What is taken of it, in the item's unit.")
    sum: float = strawberry.field(description="What is together with this one.")


@strawberry.type(description="A lot whose holder wants to be asked; how much there is stays with them.")
class LotToAsk(Located):
    lot_id: strawberry.ID = strawberry.field(description="The lot's id.")
    name: str | None = strawberry.field(description="What its holder calls it.")
    holder_id: strawberry.ID | None = strawberry.field(description="The id of the organization to ask.")
    holder: Organization | None = strawberry.field(
        resolver=_holder, description="The organization to ask, from the graph."
    )


@strawberry.type(description="Lots of the item that could not be counted on.")
class LotsLeftOut:
    expired: int = strawberry.field(description="Past their date.")
    other_unit: int = strawberry.field(description="Counted in another unit than the item's.")
    unreachable: int = strawberry.field(description="Where no open way leads to, or nobody knows where.")


@strawberry.type(description="The nearest supplies of an item; quantities are in `unit`.")
class NearestSupplies:
    item: str = strawberry.field(description="The item's code.")
    unit: str = strawberry.field(description="The item's unit, UCUM.")
    wanted: float = strawberry.field(description="What was asked for.")
    found: float = strawberry.field(description="What there is of it.")
    shortfall: float = strawberry.field(description="What is missing.")
    picks: list[NearestSupply] = strawberry.field(description="The lots to take, the nearest first.")
    to_ask: list[LotToAsk] = strawberry.field(
        description=f"The {nearest.ASKED} nearest lots whose holders want to be asked; none is counted."
    )
    left_out: LotsLeftOut = strawberry.field(description="What was not counted, and why.")
    read_at: FeedCursor = strawberry.field(description="The log's position that the answer holds.")


@strawberry.type(description="Someone on duty.")
class NearestPerson(Located):
    person_id: strawberry.ID = strawberry.field(description="The person's id.")
    person: Person | None = strawberry.field(
        resolver=_person, description="The person, from the graph, as far as they are shown to you."
    )
    shift_id: strawberry.ID = strawberry.field(description="The id of the duty that they serve.")
    role: str | None = strawberry.field(description="What they are on duty as.")


@strawberry.type(description="The nearest people on duty with a skill.")
class NearestPeople:
    skill: str = strawberry.field(description="The skill's code.")
    wanted: int = strawberry.field(description="How many were asked for.")
    shortfall: int = strawberry.field(description="How many are missing.")
    picks: list[NearestPerson] = strawberry.field(description="Who, the nearest first.")
    unreachable: int = strawberry.field(
        description="How many more are on duty with the skill where no open way leads to, or nobody knows where."
    )
    read_at: FeedCursor = strawberry.field(description="The log's position that the answer holds.")


@strawberry.type(description="A camera that sees a place or its neighbours.")
class NearestCamera:
    camera_id: strawberry.ID = strawberry.field(description="The camera's id.")
    camera: Asset | None = strawberry.field(resolver=_camera, description="The camera, from the graph.")
    name: str | None = strawberry.field(description="What people call it.")
    view: nearest.View = strawberry.field(description="Why it is of use.")
    place_path: list[PlaceName] = strawberry.field(description="Where it stands, the nearest place first.")
    metres: float | None = strawberry.field(description="The way to it on foot; null where none leads there.")
    minutes: float | None = strawberry.field(description="The same in minutes.")


_Place = Annotated[strawberry.ID, strawberry.argument(description="The id of the place to come to.")]
_Item = Annotated[str, strawberry.argument(description="The item's code.")]
_Quantity = Annotated[float, strawberry.argument(description="How much is wanted, in the item's unit.")]
_Skill = Annotated[str, strawberry.argument(description="The skill's code in the park's own list.")]
_Count = Annotated[int, strawberry.argument(description="How many people are wanted.")]
_First = Annotated[int, strawberry.argument(description="At most so many.")]
_By = Annotated[By, strawberry.argument(description="By what the nearest is told.")]
_Mode = Annotated[Mode, strawberry.argument(description="How one gets there.")]


async def supplies(
    info: Asked, place: _Place, item: _Item, quantity: _Quantity, by: _By = By.METRES, mode: _Mode = Mode.WALKING
) -> NearestSupplies:
    sight = Sight.of(info.context)
    found = await info.context.services.reserve.supplies(sight, place, item, quantity, by=by, mode=mode)
    left = found.left_out
    return NearestSupplies(
        item=found.item,
        unit=found.unit,
        wanted=found.wanted,
        found=found.found,
        shortfall=found.shortfall,
        picks=[_supply(info, sight, pick) for pick in found.picks],
        to_ask=[_to_ask(info, sight, each) for each in found.to_ask],
        left_out=LotsLeftOut(expired=left.expired, other_unit=left.other_unit, unreachable=left.unreachable),
        read_at=_read_at(info),
    )


async def people(
    info: Asked, place: _Place, skill: _Skill, count: _Count = 1, by: _By = By.METRES, mode: _Mode = Mode.WALKING
) -> NearestPeople:
    sight = Sight.of(info.context)
    for name in ("Qualification.skill", "Person.qualifications", "Person.shifts"):
        if hides(sight.mask, name):
            raise Forbidden(f"{name} is not shown to you in full: it cannot be asked by")
    found = await info.context.services.reserve.people(sight, place, skill, count, by=by, mode=mode)
    return NearestPeople(
        skill=found.skill,
        wanted=found.wanted,
        shortfall=found.shortfall,
        picks=[_person_pick(info, sight, pick) for pick in found.picks],
        unreachable=found.unreachable,
        read_at=_read_at(info),
    )


async def cameras(info: Asked, place: _Place, first: _First = 10) -> list[NearestCamera]:
    if first > 500:
        raise BadRequest(f"first is {first}: ask for at most 500 cameras")
    sight = Sight.of(info.context)
    return [
        _camera_pick(info, sight, pick) for pick in await info.context.services.reserve.cameras(sight, place, first)
    ]


def _supply(info: Asked, sight: Sight, pick: nearest.SupplyPick) -> NearestSupply:
    """A lot that is not shown counts, and stays nameless."""
    grants = sight.lot(pick.lot)
    return NearestSupply(
        lot_id=_id(pick.lot.id) if grants else None,
        name=shown(grants, "SupplyLot", "name", pick.lot.name),
        holder_id=_holder_of(sight, grants, pick.lot.owner),
        quantity=pick.quantity,
        sum=pick.sum,
        place_path=_named(info, sight, pick.place) if whole(grants, "SupplyLot.place") else [],
        metres=pick.distance.metres,
        minutes=pick.distance.minutes,
    )


def _to_ask(info: Asked, sight: Sight, each: nearest.LotToAsk) -> LotToAsk:
    grants = sight.lot(each.lot)
    return LotToAsk(
        lot_id=strawberry.ID(each.lot.id),
        name=shown(grants, "SupplyLot", "name", each.lot.name),
        holder_id=_holder_of(sight, grants, each.lot.owner),
        place_path=_named(info, sight, each.place) if whole(grants, "SupplyLot.place") else [],
        metres=each.distance.metres,
        minutes=each.distance.minutes,
    )


def _holder_of(sight: Sight, grants: Grants, owner: str | None) -> strawberry.ID | None:
    seen = owner is not None and whole(grants, "SupplyLot.holder") and sight.organization(owner)
    return _id(owner) if seen else None


def _person_pick(info: Asked, sight: Sight, pick: nearest.PersonPick) -> NearestPerson:
    info.context.ledger.named("Person", pick.shift.person)
    grants, who = sight.shift(pick.shift), sight.person(pick.shift.person)
    return NearestPerson(
        person_id=_known_as(info, who, "Person", pick.shift.person),
        shift_id=_known_as(info, grants, "Shift", pick.shift.id),
        role=shown(grants, "Shift", "role", pick.shift.role),
        place_path=_named(info, sight, pick.place) if whole(grants, "Shift.place") else [],
        metres=pick.distance.metres,
        minutes=pick.distance.minutes,
    )


def _camera_pick(info: Asked, sight: Sight, pick: nearest.CameraPick) -> NearestCamera:
    grants, distance = sight.asset(pick.camera), pick.distance
    placed = pick.place is not None and whole(grants, "Asset.place")
    return NearestCamera(
        camera_id=strawberry.ID(pick.camera),
        name=shown(grants, "Asset", "name", info.context.services.reserve.topology.name(pick.camera)),
        view=pick.view,
        place_path=_named(info, sight, pick.place) if placed and pick.place is not None else [],
        metres=distance.metres if distance else None,
        minutes=distance.minutes if distance else None,
    )


def _named(info: Asked, sight: Sight, place: str) -> list[PlaceName]:
    path = [each._asdict() for each in info.context.services.reserve.topology.path(place)]
    return [PlaceName(**each) for each in places_of(path, sight)]


def _known_as(info: Asked, grants: Grants, kind: str, id_: str) -> strawberry.ID:
    hidden = visibility(grants, f"{kind}.id") is Visibility.PSEUDONYM
    return strawberry.ID(pseudonyms.of(info.context, id_) if hidden else id_)


def _id(id_: str | None) -> strawberry.ID | None:
    return None if id_ is None else strawberry.ID(id_)


def _read_at(info: Asked) -> FeedCursor:
    services = info.context.services
    return FeedCursor(Position(epoch=services.journal.epoch, seq=services.reserve.position).encode())
