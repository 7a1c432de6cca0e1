"""Random parks, masks and reads."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

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
from graph_models.relations import RELATIONS
from hub.graph.derive import Field, entities
from hub.graph.kinds import KINDS
from hub.graph.selection import FIELDS, GRANTS, Filters, Nested, Order, Page, Root, Selection
from hub.viewer import EVERYTHING, Grant, Mask, Scope, Visibility
from tests.select.walks import WALKS, Park, behind

PLACES = [f"p{n}" for n in range(7)]
IDS = {"Place": PLACES} | {
    entity: [f"{entity.lower()}{n}" for n in range(count)]
    for entity, count in {
        "Route": 2,
        "Asset": 6,
        "Organization": 3,
        "Person": 4,
        "Qualification": 4,
        "Shift": 5,
        "Hazard": 4,
        "HazardousGoods": 3,
        "SupplyItem": 4,
        "SupplyLot": 5,
        "Warning": 5,
        "Alert": 5,
        "Incident": 4,
        "SharingAgreement": 3,
    }.items()
}
ENTITIES = list(IDS)

_LETTERS = "ab车间Z1 '\"$`\\{}"
_TEXT = st.text(_LETTERS, max_size=2)
_DAYS = [f"2026-01-0{day}T00:00:00.000000Z" for day in range(1, 5)]
_ORDERS = {entity: [o for o in Order if kind.order(o.field) is not None] for entity, kind in KINDS.items()}
_RELATIONS = {entity: sorted(relation for of, relation in WALKS if of == entity) for entity in IDS}
_SKILLS = ["first_aid", "electrician"]
_ROLES = ["guard", "值班员"]
_CODES = ["1010101", "2030405"]

OF_FIELDS = [each for each in Visibility if each is not Visibility.PSEUDONYM]  # that one is of ids alone


def _value(dice: Random, entity: str, field: Field) -> Any:
    if field.name in ("skill", "role", "item_code", "code") and entity != "Place":
        words = {"skill": _SKILLS, "role": _ROLES}.get(field.name, _CODES)
        return dice.choice(words)
    if field.name == "roles":
        return dice.sample(_ROLES, dice.randrange(1, 3))
    if field.type is tuple:
        return [dice.choice(_LETTERS)]
    if field.type is bool:
        return dice.random() < 0.5
    if field.type is int:
        return dice.randint(1, 3)
    if field.type is float:
        return dice.random() * 100
    if field.type is datetime:
        return dice.choice(_DAYS)
    if issubclass(field.type, StrEnum):
        return str(dice.choice(list(field.type)))
    return "".join(dice.choice(_LETTERS) for _ in range(dice.randrange(8)))


def _properties(dice: Random, entity: str) -> dict[str, Any]:
    declared = entities()[entity]
    made = {
        field.name: _value(dice, entity, field) if field.required or dice.random() < 0.7 else None
        for field in declared.fields
        if not field.key
    }
    if declared.searched:
        made["search"] = "".join(dice.choice(_LETTERS) for _ in range(dice.randrange(8)))
    made["sources"] = dice.choice([[], ["survey"], ["nvr", "survey"]])
    made["observed"] = [dice.choice(_DAYS) for _ in made["sources"]]
    return {**made, "entity": entity, "retired": dice.random() < 0.15}


def park_of(seed: int) -> Park:
    """A small park, the same for the same seed."""
    dice = Random(seed)
    nodes = {id_: _properties(dice, entity) for entity, ids in IDS.items() for id_ in ids}
    edges: set[tuple[str, str, str]] = set()
    for relation in RELATIONS:
        ends = [id_ for entity in relation.end for id_ in IDS[entity]]
        for start in (id_ for entity in relation.start for id_ in IDS[entity]):
            if relation.name in ("PART_OF", "BELONGS_TO", "REFERS_TO"):  # to one before it, so that none is a ring
                older = IDS[nodes[start]["entity"]]
                ends = older[: older.index(start)]
            count = dice.random() < 0.85 if relation.single else dice.randrange(3)
            edges |= {(start, relation.name, dice.choice(ends)) for _ in range(count) if ends}
    if dice.random() < 0.1:  # a source that contradicts itself: the walks must end
        edges.add((PLACES[0], "PART_OF", PLACES[1]))
    return Park(nodes=nodes, edges=edges)


_MASKABLE = [f"{entity}.{name}" for entity, fields in FIELDS.items() for name in fields if name != "id"] + [
    f"{entity}.{relation.removesuffix('_below')}" for entity, relation in WALKS
]


def _limited(name: str, parameter: str, ids: list[str]) -> st.SearchStrategy[Scope]:
    return st.sets(st.sampled_from(ids), max_size=2).map(
        lambda given: Scope(name=name, parameters=MappingProxyType({parameter: tuple(given)}))
    )


@st.composite
def masks(
    draw: st.DrawFn,
    places: list[str] = PLACES,
    organizations: list[str] = IDS["Organization"],
    names: list[str] = _MASKABLE,
    people: list[str] = IDS["Person"],
) -> Mask:
    """Of a park with these places and organizations; `names` are the fields that a grant may speak of."""

    def grant() -> Grant:
        scope = draw(
            st.just(EVERYTHING)
            | st.just(Scope(name="shared"))
            | _limited("within_places", "places", places)
            | _limited("own_organization", "organizations", organizations)
            | _limited("people_on_duty", "people", people)
        )
        types = draw(st.none() | st.sets(st.sampled_from(ENTITIES), max_size=10).map(frozenset))
        fields = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(OF_FIELDS), max_size=8))
        default = draw(st.sampled_from([Visibility.SHOW] * 5 + OF_FIELDS))
        return Grant(scope=scope, types=types, fields=fields, default=default)

    return tuple(grant() for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))))


def shown(mask: Mask, entity: str, names: Iterable[str]) -> bool:
    """Whether no row can come with less than the whole of the fields."""
    opening = [grant for grant in mask if grant.types is None or entity in grant.types]

    def whole(part: str) -> bool:
        showing = [grant.scope for grant in opening if grant.visibility(f"{entity}.{part}") is Visibility.SHOW]
        return EVERYTHING in showing or all(grant.scope in showing for grant in opening)

    return all(whole(part) for name in names for part in behind(entity, name))


def opened(mask: Mask, entity: str, others: Iterable[str]) -> bool:
    """Whether whoever is shown a row of the kind may be shown what those of the others say of it."""
    opens = lambda grant, kind: grant.types is None or kind in grant.types  # noqa: E731
    return all(
        any(grant.scope == EVERYTHING and opens(grant, other) for grant in mask)
        or all(
            any(also.scope == grant.scope and opens(also, other) for also in mask)
            for grant in mask
            if opens(grant, entity)
        )
        for other in others
    )


def _several(values: Iterable[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from([str(value) for value in values])).map(tuple)


_CONDITIONS: Mapping[str, st.SearchStrategy[Any]] = {
    "within": _several([*PLACES, "' OR true //"]),
    "search": st.lists(_TEXT, max_size=2).map(tuple),
    "employer": _several(IDS["Organization"]),
    "holder": _several(IDS["Organization"]),
    "skill": _several(_SKILLS),
    "role": _several(_ROLES),
    "code": _several(_CODES),
    "item_code": _several(_CODES),
    "hazard_class": _several(_LETTERS),
    "un_number": _several(_LETTERS),
    "level": st.sets(st.integers(1, 3)).map(tuple),
    "blocked": st.booleans(),
    "online": st.booleans(),
    "mapped": st.booleans(),
    "drill": st.booleans(),
    "score_at_least": st.integers(1, 9),
    "terms": _several(LotSharing),
}
_KINDS: Mapping[str, Iterable[str]] = {
    "Place": PlaceKind,
    "Asset": AssetKind,
    "Organization": OrganizationKind,
    "Hazard": ["", "a", "b"],
    "Incident": IncidentKind,
}
_WORDS: Mapping[str, Iterable[str]] = {
    "state": AlarmState,
    "severity": Severity,
    "colour": WarningColour,
    "status": WarningStatus,
}


def _of(entity: str, name: str) -> st.SearchStrategy[Any]:
    if name == "ids":
        return _several(IDS[entity])
    if name == "kind":
        return _several(_KINDS[entity])
    if (entity, name) == ("Incident", "state"):
        return _several(IncidentState)
    if (entity, name) == ("Incident", "number"):
        return _several(_LETTERS)
    if entity == "SharingAgreement" and name in ("type", "purpose"):
        return _several(_LETTERS)
    if name in _WORDS:
        return _several(_WORDS[name])
    return _CONDITIONS[name] if name in _CONDITIONS else st.sampled_from(_DAYS)


@st.composite
def pages(draw: st.DrawFn, entity: str, mask: Mask) -> Page:
    """Filters and orders by what no grant masks; the refusal of the others has a test of its own."""
    kind = KINDS[entity]
    orders = [o for o in _ORDERS[entity] if o is Order.ID or shown(mask, entity, [o.field])]
    known = ["ids", "within", *(["search"] if kind.searched else []), *kind.conditions]
    conditions = {}
    for name in draw(st.lists(st.sampled_from(known), unique=True, max_size=3)):
        condition = kind.condition(name)
        assert condition is not None
        if shown(mask, entity, condition.tells) and opened(mask, entity, condition.through):
            conditions[name] = draw(_of(entity, name))
    filters = Filters(conditions=conditions, include_retired=draw(st.booleans()))
    return Page(
        first=draw(st.sampled_from([0, 1, 2, 3, 500])),
        order=draw(st.sampled_from(orders)),
        filters=filters,
        want_rows=draw(st.sampled_from([True, True, True, False])),
        want_total=draw(st.booleans()),
    )


@st.composite
def _selections(draw: st.DrawFn, entity: str, mask: Mask, depth: int) -> Selection:
    fields = draw(st.lists(st.sampled_from([*FIELDS[entity], GRANTS]), unique=True, max_size=6))
    relations = draw(st.lists(st.sampled_from(_RELATIONS[entity]), max_size=2)) if depth else []
    nested = []
    for number, relation in enumerate(relations):
        walk = WALKS[entity, relation]
        nested.append(
            Nested(
                alias=f"r{number}",
                relation=relation,
                selection=draw(_selections(walk.target, mask, depth - 1)),
                page=draw(pages(walk.target, mask)) if walk.many == "page" else None,
                include_retired=draw(st.booleans()),
            )
        )
    return Selection(entity=entity, fields=tuple(fields), nested=tuple(nested))


@st.composite
def reads(draw: st.DrawFn, mask: Mask) -> list[Root]:
    roots = []
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        entity = draw(st.sampled_from(ENTITIES))
        selection = draw(_selections(entity, mask, draw(st.integers(0, 4))))
        if draw(st.booleans()):
            roots.append(Root(selection=selection, page=draw(pages(entity, mask))))
        else:
            ids = draw(st.lists(st.sampled_from([*IDS[entity], "nothing", "x' OR 1=1"]), max_size=4))
            roots.append(Root(selection=selection, ids=tuple(ids), include_retired=draw(st.booleans())))
    return roots
