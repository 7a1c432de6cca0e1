"""Reads a selection from the graph: one Cypher statement a read, whatever its depth, for the viewer's eyes only.

The statement is put together from the constants of `hub.graph.queries`, all values as parameters, and its plan
is kept by shape. What the viewer may not see is left out or masked by the statement itself, at every level,
counts included; a field's visibility is the least restrictive among the grants whose scope holds that row.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.errors import BadRequest, Forbidden
from hub.graph import fragments
from hub.graph.fragments import Kind, Many
from hub.graph.grants import GrantShape
from hub.graph.kinds import KINDS
from hub.graph.plan import (
    At,
    NestedShape,
    PageShape,
    Result,
    RootShape,
    SelectionShape,
    Shape,
    plan,
)
from hub.graph.selection import FIELDS, GRANTS, Filters, Nested, Order, Page, Root, Selection
from hub.viewer import Grant, Mask, Scope, Viewer, hides, pseudonymous, sees_all


class Reader(Protocol):
    """What of the store a read needs; `hub.graph.store.Store` is one."""

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]: ...


async def select(store: Reader, roots: Sequence[Root], viewer: Viewer, mask: Mask) -> list[Result]:
    """What each root found, in their order, read by one statement: a Found for a page, a list of rows for ids.

    Raises BadRequest for what cannot be selected, Forbidden for a filter or an order by what a grant masks,
    GraphUnavailable.
    """
    shape, parameters = split(roots, viewer, mask)
    made = plan(shape)
    (record,) = await store.read(made.statement, parameters)
    position, epoch = record["position"], record["epoch"]
    at = At(
        position=position if isinstance(position, int) else 0,
        epoch=epoch if isinstance(epoch, str) else None,
        parameters=parameters,
    )
    return [read(record, at) for read in made.readers]


def split(roots: Sequence[Root], viewer: Viewer, mask: Mask) -> tuple[Shape, dict[str, Any]]:
    """The read's shape, and the values of its parameters."""
    splitter = Splitter(viewer, mask)
    shape = Shape(
        grants=tuple(splitter.grant(grant) for grant in mask), roots=tuple(splitter.root(root) for root in roots)
    )
    return shape, splitter.parameters


class Splitter:
    def __init__(self, viewer: Viewer, mask: Mask) -> None:
        self._viewer = viewer
        self._mask = mask
        self.parameters: dict[str, Any] = {}

    def _parameter(self, value: object) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return name

    def grant(self, grant: Grant) -> GrantShape:
        scope = grant.scope
        if scope.name not in fragments.SCOPES:
            raise Forbidden(f"the row scope {scope.name} is not known, so nothing is shown under it")
        parameter, terms = fragments.SCOPES[scope.name], scope.parameters.get("terms")
        without = scope.parameters.get("without")
        return GrantShape(
            scope=scope.name,
            parameter=self._parameter(list(scope.parameters[parameter])) if parameter else "",
            terms="" if terms is None else self._parameter(list(terms)),
            types=grant.types,
            default=grant.default,
            fields=tuple(sorted(grant.fields.items())),
            without="" if without is None else self._parameter(list(without)),
        )

    def root(self, root: Root) -> RootShape:
        selection = self._selection(root.selection)
        return RootShape(
            ids=None if root.ids is None else self._parameter(list(dict.fromkeys(root.ids))),
            include_retired=root.page.filters.include_retired if root.page is not None else root.include_retired,
            page=None if root.page is None else self._page(root.page, root.selection.entity),
            selection=selection,
        )

    def _selection(self, selection: Selection) -> SelectionShape:
        entity = selection.entity
        known = FIELDS.get(entity)
        if known is None:
            raise BadRequest(f"{entity} cannot be selected")
        for name in selection.fields:
            if name not in known and name != GRANTS:
                raise BadRequest(f"{entity} has no field {name}")
        return SelectionShape(
            entity=entity,
            fields=tuple(dict.fromkeys(name for name in selection.fields if name != "id")),
            nested=tuple(self._nested(nested, entity) for nested in selection.nested),
        )

    def _nested(self, nested: Nested, entity: str) -> NestedShape:
        step = KINDS[entity].steps.get(nested.relation)
        if step is None or step.target != nested.selection.entity:
            raise BadRequest(f"{entity} has no relation {nested.relation} to {nested.selection.entity}")
        selection, page = self._selection(nested.selection), nested.page
        if (step.many is Many.PAGE) != (page is not None):
            raise BadRequest(f"{entity}.{nested.relation} is read {'with' if page is None else 'without'} a page")
        return NestedShape(
            alias=nested.alias,
            relation=nested.relation,
            include_retired=nested.include_retired if page is None else page.filters.include_retired,
            page=None if page is None else self._page(page, step.target),
            selection=selection,
        )

    def _page(self, page: Page, entity: str) -> PageShape:
        kind, filters = KINDS[entity], self.filters(page.filters, entity)
        if kind.order(page.order.field) is None:
            raise BadRequest(f"{entity} cannot be ordered by {page.order.field}")
        if page.after is not None:
            self._must_name(entity, "paged past its first rows")
        if page.order is not Order.ID:
            self.must_show(kind, (page.order.field,))
        return PageShape(
            limit=self._parameter(page.first + 1),
            after=None if page.after is None else (self._parameter(page.after.value), self._parameter(page.after.id)),
            order=page.order,
            filters=filters,
            rows=page.want_rows,
            total=page.want_total,
        )

    def filters(self, filters: Filters, entity: str) -> tuple[tuple[str, str], ...]:
        """The filters that are set, each with its parameter. Raises BadRequest, Forbidden."""
        kind, found = KINDS[entity], []
        for name, value in filters.conditions.items():
            condition = kind.condition(name)
            if name == "ids" and value != ():
                self._must_name(entity, "filtered by ids")
            if condition is None:
                raise BadRequest(f"{entity} has no filter {name}")
            self.must_show(kind, condition.tells)
            self._must_open(kind, condition.through)
            found.append((name, self._parameter(list(value) if isinstance(value, tuple) else value)))
        return tuple(found)

    def _must_name(self, entity: str, asked: str) -> None:
        """Raises Forbidden where ids of the kind are pseudonyms: what takes an id would tell whose one is."""
        if pseudonymous(self._mask, entity):
            raise Forbidden(f"you know {entity} by pseudonyms alone: it cannot be {asked}")

    def _must_open(self, kind: Kind, through: Sequence[str]) -> None:
        """Raises Forbidden where the mask opens rows of the kind without those that tell of them."""
        opening = [_rows_of(grant.scope) for grant in self._mask if grant.opens(kind.entity)]
        for other in through:
            opened = [_rows_of(grant.scope) for grant in self._mask if grant.opens(other)]
            if not (sees_all(self._mask, other) or all(rows in opened for rows in opening)):
                raise Forbidden(f"{other} is not shown to you: {kind.entity} cannot be filtered by it")

    def must_show(self, kind: Kind, names: Sequence[str]) -> None:
        """Raises Forbidden where the mask hides one of the fields, or what it is made of."""
        for part in (part for name in names for part in kind.behind(name)):
            if hides(self._mask, f"{kind.entity}.{part}"):
                raise Forbidden(
                    f"{kind.entity}.{part} is not shown to you in full: it can be neither filtered nor ordered by"
                )


def _rows_of(scope: Scope) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """What tells whether two grants hold the rows of the same places or organizations, lots' terms aside."""
    return scope.name, {name: given for name, given in scope.parameters.items() if name != "terms"}
