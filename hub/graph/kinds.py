"""All kinds of node that can be read, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from hub.graph.fragments import Kind
from hub.graph.queries.assets import ALERT, ASSET
from hub.graph.queries.hazards import GOODS, HAZARD, WARNING
from hub.graph.queries.incidents import INCIDENT
from hub.graph.queries.people import AGREEMENT, ORGANIZATION, PERSON, QUALIFICATION, SHIFT
from hub.graph.queries.places import PLACE, ROUTE
from hub.graph.queries.supplies import ITEM, LOT

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.entity: kind
        for kind in (
            PLACE,
            ROUTE,
            ASSET,
            ORGANIZATION,
            PERSON,
            QUALIFICATION,
            SHIFT,
            HAZARD,
            GOODS,
            ITEM,
            LOT,
            WARNING,
            ALERT,
            INCIDENT,
            AGREEMENT,
        )
    }
)
