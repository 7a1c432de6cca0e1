"""Random parks, masks and reads."""

from collections.abc import Iterable
from random import Random
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

from graph_models.entities import AlarmState, AssetKind, PlaceKind, Severity
from hub.graph.selection import FIELDS, GRANTS, Filters, Nested, Order, Page, Root, Selection
from hub.viewer import EVERYTHING, Grant, Mask, Scope, Visibility
from tests.select.reference import SINGLE, TARGETS, Park

PLACES = [f"p{n}" for n in range(7)]
ASSETS = [f"a{n}" for n in range(6)]
ALERTS = [f"x{n}" for n in range(5)]
IDS = {"Place": PLACES, "Asset": ASSETS, "Alert": ALERTS}

_TEXT = st.text("ab车间Z1 '\"$`\\{}", max_size=2)
_ORDERS = {
    "Place": [Order.ID, Order.NAME, Order.NAME_DOWN, Order.CODE, Order.CODE_DOWN, Order.LEVEL, Order.LEVEL_DOWN],
    "Asset": [Order.ID, Order.NAME, Order.NAME_DOWN],
    "Alert": [Order.ID, Order.OPENED_AT, Order.OPENED_AT_DOWN],
}
_RELATIONS = {
    entity: sorted(relation for of, relation in TARGETS if of == entity) for entity in ("Place", "Asset", "Alert")
}


def _properties(dice: Random, entity: str) -> dict[str, Any]:
    def text() -> str:
        return "".join(dice.choice("ab车间Z1 '\"$`\\{}") for _ in range(dice.randrange(8)))

    def maybe(value: Any) -> Any:
        return dice.choice([None, value, value])

    def one_of(values: Iterable[str]) -> str:
        return str(dice.choice(list(values)))

    own = {
        "Place": {
            "kind": one_of(PlaceKind),
            "name": maybe(text()),
            "code": maybe(text()),
            "level": maybe(dice.randint(-2, 3)),
            "area": maybe(dice.random() * 100),
            "search": maybe(text()),
        },
        "Asset": {
            "kind": one_of(AssetKind),
            "name": maybe(text()),
            "serial_number": maybe(text()),
            "model": maybe(text()),
            "search": maybe(text()),
        },
        "Alert": {
            "rule": text(),
            "severity": one_of(Severity),
            "state": one_of(AlarmState),
            "code": text(),
            "opened_at": f"2026-01-0{dice.randint(1, 3)}T00:00:00.000000+00:00",
            "acknowledged_by": maybe(text()),
            "value": maybe(dice.random() * 10),
        },
    }
    return {**own[entity], "entity": entity, "retired": dice.random() < 0.15}


def park_of(seed: int) -> Park:
    """A small park, the same for the same seed."""
    dice = Random(seed)
    nodes = {id_: _properties(dice, entity) for entity, ids in IDS.items() for id_ in ids}
    edges: set[tuple[str, str, str]] = set()
    for number, place in enumerate(PLACES[1:], 1):
        if dice.random() < 0.85:
            edges.add((place, "PART_OF", dice.choice(PLACES[:number])))
    for asset in ASSETS:
        if dice.random() < 0.85:
            edges.add((asset, "LOCATED_IN", dice.choice(PLACES)))
        edges |= {(asset, "MONITORS", dice.choice([*PLACES, *ASSETS])) for _ in range(dice.randrange(3))}
    for alert in ALERTS:
        if dice.random() < 0.85:
            edges.add((alert, "CONCERNS", dice.choice([*ASSETS, *PLACES])))
        if dice.random() < 0.85:
            edges.add((alert, "AT", dice.choice(PLACES)))
    for _ in range(3):
        start, end = dice.sample(PLACES, 2)
        edges.add((start, "ADJACENT_TO", end))
    if dice.random() < 0.1:  # a source that contradicts itself: the walks must end
        edges.add((PLACES[0], "PART_OF", PLACES[1]))
    return Park(nodes=nodes, edges=edges)


_MASKABLE = [f"{entity}.{name}" for entity, fields in FIELDS.items() for name in fields if name != "id"] + [
    f"{entity}.{relation}" for entity, relation in TARGETS
]


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    def grant() -> Grant:
        scope = draw(
            st.just(EVERYTHING)
            | st.sets(st.sampled_from(PLACES), max_size=2).map(
                lambda places: Scope(name="within_places", parameters=MappingProxyType({"places": tuple(places)}))
            )
        )
        fields = draw(st.dictionaries(st.sampled_from(_MASKABLE), st.sampled_from(list(Visibility)), max_size=8))
        default = draw(st.sampled_from([Visibility.SHOW] * 5 + list(Visibility)))
        return Grant(scope=scope, fields=fields, default=default)

    return tuple(grant() for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))))


def _shown(mask: Mask, name: str) -> bool:
    return all(grant.visibility(name) is Visibility.SHOW for grant in mask)


@st.composite
def _pages(draw: st.DrawFn, entity: str, mask: Mask) -> Page:
    """Filters and orders by what no grant masks; the refusal of the others has a test of its own."""
    orders = [o for o in _ORDERS[entity] if o is Order.ID or _shown(mask, f"{entity}.{o.field}")]
    some = lambda name, strategy: st.none() | strategy if _shown(mask, f"{entity}.{name}") else st.none()  # noqa: E731
    inside = {"Place": "part_of", "Asset": "place", "Alert": "place"}[entity]
    kinds = {"Place": PlaceKind, "Asset": AssetKind}.get(entity)
    several = lambda values: st.sets(st.sampled_from(list(values)).map(str)).map(tuple)  # noqa: E731
    filters = Filters(
        ids=draw(st.none() | st.sets(st.sampled_from(IDS[entity])).map(tuple)),
        kinds=draw(some("kind", several(kinds))) if kinds else None,
        within=draw(some(inside, st.sampled_from([*PLACES, "' OR true //"]))),
        states=draw(some("state", several(AlarmState))) if entity == "Alert" else None,
        severities=draw(some("severity", several(Severity))) if entity == "Alert" else None,
        terms=draw(some("name", st.lists(_TEXT, max_size=2).map(tuple))) if entity != "Alert" else None,
        include_retired=draw(st.booleans()),
    )
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
        target = TARGETS[entity, relation]
        paged = relation != "path" and (entity, relation) not in SINGLE
        nested.append(
            Nested(
                alias=f"r{number}",
                relation=relation,
                selection=draw(_selections(target, mask, depth - 1)),
                page=draw(_pages(target, mask)) if paged else None,
                include_retired=draw(st.booleans()),
            )
        )
    return Selection(entity=entity, fields=tuple(fields), nested=tuple(nested))


@st.composite
def reads(draw: st.DrawFn, mask: Mask) -> list[Root]:
    roots = []
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        entity = draw(st.sampled_from(["Place", "Asset", "Alert"]))
        selection = draw(_selections(entity, mask, draw(st.integers(0, 4))))
        if draw(st.booleans()):
            roots.append(Root(selection=selection, page=draw(_pages(entity, mask))))
        else:
            ids = draw(st.lists(st.sampled_from([*IDS[entity], "nothing", "x' OR 1=1"]), max_size=4))
            roots.append(Root(selection=selection, ids=tuple(ids), include_retired=draw(st.booleans())))
    return roots
