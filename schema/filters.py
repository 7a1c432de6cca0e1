"""What lists can be filtered by: all that is given must hold. A field's name is that of the condition which it sets."""

from datetime import datetime

import strawberry

from graph_models.entities import (
    AlarmState,
    AssetKind,
    IncidentKind,
    IncidentState,
    LotSharing,
    OrganizationKind,
    PlaceKind,
    Severity,
    WarningColour,
    WarningStatus,
)

_IDS = "One of these ids; at most 500."
_WITHIN = "In this place or anywhere below it: the place's id."
_SEARCH = "Each word begins a word of the name; Chinese also by pinyin initials."
_RETIRED = "Also what no source tells of any more."


@strawberry.input(description="Which places; all that is given must hold.")
class PlaceFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[PlaceKind] | None = strawberry.field(default=None, description="One of these kinds.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which routes; all that is given must hold.")
class RouteFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    within: strawberry.ID | None = strawberry.field(
        default=None, description="With an end in this place or anywhere below it: the place's id."
    )
    blocked: bool | None = strawberry.field(default=None, description="Blocked, or not.")
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which assets; all that is given must hold.")
class AssetFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[AssetKind] | None = strawberry.field(default=None, description="One of these kinds.")
    online: bool | None = strawberry.field(
        default=None, description="What the system that manages it reaches, or does not reach."
    )
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which alerts; all that is given must hold.")
class AlertFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    state: list[AlarmState] | None = strawberry.field(default=None, description="In one of these states.")
    severity: list[Severity] | None = strawberry.field(default=None, description="Of one of these severities.")
    opened_from: datetime | None = strawberry.field(default=None, description="Opened at this moment or later.")
    opened_before: datetime | None = strawberry.field(default=None, description="Opened before this moment.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)


@strawberry.input(description="Which organizations; all that is given must hold.")
class OrganizationFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[OrganizationKind] | None = strawberry.field(default=None, description="One of these kinds.")
    within: strawberry.ID | None = strawberry.field(
        default=None, description="That work in this place or anywhere below it: the place's id."
    )
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which people; all that is given must hold.")
class PersonFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    role: list[str] | None = strawberry.field(default=None, description="With one of these roles.")
    skill: list[str] | None = strawberry.field(default=None, description="With a qualification of one of these skills.")
    employer: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Employed by one of these organizations."
    )
    on_duty_at: datetime | None = strawberry.field(default=None, description="On duty at this moment.")
    within: strawberry.ID | None = strawberry.field(
        default=None,
        description="Posted, or employed by an organization that works, in this place or below it: the place's id.",
    )
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which qualifications; all that is given must hold.")
class QualificationFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    skill: list[str] | None = strawberry.field(default=None, description="Of one of these skills.")
    expires_before: datetime | None = strawberry.field(default=None, description="That expire before this moment.")
    within: strawberry.ID | None = strawberry.field(
        default=None, description="Of people who belong to this place or one below it: the place's id."
    )
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which shifts; all that is given must hold.")
class ShiftFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    role: list[str] | None = strawberry.field(default=None, description="Of one of these roles.")
    on_duty_at: datetime | None = strawberry.field(
        default=None, description="Going on at this moment: begun, and not yet over."
    )
    ends_after: datetime | None = strawberry.field(default=None, description="That end after this moment.")
    starts_before: datetime | None = strawberry.field(default=None, description="That begin before this moment.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which hazards; all that is given must hold.")
class HazardFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    kind: list[str] | None = strawberry.field(default=None, description="Of one of these kinds, such as `fire`.")
    score_at_least: int | None = strawberry.field(default=None, description="With this score, 1 to 25, or a higher.")
    review_due_before: datetime | None = strawberry.field(
        default=None, description="Whose review is due before this moment."
    )
    within: strawberry.ID | None = strawberry.field(
        default=None, description="That are in, or threaten, this place or one below it: the place's id."
    )
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which hazardous goods; all that is given must hold.")
class HazardousGoodsFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    hazard_class: list[str] | None = strawberry.field(
        default=None, description="Of one of these classes or divisions of GB 6944, such as `3` or `2.1`."
    )
    un_number: list[str] | None = strawberry.field(
        default=None, description="With one of these UN numbers, four digits."
    )
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which coded items; all that is given must hold.")
class SupplyItemFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    code: list[str] | None = strawberry.field(default=None, description="With one of these codes.")
    level: list[int] | None = strawberry.field(
        default=None, description="At one of these depths of the standard's tree, 1 being the top."
    )
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which lots; all that is given must hold.")
class SupplyLotFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    item_code: list[str] | None = strawberry.field(
        default=None, description="Of one of these codes of the reserve standard."
    )
    mapped: bool | None = strawberry.field(
        default=None, description="With a code of the reserve standard, or still without one."
    )
    terms: list[LotSharing] | None = strawberry.field(default=None, description="On one of these terms.")
    holder: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Held by one of these organizations."
    )
    expires_before: datetime | None = strawberry.field(default=None, description="That expire before this moment.")
    within: strawberry.ID | None = strawberry.field(default=None, description=_WITHIN)
    search: str | None = strawberry.field(default=None, description=_SEARCH)
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which official warnings; all that is given must hold.")
class WarningFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    severity: list[Severity] | None = strawberry.field(default=None, description="Of one of these severities.")
    colour: list[WarningColour] | None = strawberry.field(default=None, description="Of one of these colours.")
    status: list[WarningStatus] | None = strawberry.field(default=None, description="Of one of these statuses.")
    in_force_at: datetime | None = strawberry.field(
        default=None,
        description=(
            "In force at this moment: actual, sent, and neither updated, cancelled nor expired; "
            "one that takes effect later is in force."
        ),
    )
    within: strawberry.ID | None = strawberry.field(
        default=None, description="That cover this place, one that it lies in or one below it: the place's id."
    )
    search: str | None = strawberry.field(
        default=None,
        description="Each word begins a word of event or headline; Chinese also by pinyin initials.",
    )
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)


@strawberry.input(description="Which incidents; all that is given must hold.")
class IncidentFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    number: list[str] | None = strawberry.field(default=None, description="With one of these numbers.")
    kind: list[IncidentKind] | None = strawberry.field(default=None, description="One of these kinds.")
    state: list[IncidentState] | None = strawberry.field(default=None, description="In one of these states.")
    drill: bool | None = strawberry.field(default=None, description="An exercise, or not.")
    opened_from: datetime | None = strawberry.field(default=None, description="Opened at this moment or later.")
    opened_before: datetime | None = strawberry.field(default=None, description="Opened before this moment.")
    within: strawberry.ID | None = strawberry.field(
        default=None, description="In this place, one that it lies in or one below it: the place's id."
    )


@strawberry.input(description="Which sharing agreements; all that is given must hold.")
class SharingAgreementFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_IDS)
    type: list[str] | None = strawberry.field(
        default=None, description="That share one of these kinds of rows, such as `SupplyLot`."
    )
    purpose: list[str] | None = strawberry.field(default=None, description="For one of these purposes.")
    holds_at: datetime | None = strawberry.field(default=None, description="In force at this moment.")
    within: strawberry.ID | None = strawberry.field(
        default=None,
        description="Of an organization that works in this place or anywhere below it: the place's id.",
    )
    include_retired: bool = strawberry.field(default=False, description=_RETIRED)
