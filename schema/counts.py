"""Counts of what the park has: by place, kind, state, hour."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry import Parent

from graph_models.entities import AlarmState, AssetKind, LotSharing, Severity
from hub.graph import counting
from hub.graph.counting import Counted
from schema import filters, reading
from schema.enums import described
from schema.nodes.people import Organization
from schema.nodes.places import Place
from schema.rows import Asked

Group = dict[str, Any]
"""By the key's name its value, `count`."""

G = TypeVar("G")


class AssetCountBy(StrEnum):
    KIND = "kind"
    ONLINE = "online"
    PLACE = "place"
    BUILDING = "building"


class AlertCountBy(StrEnum):
    HOUR = "hour"
    SEVERITY = "severity"
    STATE = "state"
    RULE = "rule"
    PLACE = "place"
    BUILDING = "building"


class LotCountBy(StrEnum):
    ITEM_CODE = "item_code"
    TERMS = "terms"
    HOLDER = "holder"
    PLACE = "place"
    BUILDING = "building"


_BY = {
    "KIND": "By kind.",
    "ONLINE": "By whether the system that manages it reaches it.",
    "PLACE": "By the place that it is right in.",
    "BUILDING": "By the building that it is in.",
    "HOUR": "By the hour that it opened in, UTC.",
    "SEVERITY": "By severity.",
    "STATE": "By state.",
    "RULE": "By the rule that opened it.",
    "ITEM_CODE": "By the code of the reserve standard.",
    "TERMS": "By the terms that it is shared on.",
    "HOLDER": "By holder.",
}
described(AssetCountBy, "What assets are counted by.", _BY)
described(AlertCountBy, "What alerts are counted by.", _BY)
described(LotCountBy, "What lots are counted by.", _BY)


async def _place(group: Parent[Group], info: Asked) -> Place | None:
    return await reading.named_by(info, "Place", group.get("place"))  # type: ignore[return-value]


async def _building(group: Parent[Group], info: Asked) -> Place | None:
    return await reading.named_by(info, "Place", group.get("building"))  # type: ignore[return-value]


async def _holder(group: Parent[Group], info: Asked) -> Organization | None:
    return await reading.named_by(info, "Organization", group.get("holder"))  # type: ignore[return-value]


_NULL = "; null where that is not what is counted by, or not known."


@strawberry.type(description="So many assets have this in common.")
class AssetGroup:
    kind: AssetKind | None = strawberry.field(description=f"Their kind{_NULL}")
    online: bool | None = strawberry.field(description=f"Whether the system that manages them reaches them{_NULL}")
    place: Place | None = strawberry.field(resolver=_place, description=f"The place that they are right in{_NULL}")
    building: Place | None = strawberry.field(resolver=_building, description=f"The building that they are in{_NULL}")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="So many alerts have this in common.")
class AlertGroup:
    hour: datetime | None = strawberry.field(description=f"The beginning of the hour that they opened in{_NULL}")
    severity: Severity | None = strawberry.field(description=f"How bad they are{_NULL}")
    state: AlarmState | None = strawberry.field(description=f"Where they stand{_NULL}")
    rule: str | None = strawberry.field(description=f"The rule that opened them{_NULL}")
    place: Place | None = strawberry.field(resolver=_place, description=f"The place that they are at{_NULL}")
    building: Place | None = strawberry.field(resolver=_building, description=f"The building that they are in{_NULL}")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="So many lots have this in common.")
class LotGroup:
    item_code: str | None = strawberry.field(description=f"Their code in the reserve standard{_NULL}")
    terms: LotSharing | None = strawberry.field(description=f"The terms that they are shared on{_NULL}")
    holder: Organization | None = strawberry.field(resolver=_holder, description=f"Who holds them{_NULL}")
    place: Place | None = strawberry.field(resolver=_place, description=f"The place that they lie right in{_NULL}")
    building: Place | None = strawberry.field(resolver=_building, description=f"The building that they lie in{_NULL}")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="Counts, as far as the viewer may see.")
class Counts(Generic[G]):
    groups: list[G] = strawberry.field(description="The groups, the largest first.")
    other: int = strawberry.field(description="How many are in groups too small, or too many, to be told.")
    total: int = strawberry.field(description="How many there are; 0 where they are too few to be told to you.")


_Smallest = Annotated[
    int,
    strawberry.argument(
        description="Groups of fewer are counted together, and so are as many more as hide how few those are."
    ),
]


def _resolver(entity: str, by: type[StrEnum], filter_: type, group: type) -> Any:
    keys: Sequence[str] = [each.value for each in by]

    async def resolver(info: Asked, by: Any, which: Any = None, minimum_group: _Smallest = 1) -> Any:
        found = await reading.counted(info, entity, [each.value for each in by], minimum_group)
        chosen = list(dict.fromkeys(each.value for each in by))
        return {
            "groups": [_group(keys, chosen, each) for each in found.groups],
            "other": found.other,
            "total": found.total,
        }

    resolver.__annotations__ |= {
        "by": Annotated[
            list[by],  # type: ignore[valid-type]
            strawberry.argument(description=f"What they are counted by, 1 to {counting.MOST_KEYS} of these."),
        ],
        "which": Annotated[filter_ | None, strawberry.argument(name="filter", description="Which are counted.")],
        "return": Counts[group],  # type: ignore[valid-type]
    }
    return resolver


def _group(keys: Sequence[str], chosen: Sequence[str], counted: Counted) -> Mapping[str, Any]:
    return {**dict.fromkeys(keys), **dict(zip(chosen, counted.values, strict=True)), "count": counted.count}


assets = _resolver("Asset", AssetCountBy, filters.AssetFilter, AssetGroup)
alerts = _resolver("Alert", AlertCountBy, filters.AlertFilter, AlertGroup)
lots = _resolver("SupplyLot", LotCountBy, filters.SupplyLotFilter, LotGroup)
AssetCounts = Counts[AssetGroup]
AlertCounts = Counts[AlertGroup]
LotCounts = Counts[LotGroup]
