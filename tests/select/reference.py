"""What `hub.graph.select` should answer, computed in plain Python over a park held in memory."""

from collections.abc import Iterable, Mapping
from typing import Any

from hub.access.sharing import with_terms
from hub.graph.selection import FIELDS, GRANTS, Filters, Found, Nested, Order, Page, Root, Row, Selection
from hub.viewer import Grant, Mask, Visibility, least_restrictive
from tests.select.walks import COMPUTED, WALKS, Park, passes, score, terms


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
    node = park.nodes[id_]
    if grant.types is not None and node["entity"] not in grant.types:
        return False
    if node["entity"] == "SupplyLot":
        told = grant.scope.parameters.get("terms", _TOLD if _bound(grant) else (*_TOLD, "NOT_SHARED"))
        if terms(node) not in told:
            return False
    match grant.scope.name:
        case "within_places":
            return park.within(id_, grant.scope.parameters["places"])
        case "own_organization":
            return park.owned(id_, grant.scope.parameters["organizations"])
        case "people_on_duty":
            return park.personal(id_, grant.scope.parameters["people"])
        case _:
            return True


def _bound(grant: Grant) -> bool:
    """Whether the terms of lots bind the grant."""
    return grant.scope.name in ("within_places", "shared") and "terms" not in grant.scope.parameters


_TOLD = ("OWN", "AGREED", "ASK")


def holders(park: Park, mask: Mask, id_: str) -> list[Grant]:
    return [grant for grant in mask if _holds(park, grant, id_)]


def visibility(park: Park, id_: str, holding: list[Grant], name: str) -> Visibility:
    """What is made of several fields is shown under a grant that shows all of them, or not at all."""
    found, node = Visibility.HIDE, park.nodes[id_]
    entity = node["entity"]
    asked = entity == "SupplyLot" and terms(node) == "ASK" and name in ("quantity", "agreed_quantity")
    _, parts = COMPUTED.get((entity, name), (None, (name,)))
    for grant in holding:
        if asked and _bound(grant):
            continue
        shown = [grant.visibility(f"{entity}.{part}") for part in parts]
        whole = len(shown) == 1 or set(shown) == {Visibility.SHOW}
        found = least_restrictive(found, shown[0] if whole else Visibility.HIDE)
    return found


def _root(park: Park, root: Root, mask: Mask) -> Any:
    entity = root.selection.entity
    if root.ids is not None:
        wanted = [id_ for id_ in set(root.ids) if id_ in park.nodes and park.nodes[id_]["entity"] == entity]
        seen = visible(park, wanted, mask, include_retired=root.include_retired)
        return [_row(park, id_, root.selection, mask) for id_ in sorted(seen)]
    all_ids = [id_ for id_, node in park.nodes.items() if node["entity"] == entity]
    return _page(park, all_ids, root.selection, root.page, mask)


def visible(park: Park, ids: Iterable[str], mask: Mask, *, include_retired: bool) -> list[str]:
    return [id_ for id_ in ids if (include_retired or not park.nodes[id_]["retired"]) and holders(park, mask, id_)]


def _passes(park: Park, id_: str, filters: Filters) -> bool:
    return all(passes(park, id_, name, value) for name, value in filters.conditions.items())


_MISSING = {"level": -2147483648, "score": 0, "expires_at": "~", "expires": "~", "review_due": "~"}


def _key(node: Mapping[str, Any], order: Order) -> Any:
    value = score(node) if order.field == "score" else node.get(order.field)
    return _MISSING.get(order.field, "") if value is None else value


def _page(park: Park, ids: Iterable[str], selection: Selection, page: Page, mask: Mask) -> Any:
    seen = visible(park, ids, mask, include_retired=page.filters.include_retired)
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
    holding = holders(park, mask, id_)
    row: Row = {"__typename": entity, "id": id_}
    for name in selection.fields:
        if name == GRANTS:
            row[name] = [_holds(park, grant, id_) for grant in with_terms(mask)]
        elif name != "id":
            made, _ = COMPUTED.get((entity, name), (None, ()))
            value = node.get(name) if made is None else made(node)
            row[name] = _masked(value, entity, name, visibility(park, id_, holding, name))
    for nested in selection.nested:
        row[f"@{nested.alias}"] = _nested(park, id_, entity, nested, mask, holding)
    return row


def _masked(value: Any, entity: str, name: str, how: Visibility) -> Any:
    if how is Visibility.SHOW or value is None:
        return value
    if not FIELDS[entity][name].text or how is Visibility.HIDE:
        return None
    if how is Visibility.MASK_ALL:
        return "****"
    if FIELDS[entity][name].sealed:  # is unsealed first, then masked
        return "****" + value
    return "****" + value[-4:] if len(value) > 4 else "****"


def _nested(park: Park, id_: str, entity: str, nested: Nested, mask: Mask, holding: list[Grant]) -> Any:
    walk = WALKS[entity, nested.relation]
    walked: Any = walk.to(park, id_)
    if visibility(park, id_, holding, nested.relation.removesuffix("_below")) is not Visibility.SHOW:
        walked = []
    if nested.page is not None:
        return _page(park, walked, nested.selection, nested.page, mask)
    seen = visible(park, walked, mask, include_retired=nested.include_retired)
    if walk.many == "one":
        return _row(park, min(seen), nested.selection, mask) if seen else None
    return [_row(park, at, nested.selection, mask) for at in sorted(seen, key=lambda at: (walked[at], at))]
