"""What people enter by hand: whole tables with a look first, head counts, ways that are blocked."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from hub import coordinates as systems
from hub.errors import BadRequest, Conflict, Forbidden, NotFound, Refused
from hub.ingest.imports.desk import EntryDesk, Said, Word
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.preview import Retirement
from hub.reserve import items
from hub.viewer import Action
from schema import reading
from schema.enums import PositionSystem, described
from schema.nodes.places import Place, Route
from schema.problems import EntityNotFound, EntryConflict, RetirementRefused, TableUnreadable
from schema.rows import Asked
from schema.sight import acts_on_all, sees_record

PROJECTED_SECONDS = 2.0
"""How long an answer waits for the graph to show what was entered."""


class TableKind(StrEnum):
    PLACES = "PLACES"
    ROUTES = "ROUTES"
    ORGANIZATIONS = "ORGANIZATIONS"
    PEOPLE = "PEOPLE"
    CERTIFICATES = "CERTIFICATES"
    ROSTER = "ROSTER"
    HAZARDS = "HAZARDS"
    GOODS = "GOODS"
    OCCUPANCY = "OCCUPANCY"
    EQUIPMENT = "EQUIPMENT"
    CODES = "CODES"
    AGREEMENTS = "AGREEMENTS"


described(
    TableKind,
    "A kind of table that a park enters; `causeway import --template` writes an example of each.",
    {name.upper(): f"{kind.title}." for name, kind in KINDS.items()},
)


@strawberry.type(description="A row that was not taken.")
class RejectedRow:
    number: int = strawberry.field(
        description="As a spreadsheet counts, the header being row 1; a map's feature from 1."
    )
    reason: str = strawberry.field(description="What is wrong with it; no personal value is in it.")


@strawberry.type(description="What became of a table; the sum of all but `missing` is its rows.")
class ImportTableSuccess:
    new: int = strawberry.field(description="Things that were not there.")
    changed: int = strawberry.field(description="Things that it says something else of.")
    unchanged: int = strawberry.field(description="Things that it says the same of.")
    retired: int = strawberry.field(description="Things that it says are gone.")
    missing: int = strawberry.field(
        description="Things that it leaves out, retired where `retireMissing` was asked for."
    )
    rejected: int = strawberry.field(description="Rows that were not taken.")
    rejected_rows: list[RejectedRow] = strawberry.field(description="Which, the first thousand.")
    dry_run: bool = strawberry.field(description="Nothing was stored.")
    projected: bool = strawberry.field(description="Whether queries show it already; else they will.")


ImportTableResult = Annotated[
    ImportTableSuccess | TableUnreadable | RetirementRefused | EntryConflict,
    strawberry.union(name="ImportTableResult", description="What became of an import."),
]


async def _place(root: Parent[Any], info: Asked) -> Place | None:
    return await reading.one(info, "Place", root.entity)  # type: ignore[return-value]


async def _route(root: Parent[Any], info: Asked) -> Route | None:
    return await reading.one(info, "Route", root.entity)  # type: ignore[return-value]


_PROJECTED = "Whether queries show it already; else they will."


@strawberry.type(description="The count is in the log.")
class SetOccupancySuccess:
    entity: strawberry.Private[str]
    place: Place | None = strawberry.field(resolver=_place, description="The place, as the graph shows it.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="That the route is blocked is in the log.")
class BlockRouteSuccess:
    entity: strawberry.Private[str]
    route: Route | None = strawberry.field(resolver=_route, description="The route, as the graph shows it.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="That the route is free is in the log.")
class UnblockRouteSuccess:
    entity: strawberry.Private[str]
    route: Route | None = strawberry.field(resolver=_route, description="The route, as the graph shows it.")
    projected: bool = strawberry.field(description=_PROJECTED)


SetOccupancyResult = Annotated[
    SetOccupancySuccess | EntityNotFound | EntryConflict,
    strawberry.union(name="SetOccupancyResult", description="What became of a count."),
]
BlockRouteResult = Annotated[
    BlockRouteSuccess | EntityNotFound | EntryConflict,
    strawberry.union(name="BlockRouteResult", description="What became of a blocked route."),
]
UnblockRouteResult = Annotated[
    UnblockRouteSuccess | EntityNotFound | EntryConflict,
    strawberry.union(name="UnblockRouteResult", description="What became of a freed route."),
]

_Kind = Annotated[TableKind, strawberry.argument(description="What the table holds.")]
_Upload = Annotated[
    strawberry.ID,
    strawberry.argument(description="What POST /uploads answered: CSV (UTF-8, GB 18030), Excel or GeoJSON."),
]
_DryRun = Annotated[bool, strawberry.argument(description="Only say what would change.")]
_File = Annotated[str, strawberry.argument(description="Its name, for the record.")]
_System = Annotated[PositionSystem, strawberry.argument(description="Of the file's coordinates.")]
_Missing = Annotated[bool, strawberry.argument(description="What was entered before and is not in it is gone.")]
_Confirmed = Annotated[bool, strawberry.argument(description="However much of it that is.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each change; a repeat gets the first answer.")
]
_PlaceId = Annotated[strawberry.ID, strawberry.argument(description="The place's id.")]
_RouteId = Annotated[strawberry.ID, strawberry.argument(name="id", description="The route's id.")]
_Count = Annotated[int, strawberry.argument(description="People inside.")]
_At = Annotated[datetime | None, strawberry.argument(description="When they were counted; now where it is left out.")]
_Why = Annotated[str | None, strawberry.argument(description="Why nobody can pass.")]


async def import_table(
    info: Asked,
    kind: _Kind,
    upload: _Upload,
    idempotency_key: _Key,
    dry_run: _DryRun = False,
    file: _File = "",
    coordinates: _System = PositionSystem.WGS_84,
    retire_missing: _Missing = False,
    confirm_retirement: _Confirmed = False,
) -> ImportTableResult:
    if not sees_record(info.context, "Import", Action.WRITE):
        raise Forbidden("a table speaks of the whole park: only who sees all of it may import one")
    try:
        sent = await info.context.services.uploads.find(upload)
        told = await _desk(info).import_table(
            _word(info, idempotency_key),
            kind.value.lower(),
            sent,
            file=file,
            dry_run=dry_run,
            coordinates=systems.CoordinateSystem(coordinates.value),
            retirement=Retirement(missing=retire_missing, confirmed=confirm_retirement),
        )
        if kind is TableKind.CODES and not dry_run:
            await items.settle_new(info.context.services.journal)  # lots that waited for these codes
    except (BadRequest, NotFound) as error:
        return TableUnreadable(code=error.code, message=error.message)
    except Refused as error:
        return RetirementRefused(code=error.code, message=error.message)
    except Conflict as error:
        return EntryConflict(code=error.code, message=error.message)
    return ImportTableSuccess(
        **told.counts,
        rejected_rows=[RejectedRow(number=row.number, reason=row.reason) for row in told.rejected],
        dry_run=dry_run,
        projected=told.seq is not None and await _projected(info, told.seq),
    )


async def set_occupancy(
    info: Asked, place: _PlaceId, count: _Count, idempotency_key: _Key, at: _At = None
) -> SetOccupancyResult:
    try:
        await _must_see(info, "Place", place)
        said = await _desk(info).set_occupancy(_word(info, idempotency_key), place, count, at)
    except _MENDABLE as error:
        return _problem(error)
    return SetOccupancySuccess(entity=said.entity, projected=await _projected(info, said.seq))


async def block_route(info: Asked, id_: _RouteId, idempotency_key: _Key, reason: _Why = None) -> BlockRouteResult:
    try:
        await _must_see(info, "Route", id_)
        said: Said = await _desk(info).block_route(_word(info, idempotency_key), id_, reason)
    except _MENDABLE as error:
        return _problem(error)
    return BlockRouteSuccess(entity=said.entity, projected=await _projected(info, said.seq))


async def unblock_route(info: Asked, id_: _RouteId, idempotency_key: _Key) -> UnblockRouteResult:
    try:
        await _must_see(info, "Route", id_)
        said: Said = await _desk(info).unblock_route(_word(info, idempotency_key), id_)
    except _MENDABLE as error:
        return _problem(error)
    return UnblockRouteSuccess(entity=said.entity, projected=await _projected(info, said.seq))


_MENDABLE = (NotFound, Conflict)


def _problem(error: NotFound | Conflict) -> EntityNotFound | EntryConflict:
    of: type[EntityNotFound | EntryConflict] = EntityNotFound if isinstance(error, NotFound) else EntryConflict
    return of(code=error.code, message=error.message)


def _desk(info: Asked) -> EntryDesk:
    services = info.context.services
    return EntryDesk(services.journal, services.clock, services.timezone, services.extent)


def _word(info: Asked, key: str) -> Word:
    return Word(actor=info.context.viewer.subject, key=key)


async def _projected(info: Asked, seq: int) -> bool:
    return await info.context.services.projection.wait_for(seq, PROJECTED_SECONDS)


async def _must_see(info: Asked, kind: str, id_: str) -> None:
    """What one may not see one may not speak of. With the graph away, whoever sees all goes on."""
    if not acts_on_all(info.context, kind) and id_ not in await reading.visible(info, [id_], kind):
        raise NotFound(f"there is no {kind.lower()} {id_!r}")
