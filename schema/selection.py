"""Turns what an operation selects into a `Selection`: fragments, aliases, directives, variables, masks, pages.

Nothing below this knows GraphQL.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
)
from graphql.execution.values import VariableValues

from hub.errors import Forbidden
from hub.graph.fragments import BELOW, Many, Step
from hub.graph.kinds import KINDS
from hub.graph.rows import iso
from hub.graph.search_text import search_words
from hub.graph.selection import FIELDS, GRANTS, PROVENANCE, Filters, Nested, Order, Page, Root, Selection
from hub.viewer import Mask, hides
from schema import cursors

NODES = tuple(FIELDS)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


GRAPHQL_FIELDS: Mapping[str, Mapping[str, str]] = {
    entity: {_camel(name): name for name in fields if name not in PROVENANCE} for entity, fields in FIELDS.items()
}
"""Per type: a plain field's GraphQL name → its name in the graph."""

RELATIONS: Mapping[str, Mapping[str, str]] = {
    entity: {_camel(name): name for name in kind.steps if not name.endswith(BELOW)} for entity, kind in KINDS.items()
}
"""Per type: a relation's GraphQL name → its name in the graph."""

NEEDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(entity, "facts"): (GRANTS,) for entity in NODES},
    **{(entity, "provenance"): PROVENANCE for entity in NODES},
    ("Place", "position"): ("latitude", "longitude"),
    ("Asset", "position"): ("latitude", "longitude"),
    ("SupplyLot", "sharing"): ("terms", "agreed_quantity"),
}
"""Fields that come from elsewhere, and what of the graph they need beside the id."""

FACETS: Mapping[tuple[str, str], tuple[str, tuple[str, ...]]] = {
    ("Asset", "sensor"): ("Sensor", ("kind", GRANTS)),
    ("Asset", "camera"): ("Camera", ("kind",)),
    ("Asset", "recorder"): ("Recorder", ("kind",)),
    ("Asset", "panel"): ("Panel", ("kind",)),
    ("Asset", "equipment"): ("Equipment", ("kind",)),
}
"""Fields whose type shows another side of the same row: that type, and what tells whether the row has the side."""

NAMED = ("id", "kind", "name")


@dataclass(frozen=True, slots=True)
class Asker:
    """One operation's document and values, as far as a selection needs them."""

    info: GraphQLResolveInfo[Any]
    mask: Mask
    now: datetime

    def one(self, entity: str, nodes: Sequence[FieldNode] | None = None) -> Selection:
        """What the field at hand selects of an entity."""
        return self._selection(entity, self.info.field_nodes if nodes is None else nodes)

    def page(self, entity: str) -> Root:
        """What the field at hand, a connection, selects."""
        nodes = self.info.field_nodes
        page, selection = self._connection(entity, self.info.parent_type.fields[self.info.field_name], nodes)
        return Root(selection=selection, page=page)

    def field(self, entity: str) -> Selection:
        """An entity with the field at hand alone."""
        return self._of(entity, {str(self.info.path.key): list(self.info.field_nodes)})

    def filters(self) -> Filters:
        """What the field at hand, a count, counts."""
        field = self.info.parent_type.fields[self.info.field_name]
        return _filters(self._arguments(field, self.info.field_nodes[0]).get("filter") or {}, {})

    @property
    def _variables(self) -> VariableValues:
        """Strawberry hands on the bare values; what reads arguments wants them in graphql-core's own wrapping."""
        given: VariableValues | dict[str, Any] = self.info.variable_values
        return given if isinstance(given, VariableValues) else VariableValues(sources={}, coerced=given)

    def _type(self, name: str) -> GraphQLObjectType:
        found = self.info.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)  # noqa: S101  as FIELDS names object types alone
        return found

    def _selection(self, entity: str, nodes: Sequence[FieldNode]) -> Selection:
        return self._of(entity, self._fields(entity, nodes))

    def _of(self, entity: str, fields: Mapping[str, Sequence[FieldNode]], prefix: str = "") -> Selection:
        """`prefix` stands before the aliases of what is selected on another side of the row."""
        plain: dict[str, None] = {}
        nested: list[Nested] = []
        for key, nodes in fields.items():
            name, alias = nodes[0].name.value, f"{prefix}{key}"
            if needed := NEEDS.get((entity, name)):
                plain.update(dict.fromkeys(needed))
            elif name in GRAPHQL_FIELDS[entity]:
                plain[self._shown(entity, GRAPHQL_FIELDS[entity][name])] = None
            elif (facet := FACETS.get((entity, name))) is not None:
                plain.update(dict.fromkeys(facet[1]))
                side = self._of(entity, self._fields(facet[0], nodes), f"{alias}/")
                plain.update(dict.fromkeys(side.fields))
                nested += side.nested
            elif (entity, name) == ("Asset", "monitors"):
                nested += self._watched(alias, nodes)
            elif (entity, name) == ("Alert", "subject"):
                nested += [
                    Nested(
                        alias=f"{alias}/{relation}",
                        relation=relation,
                        selection=Selection(entity=KINDS["Alert"].steps[relation].target, fields=NAMED),
                        include_retired=True,
                    )
                    for relation in ("asset", "subject_place")
                ]
            elif (entity, name) == ("Alert", "placePath"):
                selection = Selection(entity="Place", fields=NAMED)
                nested.append(Nested(alias=alias, relation="path", selection=selection, include_retired=True))
            elif name in RELATIONS[entity]:
                nested.append(self._relation(entity, alias, nodes))
        return Selection(entity=entity, fields=tuple(plain), nested=tuple(nested))

    def _shown(self, entity: str, name: str) -> str:
        """A field that GraphQL promises always must not be one that a row may come without."""
        if name != "id" and FIELDS[entity][name].required and hides(self.mask, f"{entity}.{name}"):
            raise Forbidden(f"{entity}.{name} is not shown to you: ask without it")
        return name

    def _relation(self, entity: str, alias: str, nodes: Sequence[FieldNode]) -> Nested:
        relation = RELATIONS[entity][nodes[0].name.value]
        step = KINDS[entity].steps[relation]
        if step.many is not Many.PAGE:
            selection = self._selection(step.target, nodes)
            return Nested(alias=alias, relation=relation, selection=selection, include_retired=entity == "Alert")
        field = self._field(entity, nodes[0].name.value)
        if self._arguments(field, nodes[0]).get("below"):
            relation += BELOW
        page, selection = self._connection(step.target, field, nodes, step)
        return Nested(alias=alias, relation=relation, selection=selection, page=page)

    def _field(self, entity: str, name: str) -> GraphQLField:
        """The field of the type, or of one of its sides."""
        sides = [side for (of, _), (side, _) in FACETS.items() if of == entity]
        found: Iterator[GraphQLField] = (
            fields[name] for of in (entity, *sides) if name in (fields := self._type(of).fields)
        )
        return next(found)

    def _watched(self, alias: str, nodes: Sequence[FieldNode]) -> Iterator[Nested]:
        first = self._arguments(self._field("Asset", "monitors"), nodes[0])["first"]
        for relation in ("monitors_places", "monitors_assets"):
            selection = self._selection(KINDS["Asset"].steps[relation].target, nodes)
            yield Nested(alias=f"{alias}/{relation}", relation=relation, selection=selection, page=Page(first=first))

    def _connection(
        self, entity: str, field: GraphQLField, nodes: Sequence[FieldNode], step: Step | None = None
    ) -> tuple[Page, Selection]:
        connection = get_named_type(field.type).name
        parts = self._fields(connection, nodes)
        rows: list[FieldNode] = []
        names = set()
        for part in parts.values():
            names.add(part[0].name.value)
            if part[0].name.value == "nodes":
                rows += part
            elif part[0].name.value == "edges":
                edges = self._fields(f"{entity}Edge", part)
                rows += [node for each in edges.values() if each[0].name.value == "node" for node in each]
        page = self._page(self._arguments(field, nodes[0]), names, step)
        return page, self._selection(entity, rows)

    def _page(self, arguments: Mapping[str, Any], names: set[str], step: Step | None) -> Page:
        order = Order(arguments["orderBy"].value)
        after = arguments.get("after")
        return Page(
            first=arguments["first"],
            after=None if after is None else cursors.decode(after, order),
            order=order,
            filters=_filters(arguments.get("filter") or {}, self._moment(arguments, step)),
            want_rows=bool(names & {"nodes", "edges", "pageInfo"}),
            want_total="totalCount" in names,
        )

    def _moment(self, arguments: Mapping[str, Any], step: Step | None) -> dict[str, object]:
        """What `at` sets, where the relation is one at a moment."""
        return {} if step is None or step.at is None else {step.at: iso(arguments.get("at") or self.now)}

    def _arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        return get_argument_values(field, node, self._variables)

    def _fields(self, type_name: str, nodes: Iterable[FieldNode]) -> dict[str, list[FieldNode]]:
        """The fields under `nodes` that apply to the object type, merged by response key."""
        found: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in nodes:
            if node.selection_set is not None:
                self._collect(type_name, node.selection_set.selections, found, spread)
        return found

    def _collect(
        self,
        type_name: str,
        selections: Iterable[SelectionNode],
        found: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        """A fragment adds nothing the second time: its names go to `spread`."""
        for node in selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                fragment = self.info.fragments[node.name.value]
                condition, inner = fragment.type_condition.name.value, fragment.selection_set
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else type_name
                inner = node.selection_set
            if self._applies(condition, type_name):
                self._collect(type_name, inner.selections, found, spread)

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        of = self.info.schema.type_map.get(condition)
        return isinstance(of, GraphQLInterfaceType | GraphQLUnionType) and self.info.schema.is_sub_type(
            of, self._type(type_name)
        )


def _filters(given: Mapping[str, Any], moment: Mapping[str, object]) -> Filters:
    """By the names of the input's fields, which are those of conditions."""
    conditions: dict[str, object] = dict(moment)
    for camel, value in given.items():
        if value is None or camel == "includeRetired":
            continue
        name = _snake(camel)
        if name == "search":
            conditions[name] = terms = tuple(search_words(value))
            if not terms:  # a text without a word finds nothing
                conditions["ids"] = ()
        elif name == "within":
            conditions[name] = (value,)
        elif isinstance(value, list):
            conditions.setdefault(name, tuple(_plain(each) for each in value))
        else:
            conditions[name] = _plain(value)
    return Filters(conditions=conditions, include_retired=bool(given.get("includeRetired")))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return value.value if isinstance(value, Enum) else value


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
