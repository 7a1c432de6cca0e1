"""From an entity's claims to its node and its links: which value stands. Pure, so that a rebuild gives the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from adapters.contract import Value
from graph_models.relations import Relation
from hub.graph.derive import Entity, Field, entities, relations
from hub.graph.search_text import search_text
from hub.journal.choice import best_first
from hub.journal.records import HeldClaim

_LONGEST = 2000  # characters; an index takes about 8 kB a value, and refuses the whole transaction past it


@dataclass(frozen=True, slots=True)
class Node:
    """What the graph is to show of an entity. `links` are (relation, the target's entity id)."""

    id: str
    label: str
    second: str | None
    properties: dict[str, object]
    links: tuple[tuple[str, str], ...]


def iso(moment: datetime) -> str:
    """The one form of a time in the graph; see `hub.graph.derive`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def label_of(claims: Sequence[HeldClaim], precedence: Mapping[str, int]) -> str | None:
    """The declared kind that the most believed claim gives; None without a live claim of a declared kind."""
    for held in best_first(claims, precedence):
        if not held.claim.gone and held.claim.kind in entities():
            return held.claim.kind
    return None


def node(
    id_: str,
    claims: Sequence[HeldClaim],
    precedence: Mapping[str, int],
    clear: Sequence[HeldClaim] | None = None,
) -> Node | None:
    """None where no live claim of a declared kind remains. `clear`: the same claims with personal values unsealed,
    for kinds whose search text needs them."""
    label = label_of(claims, precedence)
    if label is None:
        return None
    entity = entities()[label]
    alike = [held for held in best_first(claims, precedence) if not held.claim.gone and held.claim.kind == label]
    plain = alike
    if clear:
        plain = [held for held in best_first(clear, precedence) if not held.claim.gone and held.claim.kind == label]
    properties: dict[str, object] = {"id": id_}
    for field in entity.fields:
        if not field.key:
            value = _chosen(field, plain if field.personal and field.search else alike)
            if value is not None:
                properties[field.name] = value
    position = next((held.claim.position for held in alike if held.claim.position), None)
    if position is not None and any(field.name == "latitude" for field in entity.fields):
        properties |= {"latitude": float(position.latitude), "longitude": float(position.longitude)}
    if entity.searched:
        texts = (properties.get(field.name) for field in entity.searched)
        if words := search_text(str(text) for text in texts if text is not None):
            properties["search"] = words[:_LONGEST]
    properties["retired"] = False
    properties["sources"] = sorted({held.source for held in alike})
    properties["seq"] = max(held.seq for held in alike)
    second = entity.second.get(str(properties.get("kind")))
    return Node(id_, label, second, properties, _links(id_, entity, alike))


def _chosen(field: Field, best: Sequence[HeldClaim]) -> object | None:
    for held in best:
        value = held.claim.values.get(field.name)
        if value is not None and (fitting := fit(field, value)) is not None:
            return fitting
    return None


def fit(field: Field, value: Value) -> object | None:
    """The value in the declared type; None where it is not of it, which intake has already told its source."""
    if field.personal:
        return str(value)
    if field.type is datetime:
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return None
        return iso(moment) if moment.tzinfo else None
    if field.type is bool:
        return value if isinstance(value, bool) else None
    if field.type in (int, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if field.type is float else int(value) if abs(value) < 1 << 63 else None
    if issubclass(field.type, StrEnum):
        return str(value) if value in field.type.__members__.values() else None
    return value[:_LONGEST] if isinstance(value, str) else None


def _links(id_: str, entity: Entity, best: Sequence[HeldClaim]) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for name, relation in relations().items():
        if entity.label in relation.start:
            for target in _targets(id_, relation, best):
                found[name, target] = None
    return tuple(found)


def _targets(id_: str, relation: Relation, best: Sequence[HeldClaim]) -> list[str]:
    targets: list[str] = []
    for held in best:
        for link in held.claim.links:
            target = held.targets.get((relation.name, link.target)) if link.relation == relation.name else None
            if target is not None and target != id_:
                targets.append(target)
        if relation.single and targets:
            return targets[:1]
    return targets
