"""From an entity's claims to its node and its links: which value stands. Pure, so that a rebuild gives the same."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple, TypeGuard

from adapters.contract import Value
from graph_models.relations import Relation
from hub.graph.derive import Field, entities, relations
from hub.graph.search_text import search_text
from hub.journal.choice import best_first
from hub.journal.records import HeldClaim

Fit = Callable[[Value], object | None]

_LONGEST = 2000  # characters; an index takes about 8 kB a value, and refuses the whole transaction past it


class Node(NamedTuple):
    """What the graph is to show of an entity. `links` are (relation, the target's entity id)."""

    id: str
    label: str
    second: str | None
    properties: dict[str, object]
    links: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1024)  # a batch's claims share theirs
def iso(moment: datetime) -> str:
    """The one form of a time in the graph; see `hub.graph.derive`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def label_of(claims: Sequence[HeldClaim], precedence: Mapping[str, int]) -> str | None:
    """The declared kind that the most believed claim gives; None without a claim of a declared kind."""
    standing = _standing(claims, precedence)
    return standing[0].claim.kind if standing else None


def node(
    id_: str,
    claims: Sequence[HeldClaim],
    precedence: Mapping[str, int],
    clear: Sequence[HeldClaim] | None = None,
) -> Node | None:
    """None where there is no claim of a declared kind. Where all are gone the node is retired: it shows what was said
    last, and links to nothing. `clear`: the same claims with personal values unsealed, for kinds whose search text
    needs them."""
    best = _standing(claims, precedence)
    if not best:
        return None
    label, retired = best[0].claim.kind, best[0].claim.gone
    form = _form(label)
    properties = _chosen(form.plain if clear else form.all, best)
    if clear:
        properties |= _chosen(form.unsealed, _standing(clear, precedence))
    if form.positioned:
        for held in best:
            if (position := held.claim.position) is not None:
                properties |= {"latitude": float(position.latitude), "longitude": float(position.longitude)}
                break
    properties["id"] = id_
    if words := search_text([str(properties[name]) for name in form.searched if name in properties]):
        properties["search"] = words[:_LONGEST]
    properties["retired"] = retired
    seen = {} if retired else _seen(best)
    properties["sources"], properties["observed"] = list(seen), list(seen.values())
    properties["seq"] = best[0].seq if len(best) == 1 else max(held.seq for held in best)
    second = form.second.get(str(properties.get("kind")))
    return Node(id_, label, second, properties, () if retired else _links(id_, form, best))


def standing_values(
    label: str, claims: Sequence[HeldClaim], precedence: Mapping[str, int], names: Collection[str]
) -> dict[str, object]:
    """What the node shows, or would show in clear, of the named fields, without those that nobody says."""
    form = _form(label)
    return _chosen({name: form.all[name] for name in names}, _standing(claims, precedence))


def _standing(claims: Sequence[HeldClaim], precedence: Mapping[str, int]) -> list[HeldClaim]:
    """The claims that make up what is shown, the most believed first: those of one declared kind that are live, or
    the gone ones where none is."""
    declared = entities()
    best = [held for held in claims if held.claim.kind in declared]
    if len(best) > 1:
        best = best_first(best, precedence)
        best = [held for held in best if not held.claim.gone] or best
        best = [held for held in best if held.claim.kind == best[0].claim.kind]
    return best


def _seen(best: Sequence[HeldClaim]) -> dict[str, str]:
    """Each source, by name, and when it last saw something other than before."""
    if len(best) == 1:
        [held] = best
        return {held.source: iso(held.claim.observed_at or held.recorded_at)}
    seen: dict[str, str] = {}
    for held in sorted(best, key=lambda held: held.source):
        at = iso(held.claim.observed_at or held.recorded_at)
        seen[held.source] = max(at, seen.get(held.source, at))
    return seen


def _chosen(wanted: Mapping[str, Fit], best: Sequence[HeldClaim]) -> dict[str, object]:
    """Of each wanted field the first value that is of its type."""
    chosen: dict[str, object] = {}
    for held in best:
        chosen = {
            name: fitting
            for name, value in held.claim.values.items()
            if value is not None and name in wanted and (fitting := wanted[name](value)) is not None
        } | chosen
    return chosen


def fit(field: Field, value: Value) -> object | None:
    """The value in the declared type; None where it is not of it, which intake has already told its source."""
    return _fit(field)(value)


@cache
def _fit(field: Field) -> Fit:
    if field.personal:
        return str
    if field.type is datetime:
        return _time
    if field.type is bool:
        return lambda value: value if isinstance(value, bool) else None
    if field.type is float:
        return lambda value: float(value) if _is_number(value) else None
    if field.type is int:
        return lambda value: int(value) if _is_number(value) and abs(value) < 1 << 63 else None
    if issubclass(field.type, StrEnum):
        members: dict[Value, str] = {str(member): str(member) for member in field.type}
        return members.get
    if field.type is tuple:
        return lambda value: [text[:_LONGEST] for text in value] if isinstance(value, tuple) else None
    if field.long:
        return lambda value: value if isinstance(value, str) else None
    return lambda value: value[:_LONGEST] if isinstance(value, str) else None


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _time(value: Value) -> str | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return iso(moment) if moment.tzinfo else None


@dataclass(frozen=True, slots=True)
class _Form:
    """An entity's fields as a node takes them: all, and parted by whether they are found by though personal."""

    all: Mapping[str, Fit]
    plain: Mapping[str, Fit]
    unsealed: Mapping[str, Fit]
    searched: tuple[str, ...]
    positioned: bool
    relations: Mapping[str, Relation]
    second: Mapping[str, str]


@cache
def _form(label: str) -> _Form:
    entity = entities()[label]
    every = {field.name: _fit(field) for field in entity.fields if not field.key}
    unsealed = {field.name for field in entity.fields if field.personal and field.search}
    return _Form(
        all=every,
        plain={name: fit for name, fit in every.items() if name not in unsealed},
        unsealed={name: fit for name, fit in every.items() if name in unsealed},
        searched=tuple(field.name for field in entity.searched),
        positioned="latitude" in every,
        relations={name: relation for name, relation in relations().items() if label in relation.start},
        second=dict(entity.second),
    )


def _links(id_: str, form: _Form, best: Sequence[HeldClaim]) -> tuple[tuple[str, str], ...]:
    """Of a relation that is single the first link of the most believed claim that has one."""
    found: dict[tuple[str, str], None] = {}
    settled: list[str] = []
    for held in best:
        for link in held.claim.links:
            relation = form.relations.get(link.relation)
            if relation is None or relation.name in settled:
                continue
            target = held.targets.get((relation.name, link.target))
            if target is not None and target != id_:
                found[relation.name, target] = None
                if relation.single:
                    settled.append(relation.name)
    return tuple(found)
