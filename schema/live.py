"""What can be watched live beside alerts: official warnings, the sources' health, lots; by the log alone."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from graph_models.entities import LotSharing, MessageType, Severity, WarningColour, WarningStatus
from hub.errors import Forbidden
from hub.live.facts import LotFact, WarningFact
from hub.viewer import Action, hides, sees_all
from schema.context import Context
from schema.enums import described
from schema.nearest import PlaceName
from schema.reading import BEHIND_SECONDS, covered_by
from schema.rows import Asked
from schema.scalars import FeedCursor
from schema.sight import Sight, sees_source, shown, whole
from schema.snapshots import place_of, places_of
from schema.watching import OfSources, OfWarnings, Watched


class WarningEventType(StrEnum):
    TOLD = "warning.told"
    GONE = "warning.gone"
    COVERED = "warning.covered"
    ACKNOWLEDGED = "warning.acknowledged"


class SourceEventType(StrEnum):
    UNAVAILABLE = "source.unavailable"
    RECOVERED = "source.recovered"


described(
    WarningEventType,
    "What happened to an official warning.",
    {
        "TOLD": "A source tells of it, or tells something new of it.",
        "GONE": "A source tells of it no more.",
        "COVERED": "Which places of the park it covers is known, or has changed.",
        "ACKNOWLEDGED": "Someone of the park acknowledged it.",
    },
)
described(
    SourceEventType,
    "What happened to a source.",
    {
        "UNAVAILABLE": "It fails, or has been silent for longer than it promised: its facts are stale.",
        "RECOVERED": "Data comes again.",
    },
)


@strawberry.type(
    description="One thing that happened to an official warning. Fields that this event does not say are null."
)
class WarningEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: WarningEventType = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When it was recorded.")
    warning: strawberry.ID = strawberry.field(description="The warning's id.")
    identifier: str | None = strawberry.field(description="The issuer's own identifier.")
    status: WarningStatus | None = strawberry.field(description="What the message is for.")
    message_type: MessageType | None = strawberry.field(description="What the message does.")
    event: str | None = strawberry.field(description="What it warns of.")
    headline: str | None = strawberry.field(description="It in a sentence.")
    sender_name: str | None = strawberry.field(description="What the issuer is called.")
    sent: datetime | None = strawberry.field(description="When the issuer sent it.")
    severity: Severity | None = strawberry.field(description="How bad it is.")
    colour: WarningColour | None = strawberry.field(description="Its colour, where the issuer gives one.")
    expires: datetime | None = strawberry.field(description="When the message no longer holds.")
    ended_at: datetime | None = strawberry.field(description="When a later message updated or cancelled it.")
    places: list[PlaceName] | None = strawberry.field(description="The topmost places that it covers.")
    acknowledged_at: datetime | None = strawberry.field(description="When someone of the park acknowledged it.")
    acknowledged_by: str | None = strawberry.field(description="Who acknowledged it.")


@strawberry.type(description="One thing that happened to a source.")
class SourceHealthEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    type: SourceEventType = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When it was recorded.")
    source: strawberry.ID = strawberry.field(description="The source's id in the park file.")
    reason: str = strawberry.field(description="Why, and what to do.")


@strawberry.type(description="What a source says of a lot, as one that may see the lot is told.")
class LotEvent:
    cursor: FeedCursor = strawberry.field(description="Resumes right after this event.")
    at: datetime = strawberry.field(description="When it was recorded.")
    lot: strawberry.ID = strawberry.field(description="The lot's id.")
    source: strawberry.ID | None = strawberry.field(description="Who says it; null where that is not shown to you.")
    gone: bool = strawberry.field(description="The source no longer has it.")
    name: str | None = strawberry.field(description="What its holder calls it.")
    item_code: str | None = strawberry.field(description="The coded item; null until it is mapped.")
    quantity: float | None = strawberry.field(description="How much there is, in `unit`.")
    unit: str | None = strawberry.field(description="The unit's UCUM code.")
    expires_at: datetime | None = strawberry.field(description="From when it is not to be used.")
    sharing: LotSharing | None = strawberry.field(description="On what terms others may count on it.")
    holder: strawberry.ID | None = strawberry.field(
        description="The id of the organization that owns it; null where that is not shown to you."
    )
    place_path: list[PlaceName] = strawberry.field(description="Where it is, the nearest place first.")


After = Annotated[
    FeedCursor | None,
    strawberry.argument(description="Begins after this position: a list's `readAt`, or the last event's cursor."),
]
_Within = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only lots that are in this place, or anywhere within it.")
]
_Item = Annotated[str | None, strawberry.argument(description="Only lots of the item of this code.")]


_HANGING = ("own_organization", "people_on_duty")
"""The row scopes that need to know whose a thing is."""


async def sight(context: Context, kind: str, seq: int, *, lies: bool = False) -> Sight:
    """What may be watched, as of the event: where that hangs on whose a thing is (`lies`: or on where it is), the
    event waits a little for memory to have taken in what the log said until then, and is not shown without it."""
    mask = await context.watched(seq)
    hanging = any(grant.opens(kind) and (lies or grant.scope.name in _HANGING) for grant in mask)
    reserve = context.services.reserve
    if hanging and not sees_all(mask, kind) and not await reserve.reached(seq, BEHIND_SECONDS):
        return Sight((), reserve)
    return Sight(mask, reserve)


_ASKED_OF_WARNINGS = {"severity": "severity", "within": "places", "near": "places"}


async def warnings(
    info: Asked,
    after: After = None,
    filter: OfWarnings = None,  # noqa: A002  GraphQL's word
) -> AsyncGenerator[WarningEvent, None]:
    context = info.context
    watched = Watched(context, "Warning", filter, _ASKED_OF_WARNINGS)
    async with aclosing(context.services.feed.warnings(after)) as facts:
        async for fact in facts:
            if not await _wanted(info, watched, fact):
                continue
            if (event := await _warning(info, fact)) is not None:
                yield event


async def _wanted(info: Asked, watched: Watched, fact: WarningFact) -> bool:
    """A word that does not say which places are covered is told by those that are known to be."""
    severity = fact.values.get("severity")
    if not watched.placed:
        return watched.holds(severity=severity)
    covered = fact.values.get("places")
    if covered is None:
        places = list(await covered_by(info.context.services.journal, fact.warning))
    else:
        places = [place["id"] for place in covered]
    below = [place for each in places for place in info.context.services.reserve.topology.within(each)]
    return watched.holds([[place["id"] for place in _path(info, each)] or [each] for each in below], severity=severity)


async def sources(
    info: Asked,
    after: After = None,
    filter: OfSources = None,  # noqa: A002  GraphQL's word
) -> AsyncGenerator[SourceHealthEvent, None]:
    watched = Watched(info.context, "Source", filter, {})
    async with aclosing(info.context.services.feed.sources(after)) as facts:
        async for fact in facts:
            if not watched.holds(ids=fact.source):
                continue
            if not sees_source(info.context, fact.source, action=Action.SUBSCRIBE):
                continue
            yield SourceHealthEvent(
                cursor=FeedCursor(fact.cursor),
                type=SourceEventType(fact.type),
                at=fact.recorded_at,
                source=strawberry.ID(fact.source),
                reason=fact.reason,
            )


async def lots(
    info: Asked, after: After = None, within: _Within = None, item: _Item = None
) -> AsyncGenerator[LotEvent, None]:
    mask = info.context.allowed(Action.SUBSCRIBE)
    for asked, name in ((within, "place"), (item, "item_code")):
        if asked is not None and hides(mask, f"SupplyLot.{name}"):
            raise Forbidden(f"SupplyLot.{name} is not shown to you in full: it cannot be filtered by")
    async with aclosing(info.context.services.feed.lots(after)) as facts:
        async for fact in facts:
            if (event := await _lot(info, fact, within, item)) is not None:
                yield event


async def _warning(info: Asked, fact: WarningFact) -> WarningEvent | None:
    """None for one that is not shown to the viewer. A source's word has no places: until it is known which it covers,
    it is told to whoever sees all warnings."""
    values, covered = fact.values, fact.values.get("places")
    seen = await sight(info.context, "Warning", fact.seq)
    known = [place["id"] for place in covered or ()]
    if covered is None and not seen.all_of("Warning"):
        known = list(await covered_by(info.context.services.journal, fact.warning))
    holding = seen.warning(known)
    if not holding:
        return None
    placed = [place for place in covered or () if whole(holding, "Warning.places")]
    places = [named for place in placed if (named := place_of(_path(info, place["id"]), seen)) is not None]

    def text(name: str) -> Any:
        return shown(holding, "Warning", name, values.get(name))

    return WarningEvent(
        cursor=FeedCursor(fact.cursor),
        type=WarningEventType(fact.type),
        at=fact.recorded_at,
        warning=strawberry.ID(fact.warning),
        identifier=text("identifier"),
        status=_word(WarningStatus, text("status")),
        message_type=_word(MessageType, text("message_type")),
        event=text("event"),
        headline=text("headline"),
        sender_name=text("sender_name"),
        sent=_time(text("sent")),
        severity=_word(Severity, text("severity")),
        colour=_word(WarningColour, text("colour")),
        expires=_time(text("expires")),
        ended_at=_time(text("ended_at")),
        places=None if covered is None else [PlaceName(**place) for place in places],
        acknowledged_at=_time(shown(holding, "Warning", "acknowledged_at", values.get("acknowledgedAt"))),
        acknowledged_by=shown(holding, "Warning", "acknowledged_by", values.get("acknowledgedBy")),
    )


async def _lot(info: Asked, fact: LotFact, within: str | None, item: str | None) -> LotEvent | None:
    """None for one that is not asked for, or not shown to the viewer; what the word leaves out the stock may know."""
    context = info.context
    seen = await sight(context, "SupplyLot", fact.seq, lies=True)
    topology, known = context.services.reserve.topology, context.services.reserve.stock.lot(fact.lot)
    place = fact.place or (known.place if known else None)
    code = fact.values.get("item_code") or (known.item if known else None)
    path = [] if place is None else _path(info, place)
    if item is not None and code != item:
        return None
    if within is not None and topology.resolve(within) not in {each["id"] for each in path}:
        return None
    owner = fact.owner or (known.owner if known else None)
    told = _word(LotSharing, fact.values.get("sharing")) or LotSharing.NOT_SHARED
    holding = seen.lot_of(place, owner, known.sharing if known else told)
    if not holding:
        return None
    if owner is not None and not (whole(holding, "SupplyLot.holder") and seen.organization(owner)):
        owner = None

    def value(name: str) -> Any:
        return shown(holding, "SupplyLot", name, fact.values.get(name))

    places = places_of(path, seen) if whole(holding, "SupplyLot.place") else []
    return LotEvent(
        cursor=FeedCursor(fact.cursor),
        at=fact.recorded_at,
        lot=strawberry.ID(fact.lot),
        source=strawberry.ID(fact.source) if whole(holding, "SupplyLot.sources") else None,
        gone=fact.gone,
        name=value("name"),
        item_code=shown(holding, "SupplyLot", "item_code", code),
        quantity=value("quantity"),
        unit=value("unit"),
        expires_at=_time(value("expires_at")),
        sharing=_word(LotSharing, value("sharing")),
        holder=None if owner is None else strawberry.ID(owner),
        place_path=[PlaceName(**each) for each in places],
    )


def _path(info: Asked, place: str) -> Sequence[Mapping[str, Any]]:
    return [each._asdict() for each in info.context.services.reserve.topology.path(place)]


def _word(words: Any, value: object) -> Any:
    return words.__members__.get(value) if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value[:1].isdigit() else None
