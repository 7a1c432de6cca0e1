"""The lists of each kind: their page types, and the resolvers that take what all lists of a kind take."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from hub.graph.selection import Row
from schema import filters, orders, reading
from schema.connections import After, Connection, First
from schema.rows import KEPT, Asked, of_the_graph, related

if TYPE_CHECKING:
    from schema.nodes.agreements import SharingAgreement
    from schema.nodes.alerts import Alert
    from schema.nodes.assets import Asset
    from schema.nodes.hazards import Hazard, HazardousGoods
    from schema.nodes.incidents import Incident
    from schema.nodes.people import Organization, Person, Qualification, Shift
    from schema.nodes.places import Place, Route
    from schema.nodes.supplies import SupplyItem, SupplyLot
    from schema.nodes.warnings import OfficialWarning

Places = Connection[Annotated["Place", strawberry.lazy("schema.nodes.places")]]
Routes = Connection[Annotated["Route", strawberry.lazy("schema.nodes.places")]]
Assets = Connection[Annotated["Asset", strawberry.lazy("schema.nodes.assets")]]
Alerts = Connection[Annotated["Alert", strawberry.lazy("schema.nodes.alerts")]]
Organizations = Connection[Annotated["Organization", strawberry.lazy("schema.nodes.people")]]
People = Connection[Annotated["Person", strawberry.lazy("schema.nodes.people")]]
Qualifications = Connection[Annotated["Qualification", strawberry.lazy("schema.nodes.people")]]
Shifts = Connection[Annotated["Shift", strawberry.lazy("schema.nodes.people")]]
Hazards = Connection[Annotated["Hazard", strawberry.lazy("schema.nodes.hazards")]]
Goods = Connection[Annotated["HazardousGoods", strawberry.lazy("schema.nodes.hazards")]]
Items = Connection[Annotated["SupplyItem", strawberry.lazy("schema.nodes.supplies")]]
Lots = Connection[Annotated["SupplyLot", strawberry.lazy("schema.nodes.supplies")]]
Warnings = Connection[Annotated["OfficialWarning", strawberry.lazy("schema.nodes.warnings")]]
Incidents = Connection[Annotated["Incident", strawberry.lazy("schema.nodes.incidents")]]
Agreements = Connection[Annotated["SharingAgreement", strawberry.lazy("schema.nodes.agreements")]]

_Below = Annotated[bool, strawberry.argument(description="Also those of all that lies below it.")]
_At = Annotated[datetime | None, strawberry.argument(description="At this moment; without it, now.")]
Resolver = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A kind as it is listed: the page's type, what it is filtered and sorted by, and how where nothing is said."""

    entity: str
    page: Any
    filter: type
    orders: type[StrEnum]
    order: str = "ID"

    def root(self) -> Resolver:
        """All of the park."""
        entity = self.entity

        async def resolver(
            info: Asked, which: Any = None, first: Any = 50, after: Any = None, order_by: Any = self._default
        ) -> Any:
            return await reading.listed(info, entity)

        return self._annotated(of_the_graph(resolver))

    def related(self) -> Resolver:
        """Those that a row is related to."""

        def resolver(
            row: Parent[Row],
            info: Asked,
            which: Any = None,
            first: Any = 50,
            after: Any = None,
            order_by: Any = self._default,
        ) -> Any:
            return related(row, info)

        vars(resolver)[KEPT] = True
        return self._annotated(of_the_graph(resolver))

    def below(self) -> Resolver:
        """The same, or also those of all that lies below the row."""

        def resolver(
            row: Parent[Row],
            info: Asked,
            below: _Below = False,
            which: Any = None,
            first: Any = 50,
            after: Any = None,
            order_by: Any = self._default,
        ) -> Any:
            return related(row, info)

        vars(resolver)[KEPT] = True
        return self._annotated(of_the_graph(resolver))

    def at(self) -> Resolver:
        """Those that a row is related to at a moment: by the clock, where none is named."""

        def resolver(
            row: Parent[Row],
            info: Asked,
            at: _At = None,
            which: Any = None,
            first: Any = 50,
            after: Any = None,
            order_by: Any = self._default,
        ) -> Any:
            return related(row, info)

        vars(resolver)[KEPT] = True
        return self._annotated(resolver)

    @property
    def _default(self) -> StrEnum:
        return self.orders[self.order]

    def _annotated(self, resolver: Resolver) -> Resolver:
        """Strawberry reads what a field takes and gives from its resolver's annotations."""
        resolver.__annotations__ |= {
            "which": Annotated[self.filter | None, strawberry.argument(name="filter", description="Which of them.")],
            "first": First,
            "after": After,
            "order_by": Annotated[self.orders, strawberry.argument(description="How the rows are sorted.")],
            "return": self.page,
        }
        return resolver


PLACES = Listed(entity="Place", page=Places, filter=filters.PlaceFilter, orders=orders.PlaceOrder)
ROUTES = Listed(entity="Route", page=Routes, filter=filters.RouteFilter, orders=orders.RouteOrder)
ASSETS = Listed(entity="Asset", page=Assets, filter=filters.AssetFilter, orders=orders.AssetOrder)
ALERTS = Listed(
    entity="Alert", page=Alerts, filter=filters.AlertFilter, orders=orders.AlertOrder, order="OPENED_AT_DESC"
)
ORGANIZATIONS = Listed(
    entity="Organization",
    page=Organizations,
    filter=filters.OrganizationFilter,
    orders=orders.OrganizationOrder,
)
PEOPLE = Listed(entity="Person", page=People, filter=filters.PersonFilter, orders=orders.PersonOrder)
QUALIFICATIONS = Listed(
    entity="Qualification",
    page=Qualifications,
    filter=filters.QualificationFilter,
    orders=orders.QualificationOrder,
)
SHIFTS = Listed(entity="Shift", page=Shifts, filter=filters.ShiftFilter, orders=orders.ShiftOrder, order="STARTS_AT")
HAZARDS = Listed(entity="Hazard", page=Hazards, filter=filters.HazardFilter, orders=orders.HazardOrder)
GOODS = Listed(
    entity="HazardousGoods", page=Goods, filter=filters.HazardousGoodsFilter, orders=orders.HazardousGoodsOrder
)
ITEMS = Listed(
    entity="SupplyItem", page=Items, filter=filters.SupplyItemFilter, orders=orders.SupplyItemOrder, order="CODE"
)
LOTS = Listed(entity="SupplyLot", page=Lots, filter=filters.SupplyLotFilter, orders=orders.SupplyLotOrder)
WARNINGS = Listed(
    entity="Warning", page=Warnings, filter=filters.WarningFilter, orders=orders.WarningOrder, order="SENT_DESC"
)
INCIDENTS = Listed(
    entity="Incident",
    page=Incidents,
    filter=filters.IncidentFilter,
    orders=orders.IncidentOrder,
    order="OPENED_AT_DESC",
)
AGREEMENTS = Listed(
    entity="SharingAgreement",
    page=Agreements,
    filter=filters.SharingAgreementFilter,
    orders=orders.SharingAgreementOrder,
    order="CODE",
)
