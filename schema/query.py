"""What can be asked."""

from typing import Annotated, Any

import strawberry

from schema import accessing, consenting, counts, matching, nearest, pages, reading, stocking
from schema.break_glass import BreakGlass
from schema.break_glass import listed as listed_glasses
from schema.nodes.agreements import SharingAgreement
from schema.nodes.alerts import Alert
from schema.nodes.assets import Asset
from schema.nodes.hazards import Hazard, HazardousGoods
from schema.nodes.incidents import Incident
from schema.nodes.node import Node
from schema.nodes.people import Organization, Person, Qualification, Shift
from schema.nodes.places import Place, Route
from schema.nodes.sources import Source
from schema.nodes.supplies import SupplyItem, SupplyLot
from schema.nodes.warnings import OfficialWarning
from schema.rows import Asked, of_the_graph
from schema.sight import sees_source

_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="Its id.")]
_Retired = Annotated[bool, strawberry.argument(description="Also if no source tells of it any more.")]


@of_the_graph
async def _node(info: Asked, id_: _Id) -> Node | None:
    return await reading.any_node(info, id_)  # type: ignore[return-value]


def _one(entity: str, of: Any) -> Any:
    """The resolver of a lookup by id."""

    async def resolver(info: Asked, id_: _Id, include_retired: _Retired = False) -> Any:
        return await reading.one(info, entity, id_, include_retired=include_retired)

    resolver.__annotations__["return"] = of | None
    return of_the_graph(resolver)


@of_the_graph
async def _alert(info: Asked, id_: _Id) -> Alert | None:
    return await reading.one(info, "Alert", id_, include_retired=True)  # type: ignore[return-value]


def _sources(info: Asked) -> list[Source]:
    context = info.context
    return [status for status in context.services.sources.statuses() if sees_source(context, status.id)]  # type: ignore[misc]


@strawberry.type(description="What can be asked of the park.")
class Query:
    node: Node | None = strawberry.field(resolver=_node, description="Whatever has this id, if you may see it.")
    place: Place | None = strawberry.field(resolver=_one("Place", Place), description="The place of this id.")
    places: pages.Places = strawberry.field(resolver=pages.PLACES.root(), description="The park's places.")
    route: Route | None = strawberry.field(resolver=_one("Route", Route), description="The route of this id.")
    routes: pages.Routes = strawberry.field(
        resolver=pages.ROUTES.root(), description="The routes between the park's places."
    )
    asset: Asset | None = strawberry.field(resolver=_one("Asset", Asset), description="The asset of this id.")
    assets: pages.Assets = strawberry.field(resolver=pages.ASSETS.root(), description="The park's assets.")
    organization: Organization | None = strawberry.field(
        resolver=_one("Organization", Organization), description="The organization of this id."
    )
    organizations: pages.Organizations = strawberry.field(
        resolver=pages.ORGANIZATIONS.root(), description="The organizations of the park."
    )
    agreement: SharingAgreement | None = strawberry.field(
        resolver=_one("SharingAgreement", SharingAgreement), description="The sharing agreement of this id."
    )
    agreements: pages.Agreements = strawberry.field(
        resolver=pages.AGREEMENTS.root(), description="What organizations agreed to show each other."
    )
    person: Person | None = strawberry.field(resolver=_one("Person", Person), description="The person of this id.")
    people: pages.People = strawberry.field(resolver=pages.PEOPLE.root(), description="The people of the park.")
    qualification: Qualification | None = strawberry.field(
        resolver=_one("Qualification", Qualification), description="The qualification of this id."
    )
    qualifications: pages.Qualifications = strawberry.field(
        resolver=pages.QUALIFICATIONS.root(), description="What people can do."
    )
    shift: Shift | None = strawberry.field(resolver=_one("Shift", Shift), description="The shift of this id.")
    shifts: pages.Shifts = strawberry.field(resolver=pages.SHIFTS.root(), description="The duty roster.")
    hazard: Hazard | None = strawberry.field(resolver=_one("Hazard", Hazard), description="The hazard of this id.")
    hazards: pages.Hazards = strawberry.field(resolver=pages.HAZARDS.root(), description="The hazard register.")
    hazardous_goods: HazardousGoods | None = strawberry.field(
        resolver=_one("HazardousGoods", HazardousGoods), description="The hazardous goods of this id."
    )
    goods: pages.Goods = strawberry.field(resolver=pages.GOODS.root(), description="The park's hazardous goods.")
    supply_item: SupplyItem | None = strawberry.field(
        resolver=_one("SupplyItem", SupplyItem), description="The coded item of this id."
    )
    supply_items: pages.Items = strawberry.field(resolver=pages.ITEMS.root(), description="The reserve standard.")
    supply_lot: SupplyLot | None = strawberry.field(
        resolver=_one("SupplyLot", SupplyLot), description="The lot of this id."
    )
    supply_lots: pages.Lots = strawberry.field(resolver=pages.LOTS.root(), description="What is stored in the park.")
    warning: OfficialWarning | None = strawberry.field(
        resolver=_one("Warning", OfficialWarning), description="The official warning of this id."
    )
    warnings: pages.Warnings = strawberry.field(
        resolver=pages.WARNINGS.root(), description="Official warnings, those that are over included."
    )
    alert: Alert | None = strawberry.field(resolver=_alert, description="The alert of this id.")
    alerts: pages.Alerts = strawberry.field(resolver=pages.ALERTS.root(), description="The park's alerts.")
    incident: Incident | None = strawberry.field(
        resolver=_one("Incident", Incident), description="The incident of this id."
    )
    incidents: pages.Incidents = strawberry.field(
        resolver=pages.INCIDENTS.root(), description="What goes on in the park, and what did; exercises too."
    )
    break_glasses: list[BreakGlass] = strawberry.field(
        resolver=listed_glasses, description="Break-glasses, the newest first: all for who reviews them, else your own."
    )
    nearest_supplies: nearest.NearestSupplies = strawberry.field(
        resolver=nearest.supplies,
        description="The nearest lots of an item up to a quantity: those that can be counted on. Needs no graph.",
    )
    nearest_people: nearest.NearestPeople = strawberry.field(
        resolver=nearest.people,
        description="The nearest people who are on duty now and have a skill that has not expired. Needs no graph.",
    )
    nearest_cameras: list[nearest.NearestCamera] = strawberry.field(
        resolver=nearest.cameras, description="The cameras that see a place or its neighbours. Needs no graph."
    )
    sources: list[Source] = strawberry.field(
        resolver=_sources, description="The sources that the park is read from, and how each fares."
    )
    accesses: accessing.Accesses = strawberry.field(
        resolver=accessing.accesses,
        description="Who was shown something personal of a person, or of what that person holds; the latest first.",
    )
    access_report: list[accessing.AccessSeer] = strawberry.field(
        resolver=accessing.report,
        description="A person's own report: every viewer and purpose once, of the latest "
        f"{accessing.REPORTED:,} answers.",
    )
    consents: list[consenting.ConsentRecord] = strawberry.field(
        resolver=consenting.consents, description="On what basis a person's fields are used, by purpose."
    )
    personal_data_shared: list[consenting.PersonalDataShared] = strawberry.field(
        resolver=consenting.shared,
        description="To which organizations personal fields were shown, for which purposes, of the latest "
        f"{consenting.REPORTED:,} such answers.",
    )
    personal_data_provided: list[consenting.PersonalDataProvided] = strawberry.field(
        resolver=consenting.provisions, description="What was given to organizations beside the hub, the latest first."
    )
    matches: list[matching.Match] = strawberry.field(
        resolver=matching.matches,
        description="What may be one thing and waits for a person to say, the oldest first.",
    )
    rejected_rows: list[stocking.WaitingRow] = strawberry.field(
        resolver=stocking.rejected_rows,
        description="What a source sent that could not be read and waits for a person, the oldest first.",
    )
    unmapped_supplies: list[stocking.UnmappedSupply] = strawberry.field(
        resolver=stocking.unmapped_supplies,
        description="Names of stock that have no code, those of most lots first.",
    )
    asset_counts: counts.AssetCounts = strawberry.field(
        resolver=counts.assets, description="How many assets have what in common."
    )
    alert_counts: counts.AlertCounts = strawberry.field(
        resolver=counts.alerts, description="How many alerts have what in common."
    )
    lot_counts: counts.LotCounts = strawberry.field(
        resolver=counts.lots, description="How many lots have what in common."
    )
