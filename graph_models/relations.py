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
    Relation(name="LOCATED_IN", start=("Asset",), end=("Place",), single=True, meaning="Where the asset stands."),
    Relation(name="MONITORS", start=("Asset",), end=("Place", "Asset"), meaning="What a sensor or camera watches."),
    Relation(name="OWNED_BY", start=("Asset", "Place"), end=("Organization",), single=True, meaning="Whose it is."),
    Relation(name="CONCERNS", start=("Alert",), end=("Asset", "Place"), single=True, meaning="The alert's subject."),
    Relation(
        name="AT",
        start=("Alert",),
        end=("Place",),
        single=True,
        meaning="The place of the subject when the alert opened.",
    ),
)
