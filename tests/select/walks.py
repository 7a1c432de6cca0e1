"""Where each relation leads, where each thing lies and what each condition means, in plain Python over a park."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Edge = tuple[str, str, str]  # start, relation, end


@dataclass(kw_only=True)
class Park:
    """`nodes`: id → its properties, with `entity` beside them."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)

    def out(self, start: str, relation: str, entity: str) -> list[str]:
        return [e for s, r, e in self.edges if s == start and r == relation and self.nodes[e]["entity"] == entity]

    def into(self, end: str, relation: str, entity: str) -> list[str]:
        return [s for s, r, e in self.edges if e == end and r == relation and self.nodes[s]["entity"] == entity]

    def up(self, start: str, relation: str = "PART_OF") -> dict[str, int]:
        """The place, or what else, and what it lies in, with the steps to it."""
        entity = self.nodes[start]["entity"]
        depths, front, depth = {start: 0}, [start], 0
        while front:
            depth += 1
            front = [up for at in front for up in self.out(at, relation, entity) if up not in depths]
            depths.update(dict.fromkeys(front, depth))
        return depths

    def below(self, top: str, relation: str = "PART_OF") -> set[str]:
        entity = self.nodes[top]["entity"]
        return {id_ for id_, node in self.nodes.items() if node["entity"] == entity and top in self.up(id_, relation)}

    def places_of(self, id_: str) -> list[str]:
        entity = self.nodes[id_]["entity"]
        if entity == "Place":
            return [id_]
        if entity == "Person":
            posts = [at for shift in self.into(id_, "SERVED_BY", "Shift") for at in self.places_of(shift)]
            employers = self.out(id_, "EMPLOYED_BY", "Organization")
            return posts + [at for employer in employers for at in self.places_of(employer)]
        if entity == "Qualification":
            return [at for person in self.out(id_, "HELD_BY", "Person") for at in self.places_of(person)]
        if entity == "SharingAgreement":
            sides = [
                side for relation in ("SHARED_BY", "SHARED_WITH") for side in self.out(id_, relation, "Organization")
            ]
            return [at for side in sides for at in self.places_of(side)]
        return [at for relation in _LIES[entity] for at in self.out(id_, relation, "Place")]

    def within(self, id_: str, places: Iterable[str]) -> bool:
        entity = self.nodes[id_]["entity"]
        if entity == "SupplyItem":
            return True
        lies_in = self.places_of(id_)
        above = {up for place in lies_in for up in self.up(place)}
        if above & set(places):
            return True
        known = [place for place in places if place in self.nodes]
        return entity in ("Warning", "Incident") and any(set(self.up(place)) & set(lies_in) for place in known)

    def owned(self, id_: str, organizations: Iterable[str]) -> bool:
        """Whether it is of one of the organizations: by its own link, its person's employer, or a place of theirs."""
        own, entity = set(organizations), self.nodes[id_]["entity"]
        if entity == "SupplyItem":
            return True
        if entity == "Organization":
            return id_ in own
        if entity == "Person":
            return bool(own & set(self.out(id_, "EMPLOYED_BY", "Organization")))
        if entity in ("Qualification", "Shift"):
            people = self.out(id_, "HELD_BY" if entity == "Qualification" else "SERVED_BY", "Person")
            return any(self.owned(person, own) for person in people)
        if entity in ("Asset", "SupplyLot", "HazardousGoods"):
            return bool(own & set(self.out(id_, "OWNED_BY", "Organization")))
        if entity == "SharingAgreement":
            return any(own & set(self.out(id_, side, "Organization")) for side in ("SHARED_BY", "SHARED_WITH"))
        about = {"Alert": "CONCERNS", "Hazard": "THREATENS"}.get(entity)
        if about is not None and any(self.owned(asset, own) for asset in self.out(id_, about, "Asset")):
            return True
        lies_in = self.places_of(id_)
        if any(self._of_theirs(up, own) for place in lies_in for up in self.up(place)):
            return True
        below = {low for place in lies_in for low in self.below(place)} if entity in ("Warning", "Incident") else set()
        return any(self._of_theirs(low, own) for low in below)

    def personal(self, id_: str, people: Iterable[str]) -> bool:
        """Whether it is one of the people, or a shift or a qualification of theirs."""
        relation = {"Shift": "SERVED_BY", "Qualification": "HELD_BY"}.get(self.nodes[id_]["entity"])
        whose = [id_] if relation is None else self.out(id_, relation, "Person")
        return bool(set(whose) & set(people))

    def _of_theirs(self, place: str, own: set[str]) -> bool:
        return bool(own & {*self.out(place, "OWNED_BY", "Organization"), *self.into(place, "OCCUPIES", "Organization")})

    def living(self, ids: Iterable[str]) -> list[str]:
        return [id_ for id_ in ids if not self.nodes[id_]["retired"]]


_LIES = {
    "Asset": ("LOCATED_IN",),
    "Alert": ("AT",),
    "Route": ("CONNECTS",),
    "Organization": ("OCCUPIES",),
    "Shift": ("POSTED_AT",),
    "Hazard": ("LOCATED_IN", "THREATENS"),
    "HazardousGoods": ("LOCATED_IN",),
    "SupplyLot": ("STORED_IN",),
    "Warning": ("COVERS",),
    "Incident": ("AFFECTS",),
}


@dataclass(frozen=True, kw_only=True)
class Walk:
    """`many`: one, list or page."""

    target: str
    to: Callable[[Park, str], Iterable[str]]
    many: str = "page"


def _out(relation: str, target: str, many: str = "page") -> Walk:
    return Walk(target=target, many=many, to=lambda park, at: park.out(at, relation, target))


def _into(relation: str, target: str) -> Walk:
    return Walk(target=target, to=lambda park, at: park.into(at, relation, target))


def _below(target: str, *relations: str, down: str = "PART_OF") -> Walk:
    return Walk(
        target=target,
        to=lambda park, at: {
            id_ for low in park.below(at, down) for relation in relations for id_ in park.into(low, relation, target)
        },
    )


def _path(park: Park, starts: list[str], *, itself: bool) -> dict[str, int]:
    depths: dict[str, int] = {}
    for start in starts:
        for place, depth in park.up(start).items():
            depths[place] = min(depth, depths.get(place, depth))
    return depths if itself else {place: depth for place, depth in depths.items() if depth > 0}


WALKS: Mapping[tuple[str, str], Walk] = {
    ("Place", "part_of"): _out("PART_OF", "Place", "one"),
    ("Place", "path"): Walk(target="Place", many="list", to=lambda park, at: _path(park, [at], itself=False)),
    ("Place", "parts"): _into("PART_OF", "Place"),
    ("Place", "adjacent"): Walk(
        target="Place",
        to=lambda park, at: {*park.out(at, "ADJACENT_TO", "Place"), *park.into(at, "ADJACENT_TO", "Place")},
    ),
    ("Place", "routes"): _into("CONNECTS", "Route"),
    ("Place", "owner"): _out("OWNED_BY", "Organization", "one"),
    ("Place", "assets"): _into("LOCATED_IN", "Asset"),
    ("Place", "assets_below"): _below("Asset", "LOCATED_IN"),
    ("Place", "monitored_by"): _into("MONITORS", "Asset"),
    ("Place", "alerts"): _below("Alert", "AT"),
    ("Place", "lots"): _into("STORED_IN", "SupplyLot"),
    ("Place", "lots_below"): _below("SupplyLot", "STORED_IN"),
    ("Place", "goods"): _into("LOCATED_IN", "HazardousGoods"),
    ("Place", "goods_below"): _below("HazardousGoods", "LOCATED_IN"),
    ("Place", "hazards"): Walk(
        target="Hazard",
        to=lambda park, at: {*park.into(at, "LOCATED_IN", "Hazard"), *park.into(at, "THREATENS", "Hazard")},
    ),
    ("Place", "hazards_below"): _below("Hazard", "LOCATED_IN", "THREATENS"),
    ("Place", "warnings"): Walk(
        target="Warning", to=lambda park, at: {id_ for up in park.up(at) for id_ in park.into(up, "COVERS", "Warning")}
    ),
    ("Place", "people_on_duty"): _below("Shift", "POSTED_AT"),
    ("Place", "occupants"): _into("OCCUPIES", "Organization"),
    ("Place", "occupants_below"): _below("Organization", "OCCUPIES"),
    ("Route", "places"): _out("CONNECTS", "Place"),
    ("Asset", "place"): _out("LOCATED_IN", "Place", "one"),
    ("Asset", "owner"): _out("OWNED_BY", "Organization", "one"),
    ("Asset", "monitors_places"): _out("MONITORS", "Place"),
    ("Asset", "monitors_assets"): _out("MONITORS", "Asset"),
    ("Asset", "monitored_by"): _into("MONITORS", "Asset"),
    ("Asset", "alerts"): _into("CONCERNS", "Alert"),
    ("Asset", "hazards"): _into("THREATENS", "Hazard"),
    ("Asset", "recorded_by"): _out("RECORDED_BY", "Asset", "one"),
    ("Asset", "cameras"): _into("RECORDED_BY", "Asset"),
    ("Asset", "reports_to"): _out("CONNECTED_TO", "Asset", "one"),
    ("Asset", "detectors"): _into("CONNECTED_TO", "Asset"),
    ("Alert", "asset"): _out("CONCERNS", "Asset", "one"),
    ("Alert", "subject_place"): _out("CONCERNS", "Place", "one"),
    ("Alert", "place"): _out("AT", "Place", "one"),
    ("Alert", "path"): Walk(
        target="Place", many="list", to=lambda park, at: _path(park, park.out(at, "AT", "Place"), itself=True)
    ),
    ("Alert", "warning"): _out("PASSES_ON", "Warning", "one"),
    ("Organization", "places"): _out("OCCUPIES", "Place"),
    ("Organization", "jurisdiction"): _out("HAS_JURISDICTION_OVER", "Place"),
    ("Organization", "agreements_given"): _into("SHARED_BY", "SharingAgreement"),
    ("Organization", "agreements_received"): _into("SHARED_WITH", "SharingAgreement"),
    ("SharingAgreement", "provider"): _out("SHARED_BY", "Organization", "one"),
    ("SharingAgreement", "recipient"): _out("SHARED_WITH", "Organization", "one"),
    ("Organization", "people"): _into("EMPLOYED_BY", "Person"),
    ("Organization", "lots"): _into("OWNED_BY", "SupplyLot"),
    ("Organization", "goods"): _into("OWNED_BY", "HazardousGoods"),
    ("Organization", "assets"): _into("OWNED_BY", "Asset"),
    ("Person", "employer"): _out("EMPLOYED_BY", "Organization", "one"),
    ("Person", "qualifications"): _into("HELD_BY", "Qualification"),
    ("Person", "shifts"): _into("SERVED_BY", "Shift"),
    ("Qualification", "person"): _out("HELD_BY", "Person", "one"),
    ("Shift", "person"): _out("SERVED_BY", "Person", "one"),
    ("Shift", "place"): _out("POSTED_AT", "Place", "one"),
    ("Hazard", "place"): _out("LOCATED_IN", "Place", "one"),
    ("Hazard", "threatened_places"): _out("THREATENS", "Place"),
    ("Hazard", "threatened_assets"): _out("THREATENS", "Asset"),
    ("HazardousGoods", "place"): _out("LOCATED_IN", "Place", "one"),
    ("HazardousGoods", "owner"): _out("OWNED_BY", "Organization", "one"),
    ("SupplyItem", "parent"): _out("BELONGS_TO", "SupplyItem", "one"),
    ("SupplyItem", "children"): _into("BELONGS_TO", "SupplyItem"),
    ("SupplyItem", "lots"): _into("OF_ITEM", "SupplyLot"),
    ("SupplyItem", "lots_below"): _below("SupplyLot", "OF_ITEM", down="BELONGS_TO"),
    ("SupplyLot", "item"): _out("OF_ITEM", "SupplyItem", "one"),
    ("SupplyLot", "holder"): _out("OWNED_BY", "Organization", "one"),
    ("SupplyLot", "place"): _out("STORED_IN", "Place", "one"),
    ("Warning", "places"): _out("COVERS", "Place"),
    ("Warning", "refers_to"): _out("REFERS_TO", "Warning"),
    ("Warning", "referred_to_by"): _into("REFERS_TO", "Warning"),
    ("Warning", "alerts"): _into("PASSES_ON", "Alert"),
    ("Incident", "places"): _out("AFFECTS", "Place"),
}

_EVER = "~"


def score(node: Mapping[str, Any]) -> int | None:
    likelihood, consequence = node.get("likelihood"), node.get("consequence")
    return None if likelihood is None or consequence is None else likelihood * consequence


def terms(node: Mapping[str, Any]) -> str:
    return node.get("sharing") or "NOT_SHARED"


COMPUTED: Mapping[tuple[str, str], tuple[Callable[[Mapping[str, Any]], Any], tuple[str, ...]]] = {
    ("Hazard", "score"): (score, ("score", "likelihood", "consequence")),
    ("SupplyLot", "terms"): (terms, ("terms", "sharing")),
}


def behind(entity: str, name: str) -> tuple[str, ...]:
    """The field, and what it is made of."""
    return COMPUTED[entity, name][1] if (entity, name) in COMPUTED else (name,)


def _in_force(node: Mapping[str, Any], at: str) -> bool:
    return (
        node.get("status") in (None, "ACTUAL")
        and node.get("message_type") in (None, "ALERT", "UPDATE")
        and (node.get("sent") or "") <= at < (node.get("expires") or _EVER)
        and at < (node.get("ended_at") or _EVER)
    )


def _before(name: str) -> Callable[[Mapping[str, Any], Any], bool]:
    return lambda node, at: node.get(name) is not None and node[name] < at


_MEANS: Mapping[str, Callable[[Mapping[str, Any], Any], bool]] = {
    "search": lambda node, terms: all(term in (node.get("search") or "") for term in terms),
    "blocked": lambda node, blocked: bool(node.get("blocked")) == blocked,
    "type": lambda node, types: bool(set(node["types"]) & set(types)),
    "purpose": lambda node, purposes: bool(set(node["purposes"]) & set(purposes)),
    "holds_at": lambda node, at: node["starts_at"] <= at < (node.get("ends_at") or _EVER),
    "drill": lambda node, drill: node["drill"] == drill,
    "online": lambda node, online: node.get("online") == online,
    "opened_from": lambda node, at: node["opened_at"] >= at,
    "opened_before": _before("opened_at"),
    "expires_before": _before("expires_at"),
    "starts_before": _before("starts_at"),
    "ends_after": lambda node, at: node["ends_at"] > at,
    "review_due_before": _before("review_due"),
    "on_duty_at": lambda node, at: node["starts_at"] <= at < node["ends_at"],
    "role": lambda node, roles: node.get("role") in roles,
    "score_at_least": lambda node, least: (score(node) or 0) >= least,
    "mapped": lambda node, mapped: (node.get("item_code") is not None) == mapped,
    "terms": lambda node, wanted: terms(node) in wanted,
    "in_force_at": _in_force,
}


def passes(park: Park, id_: str, name: str, value: Any) -> bool:
    """Whether the condition holds for the row; one that is named like a field wants one of several values of it."""
    node = park.nodes[id_]
    entity = node["entity"]
    if name == "ids":
        return id_ in value
    if name == "within":
        return park.within(id_, value)
    if (entity, name) == ("Person", "role"):
        return bool(set(node.get("roles") or ()) & set(value))
    if (entity, name) == ("Person", "skill"):
        held = park.living(park.into(id_, "HELD_BY", "Qualification"))
        return any(park.nodes[each]["skill"] in value for each in held)
    if (entity, name) == ("Person", "on_duty_at"):
        shifts = park.living(park.into(id_, "SERVED_BY", "Shift"))
        return any(_MEANS["on_duty_at"](park.nodes[shift], value) for shift in shifts)
    if name == "employer":
        return bool(set(park.out(id_, "EMPLOYED_BY", "Organization")) & set(value))
    if name == "holder":
        return bool(set(park.out(id_, "OWNED_BY", "Organization")) & set(value))
    means = _MEANS.get(name)
    return node.get(name) in value if means is None else means(node, value)
