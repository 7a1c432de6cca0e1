"""The graph's relations: what each means, and which kinds it joins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """`single`: an entity has at most one of it; the chosen claim's link stands."""

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...]
    meaning: str
    single: bool = False


RELATIONS = (
    Relation(
        name="PART_OF",
        start=("Place",),
        end=("Place",),
        single=True,
        meaning="The place lies within the other.",
    ),
    Relation(
        name="ADJACENT_TO",
        start=("Place",),
        end=("Place",),
        meaning="The places share a boundary that fire or people can cross.",
    ),
    Relation(
        name="LOCATED_IN",
        start=("Asset", "Hazard", "HazardousGoods"),
        end=("Place",),
        single=True,
        meaning="Where it stands.",
    ),
    Relation(name="CONNECTS", start=("Route",), end=("Place",), meaning="An end of the route; it has two."),
    Relation(name="MONITORS", start=("Asset",), end=("Place", "Asset"), meaning="What a sensor or camera watches."),
    Relation(
        name="RECORDED_BY",
        start=("Asset",),
        end=("Asset",),
        single=True,
        meaning="The recorder that keeps its pictures.",
    ),
    Relation(
        name="CONNECTED_TO",
        start=("Asset",),
        end=("Asset",),
        single=True,
        meaning="The panel that a detector reports to.",
    ),
    Relation(
        name="OWNED_BY",
        start=("Asset", "Place", "SupplyLot", "HazardousGoods"),
        end=("Organization",),
        single=True,
        meaning="Whose it is.",
    ),
    Relation(name="OCCUPIES", start=("Organization",), end=("Place",), meaning="Where the organization works."),
    Relation(
        name="HAS_JURISDICTION_OVER",
        start=("Organization",),
        end=("Place",),
        meaning="The place, with all that lies in it, is the authority's to look after.",
    ),
    Relation(
        name="SHARED_BY",
        start=("SharingAgreement",),
        end=("Organization",),
        single=True,
        meaning="Whose rows it shows.",
    ),
    Relation(
        name="SHARED_WITH",
        start=("SharingAgreement",),
        end=("Organization",),
        single=True,
        meaning="Who sees them under it.",
    ),
    Relation(name="EMPLOYED_BY", start=("Person",), end=("Organization",), single=True, meaning="Who employs them."),
    Relation(name="HELD_BY", start=("Qualification",), end=("Person",), single=True, meaning="Whose skill it is."),
    Relation(name="SERVED_BY", start=("Shift",), end=("Person",), single=True, meaning="Who is on duty."),
    Relation(name="POSTED_AT", start=("Shift",), end=("Place",), single=True, meaning="Where the duty is served."),
    Relation(name="THREATENS", start=("Hazard",), end=("Place", "Asset"), meaning="What the hazard would harm."),
    Relation(name="STORED_IN", start=("SupplyLot",), end=("Place",), single=True, meaning="Where the lot lies."),
    Relation(
        name="OF_ITEM", start=("SupplyLot",), end=("SupplyItem",), single=True, meaning="The coded item that it is."
    ),
    Relation(
        name="BELONGS_TO",
        start=("SupplyItem",),
        end=("SupplyItem",),
        single=True,
        meaning="The class of the standard above it.",
    ),
    Relation(name="COVERS", start=("Warning",), end=("Place",), meaning="A place of the park that the warning is for."),
    Relation(
        name="REFERS_TO", start=("Warning",), end=("Warning",), meaning="An earlier message that it updates or cancels."
    ),
    Relation(name="CONCERNS", start=("Alert",), end=("Asset", "Place"), single=True, meaning="The alert's subject."),
    Relation(
        name="AT",
        start=("Alert",),
        end=("Place",),
        single=True,
        meaning="The place of the subject when the alert opened.",
    ),
    Relation(
        name="PASSES_ON",
        start=("Alert",),
        end=("Warning",),
        single=True,
        meaning="The official warning that the alert passes on.",
    ),
    Relation(name="AFFECTS", start=("Incident",), end=("Place",), meaning="A place in which the incident goes on."),
)
