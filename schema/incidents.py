"""Incidents by the log alone: opened, closed and watched, with the graph up or down."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import strawberry

from adapters.contract import Value
from graph_models.entities import IncidentKind
from hub.command.incident_desk import IncidentClosed, Told
from hub.errors import Conflict, NotFound
from hub.graph.selection import Row
from hub.journal.records import HUB
from hub.viewer import Action
from hub.warning.alerts import Named
from schema import live
from schema.enums import IncidentEventType
from schema.live import After
from schema.nodes.incidents import Incident
from schema.problems import IncidentAlreadyClosed, IncidentConflict, IncidentNotFound, PlaceNotFound
from schema.rows import SNAPSHOT, Asked
from schema.scalars import FeedCursor, moment
from schema.selection import GRAPHQL_FIELDS
from schema.sight import Sight, shown, whole
from schema.watching import OfIncidents, Watched

PROJECTED_SECONDS = 2.0
"""How long an answer waits for the graph to show it."""
_TIMES = {"opened_at", "closed_at"}
_PROJECTED = "Whether queries show it already; else they will."


@strawberry.type(description="The incident is in the log, under its number.")
class OpenIncidentSuccess:
    incident: Incident | None = strawberry.field(
        description="The incident as it stands now; null where it is not shown to you."
    )
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="That it is over is in the log.")
class CloseIncidentSuccess:
    incident: Incident | None = strawberry.field(
        description="The incident as it stands now; null where it is not shown to you."
    )
    projected: bool = strawberry.field(description=_PROJECTED)


OpenIncidentResult = Annotated[
    OpenIncidentSuccess | PlaceNotFound | IncidentConflict,
    strawberry.union(name="OpenIncidentResult", description="What became of opening an incident."),
]
CloseIncidentResult = Annotated[
    CloseIncidentSuccess | IncidentNotFound | IncidentAlreadyClosed | IncidentConflict,
    strawberry.union(name="CloseIncidentResult", description="What became of closing an incident."),
]


@strawberry.type(description="One thing that happened to an incident.")
class IncidentEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: IncidentEventType = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When it was recorded.")
    incident: Incident = strawberry.field(description="The incident as it was then, by the event itself.")


_Places = Annotated[
    list[strawberry.ID], strawberry.argument(description="Ids of the places in which it goes on, 1 to 100.")
]
_Kind = Annotated[IncidentKind, strawberry.argument(description="What it is.")]
_Drill = Annotated[bool, strawberry.argument(description="An exercise: nothing has happened.")]
_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="The incident's id.")]
_Note = Annotated[str | None, strawberry.argument(description="What to remember of it; it stays in the log.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each command; a repeat gets the first answer.")
]


async def open_incident(
    info: Asked, places: _Places, kind: _Kind, idempotency_key: _Key, drill: _Drill = False, note: _Note = None
) -> OpenIncidentResult:
    context = info.context
    try:
        named = await _named(info, places)
        done = await context.services.incident_desk.open(
            context.viewer, named, kind, drill=drill, note=note, key=idempotency_key
        )
    except NotFound as error:
        return PlaceNotFound(code=error.code, message=error.message)
    except Conflict as error:
        return IncidentConflict(code=error.code, message=error.message)
    return OpenIncidentSuccess(
        incident=_row(Sight.of(context), done.incident, done.seq),  # type: ignore[arg-type]
        projected=await _projected(info, done),
    )


async def close_incident(info: Asked, id_: _Id, idempotency_key: _Key, note: _Note = None) -> CloseIncidentResult:
    context = info.context
    desk = context.services.incident_desk
    try:
        if not Sight.of(context, Action.WRITE).incident(_places(await desk.told(id_))):
            raise NotFound(f"there is no incident {id_!r}")
        done = await desk.close(context.viewer, id_, note, idempotency_key)
    except NotFound as error:
        return IncidentNotFound(code=error.code, message=error.message)
    except IncidentClosed as error:
        return IncidentAlreadyClosed(code=error.code, message=error.message)
    except Conflict as error:
        return IncidentConflict(code=error.code, message=error.message)
    return CloseIncidentSuccess(
        incident=_row(Sight.of(context), done.incident, done.seq),  # type: ignore[arg-type]
        projected=await _projected(info, done),
    )


async def events(
    info: Asked,
    after: After = None,
    filter: OfIncidents = None,  # noqa: A002  GraphQL's word
) -> AsyncGenerator[IncidentEvent, None]:
    topology = info.context.services.reserve.topology
    watched = Watched(
        info.context, "Incident", filter, {"kind": "kind", "type": "state", "within": "places", "near": "places"}
    )
    async with aclosing(info.context.services.feed.incidents(after)) as facts:
        async for fact in facts:
            paths = [[each.id for each in topology.path(place)] or [place] for place in _places(fact.incident)]
            if not watched.holds(paths, type=IncidentEventType(fact.type), kind=fact.incident["kind"]):
                continue
            sight = await live.sight(info.context, "Incident", fact.seq)
            if (row := _row(sight, fact.incident, fact.seq)) is not None:
                yield IncidentEvent(
                    cursor=FeedCursor(fact.cursor),
                    type=IncidentEventType(fact.type),
                    at=fact.recorded_at,
                    incident=row,  # type: ignore[arg-type]
                )


async def _projected(info: Asked, done: Told) -> bool:
    return await info.context.services.projection.wait_for(done.seq, PROJECTED_SECONDS)


async def _named(info: Asked, ids: Sequence[str]) -> list[Named]:
    """The places as they are called now, by the log. Raises NotFound for one that is none, or not the viewer's."""
    services, topology = info.context.services, info.context.services.reserve.topology
    wanted, sight = list(dict.fromkeys(ids)), Sight.of(info.context, Action.WRITE)
    claims = await services.journal.claims_of(wanted)
    living = await services.journal.resolve(wanted)
    named: dict[str, Named] = {}
    for id_ in wanted:
        said = [held.claim.values for held in claims[id_] if held.claim.kind == "Place"]
        place = living.get(id_, id_)
        if not said or not sight.incident([place]) or not Sight.of(info.context).shows_place(place):
            raise NotFound(f"there is no place {id_!r}")
        named[place] = Named(
            id=place,
            kind=topology.kind(place) or _text(said, "kind") or "ZONE",
            name=topology.name(place) or _text(said, "name"),
        )
    return list(named.values())


def _text(said: Sequence[Mapping[str, Value]], name: str) -> str | None:
    return next((value for each in said if isinstance(value := each.get(name), str)), None)


def _row(sight: Sight, incident: Mapping[str, Any], seq: int) -> Row | None:
    """The snapshot under the mask, or None where no grant holds it."""
    holding = sight.incident(_places(incident))
    if not holding:
        return None
    row: Row = {"__typename": "Incident", SNAPSHOT: seq, "retired": False}
    for camel, name in GRAPHQL_FIELDS["Incident"].items():
        if name != "retired":
            value = incident[camel]
            if name in _TIMES and value is not None:
                value = moment(datetime.fromisoformat(value))
            row[name] = value if name == "id" else shown(holding, "Incident", name, value)
    told = all(whole(holding, f"Incident.{name}") for name in ("sources", "observed"))
    row["sources"] = [HUB] if told else []
    row["observed"] = [max(row[name] for name in _TIMES if row[name] is not None)] if told else []
    return row


def _places(incident: Mapping[str, Any]) -> list[str]:
    return [place["id"] for place in incident["places"]]
