"""What a subscriber wants to be told of: by place, by nearness, by how bad it is and of what kind."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

import strawberry

from graph_models.entities import AssetKind, IncidentKind, Severity
from hub.errors import BadRequest, Forbidden, NotFound
from hub.viewer import Action, hides
from schema.context import Context
from schema.enums import AlertEventType, IncidentEventType
from schema.sight import Sight

_WITHIN = "In this place or anywhere below it: the place's id."
_NEAR = "No farther than this from a place."
_TYPE = "One of these happenings."
_SEVERITY = "Of one of these severities."


@strawberry.input(description="What lies around a place.")
class NearFilter:
    place: strawberry.ID = strawberry.field(description="The place's id.")
    metres: float = strawberry.field(description="The longest way on foot, in metres, along routes that are open.")


@strawberry.input(description="Which of what happens to alerts is told; all that is given must hold.")
class AlertEventFilter:
    type: list[AlertEventType] | None = strawberry.field(default=None, description=_TYPE)
    severity: list[Severity] | None = strawberry.field(default=None, description=_SEVERITY)
    code: list[str] | None = strawberry.field(default=None, description="Of one of these codes, such as `limit.above`.")
    asset_kind: list[AssetKind] | None = strawberry.field(
        default=None, description="About an asset of one of these kinds."
    )
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    near: NearFilter | None = strawberry.field(default=None, description=_NEAR)


@strawberry.input(description="Which of what is said of official warnings is told; all that is given must hold.")
class WarningEventFilter:
    severity: list[Severity] | None = strawberry.field(default=None, description=_SEVERITY)
    within: strawberry.ID | None = strawberry.field(
        default=None, description="That cover this place or one below it: the place's id."
    )
    near: NearFilter | None = strawberry.field(default=None, description=_NEAR)


@strawberry.input(description="Which of what happens to incidents is told; all that is given must hold.")
class IncidentEventFilter:
    type: list[IncidentEventType] | None = strawberry.field(default=None, description=_TYPE)
    kind: list[IncidentKind] | None = strawberry.field(default=None, description="Of one of these kinds.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    near: NearFilter | None = strawberry.field(default=None, description=_NEAR)


@strawberry.input(description="Which of what happens to sources is told.")
class SourceHealthEventFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of one of these sources.")


OfAlerts = Annotated[AlertEventFilter | None, strawberry.argument(description="Which of them; all without it.")]
OfWarnings = Annotated[WarningEventFilter | None, strawberry.argument(description="Which of them; all without it.")]
OfIncidents = Annotated[IncidentEventFilter | None, strawberry.argument(description="Which of them; all without it.")]
OfSources = Annotated[SourceHealthEventFilter | None, strawberry.argument(description="Which of them; all without it.")]


class Watched:
    """What a filter lets through. Nobody filters by what is not shown to them in full.

    `fields`: the filter's conditions, each with the field that it asks of. Raises Forbidden, NotFound, BadRequest.
    """

    def __init__(self, context: Context, entity: str, given: Any, fields: Mapping[str, str]) -> None:
        self._reserve = context.services.reserve
        self._asked: dict[str, Collection[Any]] = {}
        self._within: str | None = None
        self._near: NearFilter | None = None
        if given is None:
            return
        mask = context.allowed(Action.SUBSCRIBE)
        for condition, field in fields.items():
            if getattr(given, condition) is not None and hides(mask, f"{entity}.{field}"):
                raise Forbidden(f"{entity}.{field} is not shown to you in full: it cannot be filtered by")
        placed = ("within", "near")
        self._asked = {
            name: frozenset(map(str, getattr(given, name)))
            for name in given.__dataclass_fields__
            if name not in placed and getattr(given, name) is not None
        }
        self._within = getattr(given, "within", None)
        self._near = getattr(given, "near", None)
        if self._near is not None and not 0 <= self._near.metres < float("inf"):
            raise BadRequest("`metres` is a length of 0 or more")
        sight = Sight.of(context, Action.SUBSCRIBE)
        for place in (self._within, self._near.place if self._near is not None else None):
            if place is not None and not (self._reserve.topology.kind(place) and sight.shows_place(place)):
                raise NotFound(f"there is no place {place!r}")

    @property
    def placed(self) -> bool:
        return self._within is not None or self._near is not None

    def holds(self, paths: Iterable[Sequence[str]] = (), **values: str | None) -> bool:
        """`paths`: where it is or what it covers, each place with those above it; a condition's value by its name."""
        if any(values[name] not in words for name, words in self._asked.items()):
            return False
        known = self._reserve.topology.resolve
        paths = [[known(place) for place in path] for path in paths] if self.placed else []
        if self._within is not None and not any(known(self._within) in path for path in paths):
            return False
        return self._near is None or any(self._is_near(path[0], self._near) for path in paths if path)

    def _is_near(self, place: str, near: NearFilter) -> bool:
        metres = self._reserve.walk(near.place, place)
        return metres is not None and metres <= near.metres
