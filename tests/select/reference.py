"""What `hub.graph.select` should answer, computed in plain Python over a park held in memory."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.graph.selection import FIELDS, GRANTS, Filters, Found, Nested, Order, Page, Root, Row, Selection
from hub.viewer import Grant, Mask, Visibility, least_restrictive

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

    def up(self, place: str) -> dict[str, int]:
        """The place and what it lies in, with the steps to it."""
        depths, front, depth = {place: 0}, [place], 0
        while front:
            depth += 1
            front = [up for at in front for up in self.out(at, "PART_OF", "Place") if up not in depths]
            depths.update(dict.fromkeys(front, depth))
        return depths

    def below(self, place: str) -> set[str]:
        return {id_ for id_, node in self.nodes.items() if node["entity"] == "Place" and place in self.up(id_)}

    def places_of(self, id_: str) -> list[str]:
        entity = self.nodes[id_]["entity"]
        if entity == "Place":
            return [id_]
        return self.out(id_, "LOCATED_IN" if entity == "Asset" else "AT", "Place")

    def within(self, id_: str, places: Iterable[str]) -> bool:
        above = {up for place in self.places_of(id_) for up in self.up(place)}
        return bool(above & set(places))


def _path(park: Park, starts: list[str], *, itself: bool) -> dict[str, int]:
    depths: dict[str, int] = {}
    for start in starts:
        for place, depth in park.up(start).items():
            depths[place] = min(depth, depths.get(place, depth))
    return depths if itself else {place: depth for place, depth in depths.items() if depth > 0}


WALKS: Mapping[tuple[str, str], Callable[[Park, str], Iterable[str]]] = {
    ("Place", "assets"): lambda park, at: park.into(at, "LOCATED_IN", "Asset"),
    ("Place", "assets_below"): lambda park, at: {
        asset for place in park.below(at) for asset in park.into(place, "LOCATED_IN", "Asset")
    },
    ("Place", "parts"): lambda park, at: park.into(at, "PART_OF", "Place"),
    ("Place", "part_of"): lambda park, at: park.out(at, "PART_OF", "Place"),
    ("Place", "path"): lambda park, at: _path(park, [at], itself=False),
    ("Place", "adjacent"): lambda park, at: {
        *park.out(at, "ADJACENT_TO", "Place"),
        *park.into(at, "ADJACENT_TO", "Place"),
    },
    ("Place", "monitored_by"): lambda park, at: park.into(at, "MONITORS", "Asset"),
    ("Place", "alerts"): lambda park, at: {
        alert for place in park.below(at) for alert in park.into(place, "AT", "Alert")
    },
    ("Asset", "place"): lambda park, at: park.out(at, "LOCATED_IN", "Place"),
    ("Asset", "monitors_places"): lambda park, at: park.out(at, "MONITORS", "Place"),
    ("Asset", "monitors_assets"): lambda park, at: park.out(at, "MONITORS", "Asset"),
    ("Asset", "monitored_by"): lambda park, at: park.into(at, "MONITORS", "Asset"),
    ("Asset", "alerts"): lambda park, at: park.into(at, "CONCERNS", "Alert"),
    ("Alert", "asset"): lambda park, at: park.out(at, "CONCERNS", "Asset"),
    ("Alert", "subject_place"): lambda park, at: park.out(at, "CONCERNS", "Place"),
    ("Alert", "place"): lambda park, at: park.out(at, "AT", "Place"),
    ("Alert", "path"): lambda park, at: _path(park, park.out(at, "AT", "Place"), itself=True),
}
SINGLE = {
    ("Place", "part_of"),
    ("Asset", "place"),
    ("Alert", "asset"),
    ("Alert", "subject_place"),
    ("Alert", "place"),
}
TARGETS = {
    ("Place", "assets"): "Asset",
    ("Place", "assets_below"): "Asset",
    ("Place", "parts"): "Place",
    ("Place", "part_of"): "Place",
    ("Place", "path"): "Place",
    ("Place", "adjacent"): "Place",
    ("Place", "monitored_by"): "Asset",
    ("Place", "alerts"): "Alert",
    ("Asset", "place"): "Place",
    ("Asset", "monitors_places"): "Place",
    ("Asset", "monitors_assets"): "Asset",
    ("Asset", "monitored_by"): "Asset",
    ("Asset", "alerts"): "Alert",
    ("Alert", "asset"): "Asset",
    ("Alert", "subject_place"): "Place",
    ("Alert", "place"): "Place",
    ("Alert", "path"): "Place",
}


def answer(park: Park, roots: Iterable[Root], mask: Mask) -> list[Any]:
    return [_root(park, root, mask) for root in roots]


def plain(result: Any) -> Any:
    """A result of `select` as comparable values."""
    if isinstance(result, Found):
        return {
            "rows": plain(result.rows),
            "next": result.has_next,
            "previous": result.has_previous,
            "total": result.total,
        }
    if isinstance(result, list):
        return [plain(each) for each in result]
    if isinstance(result, dict):
        return {
            name: plain(value) for name, value in result.items() if not name.startswith(("rows_", "total_", "@key"))
        }
    return result


def _holds(park: Park, grant: Grant, id_: str) -> bool:
    return grant.scope.name == "everything" or park.within(id_, grant.scope.parameters["places"])


def _holding(park: Park, mask: Mask, id_: str) -> list[Grant]:
    return [grant for grant in mask if _holds(park, grant, id_)]


def _visibility(holding: list[Grant], name: str) -> Visibility:
    found = Visibility.HIDE
    for grant in holding:
        found = least_restrictive(found, grant.visibility(name))
    return found


def _root(park: Park, root: Root, mask: Mask) -> Any:
    entity = root.selection.entity
    if root.ids is not None:
        wanted = [id_ for id_ in set(root.ids) if id_ in park.nodes and park.nodes[id_]["entity"] == entity]
        seen = _seen(park, wanted, mask, include_retired=root.include_retired)
        return [_row(park, id_, root.selection, mask) for id_ in sorted(seen)]
    all_ids = [id_ for id_, node in park.nodes.items() if node["entity"] == entity]
    return _page(park, all_ids, root.selection, root.page, mask)


def _seen(park: Park, ids: Iterable[str], mask: Mask, *, include_retired: bool) -> list[str]:
    return [id_ for id_ in ids if (include_retired or not park.nodes[id_]["retired"]) and _holding(park, mask, id_)]


def _passes(park: Park, id_: str, filters: Filters) -> bool:
    node = park.nodes[id_]
    return all(
        (
            filters.ids is None or id_ in filters.ids,
            filters.kinds is None or node.get("kind") in filters.kinds,
            filters.within is None or park.within(id_, [filters.within]),
            filters.states is None or node.get("state") in filters.states,
            filters.severities is None or node.get("severity") in filters.severities,
            filters.terms is None or all(term in (node.get("search") or "") for term in filters.terms),
        )
    )


def _key(node: Mapping[str, Any], order: Order) -> Any:
    value = node.get(order.field)
    if value is None:
        return -2147483648 if order is Order.LEVEL or order is Order.LEVEL_DOWN else ""
    return value


def _page(park: Park, ids: Iterable[str], selection: Selection, page: Page, mask: Mask) -> Any:
    seen = _seen(park, ids, mask, include_retired=page.filters.include_retired)
    passing = [id_ for id_ in seen if _passes(park, id_, page.filters)]
    keyed = sorted(((_key(park.nodes[id_], page.order), id_) for id_ in passing), reverse=page.order.descending)
    rest = keyed
    if page.after is not None:
        after = (page.after.value, page.after.id)
        rest = [each for each in keyed if (each < after if page.order.descending else each > after)]
    return {
        "rows": [_row(park, id_, selection, mask) for _, id_ in rest[: page.first]] if page.want_rows else [],
        "next": page.want_rows and len(rest) > page.first,
        "previous": page.after is not None,
        "total": len(keyed) if page.want_total else None,
    }


def _row(park: Park, id_: str, selection: Selection, mask: Mask) -> Row:
    node, entity = park.nodes[id_], selection.entity
    holding = _holding(park, mask, id_)
    row: Row = {"__typename": entity, "id": id_}
    for name in selection.fields:
        if name == GRANTS:
            row[name] = [_holds(park, grant, id_) for grant in mask]
        elif name != "id":
            row[name] = _masked(node.get(name), entity, name, _visibility(holding, f"{entity}.{name}"))
    for nested in selection.nested:
        row[f"@{nested.alias}"] = _nested(park, id_, entity, nested, mask, holding)
    return row


def _masked(value: Any, entity: str, name: str, visibility: Visibility) -> Any:
    if visibility is Visibility.SHOW or value is None:
        return value
    if not FIELDS[entity][name].text or visibility is Visibility.HIDE:
        return None
    if visibility is Visibility.MASK_ALL:
        return "****"
    return "****" + value[-4:] if len(value) > 4 else "****"


def _nested(park: Park, id_: str, entity: str, nested: Nested, mask: Mask, holding: list[Grant]) -> Any:
    walked: Any = WALKS[entity, nested.relation](park, id_)
    if _visibility(holding, f"{entity}.{nested.relation}") is not Visibility.SHOW:
        walked = []
    if nested.page is not None:
        return _page(park, walked, nested.selection, nested.page, mask)
    seen = _seen(park, walked, mask, include_retired=nested.include_retired)
    if (entity, nested.relation) in SINGLE:
        return _row(park, min(seen), nested.selection, mask) if seen else None
    return [_row(park, at, nested.selection, mask) for at in sorted(seen, key=lambda at: (walked[at], at))]
