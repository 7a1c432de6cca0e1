"""Break-glass: opened with a reason, ended, watched by a second person, reviewed with all that was seen under it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.entities import IncidentState
from hub.access.audit import reading
from hub.access.break_glass import events
from hub.access.break_glass.desk import AlreadyBroken, AlreadyOver, Asked, NothingMore
from hub.access.break_glass.desk import StepUpNeeded as LoginTooOld
from hub.access.break_glass.events import Finding
from hub.errors import BadRequest, Conflict, Forbidden, NotFound
from schema import rows
from schema.enums import described
from schema.live import After
from schema.problems import Problem
from schema.scalars import FeedCursor

MOST = 500
ANSWERED_WITHIN = timedelta(minutes=1)
"""What was asked under a break-glass has its answer so soon after its end."""

described(
    Finding,
    "What a review of a break-glass found.",
    {"JUSTIFIED": "It was needed, and used for what it was opened for.", "NOT_JUSTIFIED": "It was not."},
    name="BreakGlassFinding",
)


class BreakGlassEventType(StrEnum):
    OPENED = events.OPENED
    ENDED = events.ENDED
    REVIEWED = events.REVIEWED


described(
    BreakGlassEventType,
    "What happened to a break-glass.",
    {
        "OPENED": "Someone opened it.",
        "ENDED": "It ended, by hand or by time.",
        "REVIEWED": "A second person reviewed it.",
    },
)


@strawberry.type(description="Personal values of one field that were shown.")
class SeenField:
    field: str = strawberry.field(description="The field, as `Person.phone`.")
    ids: list[strawberry.ID] = strawberry.field(description="Whose.")


@strawberry.type(description="One answer that was given under a break-glass, from the audit.")
class SeenAnswer:
    at: datetime = strawberry.field(description="When it was given.")
    operation: str | None = strawberry.field(description="The operation's name, where it has one.")
    purpose: str | None = strawberry.field(description="The purpose that it was asked for.")
    fields: list[SeenField] = strawberry.field(description="The personal fields in it.")


_First = Annotated[int, strawberry.argument(description="At most so many, the newest first; up to 500.")]


async def _seen(root: Parent[Any], info: rows.Asked, first: _First = 100) -> list[SeenAnswer]:
    """For second persons alone: who opened it knows what they asked."""
    services = info.context.services
    if not services.break_glasses.is_second_person(info.context.viewer):
        raise Forbidden("what was seen is listed for those who review it")
    if services.audit is None:
        return []
    found = await reading.under(
        services.audit.engines,
        root.id,
        since=root.opened_at,
        until=root.over_at + ANSWERED_WITHIN,
        first=_bounded(first),
    )
    return [_answer(each.at, each.body) for each in found]


def _answer(at: datetime, body: Mapping[str, Any]) -> SeenAnswer:
    personal: Mapping[str, Mapping[str, Sequence[str]]] = body.get("personal", {})
    return SeenAnswer(
        at=at,
        operation=body.get("name"),
        purpose=body.get("viewer", {}).get("purpose"),
        fields=[
            SeenField(field=name, ids=[strawberry.ID(id_) for how in ("shown", "masked") for id_ in said.get(how, ())])
            for name, said in sorted(personal.items())
        ],
    )


def _sealed(root: Parent[Any]) -> bool:
    return root.code is not None


@strawberry.type(description="For some minutes, personal data that policies keep closed, for a reason.")
class BreakGlass:
    id: strawberry.ID = strawberry.field(description="Its id, which the audit names with all that was seen under it.")
    subject: str = strawberry.field(description="Who opened it; `sealed-…` by the code of a sealed envelope.")
    roles: list[str] = strawberry.field(description="The roles that they had.")
    reason: str = strawberry.field(description="Why.")
    incident: strawberry.ID | None = strawberry.field(description="The incident that it was opened for.")
    case: str | None = strawberry.field(
        name="caseNumber", description="The number in the park's own books that it was opened for."
    )
    sealed: bool = strawberry.field(
        resolver=_sealed, description="By the code of a sealed envelope, on the hub's own machine."
    )
    opened_at: datetime = strawberry.field(description="When it was opened.")
    until: datetime = strawberry.field(description="When it ends by itself.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while it is in force.")
    ended_by: str | None = strawberry.field(description="Who ended it; `time` where nobody did.")
    reviewed_at: datetime | None = strawberry.field(description="When it was reviewed.")
    reviewed_by: str | None = strawberry.field(description="Who reviewed it.")
    finding: Finding | None = strawberry.field(description="What the review found.")
    note: str | None = strawberry.field(description="What the reviewer remarks.")
    seen: list[SeenAnswer] = strawberry.field(
        resolver=_seen, description="All answers that held something personal under it; for those who review it."
    )


@strawberry.type(description="The token must come from a newer login: log in again (max_age=0), then ask again.")
class StepUpNeeded(Problem):
    pass


@strawberry.type(description="It is not opened; the message says what is missing, or that no policy opens more for it.")
class BreakGlassRefused(Problem):
    pass


@strawberry.type(description="No break-glass has this id, or none that is yours to see.")
class BreakGlassNotFound(Problem):
    pass


@strawberry.type(description="One is in force already, it is over already, or the key was used for something else.")
class BreakGlassConflict(Problem):
    pass


@strawberry.type(description="It is in force, and a second person has been told.")
class BreakGlassSuccess:
    break_glass: BreakGlass = strawberry.field(description="It, with the moment at which it ends.")


@strawberry.type(description="It is over: what it opened is closed again.")
class EndBreakGlassSuccess:
    break_glass: BreakGlass = strawberry.field(description="It, as it ended.")


@strawberry.type(description="The finding is in the log.")
class ReviewBreakGlassSuccess:
    break_glass: BreakGlass = strawberry.field(description="It, as it was reviewed.")


BreakGlassResult = Annotated[
    BreakGlassSuccess | StepUpNeeded | BreakGlassRefused | BreakGlassConflict,
    strawberry.union(name="BreakGlassResult", description="What became of opening a break-glass."),
]
EndBreakGlassResult = Annotated[
    EndBreakGlassSuccess | BreakGlassNotFound | BreakGlassConflict,
    strawberry.union(name="EndBreakGlassResult", description="What became of ending a break-glass."),
]
ReviewBreakGlassResult = Annotated[
    ReviewBreakGlassSuccess | BreakGlassNotFound | BreakGlassRefused | BreakGlassConflict,
    strawberry.union(name="ReviewBreakGlassResult", description="What became of a review."),
]


@strawberry.type(description="One thing that happened to a break-glass.")
class BreakGlassEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: BreakGlassEventType = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When it was recorded.")
    break_glass: BreakGlass = strawberry.field(description="The break-glass as it was then.")


_Reason = Annotated[
    str, strawberry.argument(description="Why personal data is needed now, in a sentence; it is told, and reviewed.")
]
_Incident = Annotated[strawberry.ID | None, strawberry.argument(description="The open incident that it is for.")]
_Case = Annotated[
    str | None, strawberry.argument(description="Or the number in the park's own books; one of the two is needed.")
]
_Minutes = Annotated[int, strawberry.argument(description="How long it lasts, up to what the park file allows.")]
_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="The break-glass's id.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each command; a repeat gets the first answer.")
]
_Finding = Annotated[Finding, strawberry.argument(description="What the review found.")]
_Note = Annotated[str | None, strawberry.argument(description="What to remember of it.")]


async def break_glass(
    info: rows.Asked,
    reason: _Reason,
    minutes: _Minutes,
    idempotency_key: _Key,
    incident: _Incident = None,
    case_number: _Case = None,
) -> BreakGlassResult:
    services = info.context.services
    asked = Asked(reason=reason, minutes=minutes, incident=incident, case=case_number)
    try:
        if incident is not None and (await services.incident_desk.told(incident))["state"] != IncidentState.OPEN:
            raise BadRequest("The incident is closed: name one that is open, or a case's number.")
        glass, _ = await services.break_glasses.open(info.context.viewer, asked, idempotency_key)
    except LoginTooOld as error:
        return StepUpNeeded(code=error.code, message=error.message)
    except (BadRequest, NotFound, NothingMore) as error:
        return BreakGlassRefused(code=error.code, message=error.message)
    except (AlreadyBroken, Conflict) as error:
        return BreakGlassConflict(code=error.code, message=error.message)
    return BreakGlassSuccess(break_glass=glass)  # type: ignore[arg-type]


async def end_break_glass(info: rows.Asked, id_: _Id) -> EndBreakGlassResult:
    try:
        glass = await info.context.services.break_glasses.end(info.context.viewer, id_)
    except NotFound as error:
        return BreakGlassNotFound(code=error.code, message=error.message)
    except (AlreadyOver, Conflict) as error:
        return BreakGlassConflict(code=error.code, message=error.message)
    return EndBreakGlassSuccess(break_glass=glass)  # type: ignore[arg-type]


async def review_break_glass(
    info: rows.Asked, id_: _Id, finding: _Finding, note: _Note = None
) -> ReviewBreakGlassResult:
    try:
        glass = await info.context.services.break_glasses.review(info.context.viewer, id_, finding, note)
    except NotFound as error:
        return BreakGlassNotFound(code=error.code, message=error.message)
    except (Forbidden, BadRequest) as error:
        return BreakGlassRefused(code=error.code, message=error.message)
    except (AlreadyOver, Conflict) as error:
        return BreakGlassConflict(code=error.code, message=error.message)
    return ReviewBreakGlassSuccess(break_glass=glass)  # type: ignore[arg-type]


async def listed(info: rows.Asked, first: _First = 50) -> list[BreakGlass]:
    """All for a second person, their own for others."""
    glasses, viewer = info.context.services.break_glasses, info.context.viewer
    everyone = glasses.is_second_person(viewer)
    return [
        glass  # type: ignore[misc]
        for glass in glasses.listed(_bounded(first))
        if everyone or (glass.issuer, glass.subject) == (viewer.issuer, viewer.subject)
    ]


async def watched(info: rows.Asked, after: After = None) -> AsyncGenerator[BreakGlassEvent, None]:
    context = info.context
    if not context.services.break_glasses.is_second_person(context.viewer):
        raise Forbidden("break-glasses are told to those who review them")
    async with aclosing(context.services.feed.break_glasses(after)) as facts:
        async for fact in facts:
            yield BreakGlassEvent(
                cursor=FeedCursor(fact.cursor),
                type=BreakGlassEventType(fact.type),
                at=fact.recorded_at,
                break_glass=events.glass_of(fact.glass),  # type: ignore[arg-type]
            )


def _bounded(first: int) -> int:
    if not 0 <= first <= MOST:
        raise BadRequest(f"first is {first}: ask for 0 to {MOST}")
    return first
