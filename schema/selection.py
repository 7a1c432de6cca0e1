"""Turns what an operation selects into a `Selection`: fragments, aliases, directives, variables, masks, pages.

Nothing below this knows GraphQL.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from hub.graph.fragments import STEPS, Many
from hub.graph.search_text import search_words
from hub.graph.selection import FIELDS, GRANTS, Filters, Nested, Order, Page, Root, Selection
from hub.viewer import EVERYTHING, Mask, Visibility
from schema import cursors

NODES = tuple(FIELDS)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


GRAPHQL_FIELDS: Mapping[str, Mapping[str, str]] = {
    entity: {_camel(name): name for name in fields} for entity, fields in FIELDS.items()
}
"""Per type: a plain field's GraphQL name → its name in the graph."""

NEEDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Place", "facts"): (GRANTS,),
    ("Asset", "facts"): (GRANTS,),
    ("Asset", "sensor"): ("kind", GRANTS),
}
"""Fields that come from elsewhere, and what of the graph they need beside the id."""

NAMED = ("id", "kind", "name")


@dataclass(frozen=True, slots=True)
class Asker:
    """One operation's document and values, as far as a selection needs them."""

    info: GraphQLResolveInfo[Any]
    mask: Mask

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

    def _of(self, entity: str, fields: Mapping[str, Sequence[FieldNode]]) -> Selection:
        plain: dict[str, None] = {}
        nested: list[Nested] = []
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if name in GRAPHQL_FIELDS[entity]:
                plain[self._shown(entity, GRAPHQL_FIELDS[entity][name])] = None
            elif name in _RELATIONS.get(entity, {}):
                nested.append(self._relation(entity, key, nodes))
            elif (entity, name) == ("Asset", "monitors"):
                nested += self._watched(key, nodes)
            elif (entity, name) == ("Alert", "subject"):
                nested += [
                    Nested(
                        alias=f"{key}/{relation}",
                        relation=relation,
                        selection=Selection(entity=STEPS["Alert", relation].target, fields=NAMED),
                        include_retired=True,
                    )
                    for relation in ("asset", "subject_place")
                ]
            elif (entity, name) == ("Alert", "placePath"):
                selection = Selection(entity="Place", fields=NAMED)
                nested.append(Nested(alias=key, relation="path", selection=selection, include_retired=True))
            else:
                plain.update(dict.fromkeys(NEEDS.get((entity, name), ())))
        return Selection(entity=entity, fields=tuple(plain), nested=tuple(nested))

    def _shown(self, entity: str, name: str) -> str:
        """A field that GraphQL promises always must not be one that a row may come without."""
        if name != "id" and FIELDS[entity][name].required and may_hide(self.mask, f"{entity}.{name}"):
            raise Forbidden(f"{entity}.{name} is not shown to you: ask without it")
        return name

    def _relation(self, entity: str, key: str, nodes: Sequence[FieldNode]) -> Nested:
        name = nodes[0].name.value
        field = self._type(entity).fields[name]
        relation = _RELATIONS[entity][name]
        if relation == "assets" and self._arguments(field, nodes[0])["below"]:
            relation = "assets_below"
        step = STEPS[entity, relation]
        if step.many is not Many.PAGE:
            selection = self._selection(step.target, nodes)
            return Nested(alias=key, relation=relation, selection=selection, include_retired=entity == "Alert")
        page, selection = self._connection(step.target, field, nodes)
        return Nested(alias=key, relation=relation, selection=selection, page=page)

    def _watched(self, key: str, nodes: Sequence[FieldNode]) -> Iterator[Nested]:
        first = self._arguments(self._type("Asset").fields["monitors"], nodes[0])["first"]
        for relation in ("monitors_places", "monitors_assets"):
            selection = self._selection(STEPS["Asset", relation].target, nodes)
            yield Nested(alias=f"{key}/{relation}", relation=relation, selection=selection, page=Page(first=first))

    def _connection(self, entity: str, field: GraphQLField, nodes: Sequence[FieldNode]) -> tuple[Page, Selection]:
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
        page = self._page(self._arguments(field, nodes[0]), names)
        return page, self._selection(entity, rows)

    def _page(self, arguments: Mapping[str, Any], names: set[str]) -> Page:
        order = Order(arguments["orderBy"].value)
        after = arguments.get("after")
        return Page(
            first=arguments["first"],
            after=None if after is None else cursors.decode(after, order),
            order=order,
            filters=_filters(arguments.get("filter") or {}),
            want_rows=bool(names & {"nodes", "edges", "pageInfo"}),
            want_total="totalCount" in names,
        )

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


_RELATIONS: Mapping[str, Mapping[str, str]] = {
    "Place": {
        "assets": "assets",
        "parts": "parts",
        "partOf": "part_of",
        "path": "path",
        "adjacent": "adjacent",
        "monitoredBy": "monitored_by",
        "alerts": "alerts",
    },
    "Asset": {"place": "place", "monitoredBy": "monitored_by", "alerts": "alerts"},
    "Alert": {"asset": "asset", "place": "place"},
}
"""Per type: a field's GraphQL name → the relation that it follows."""


def may_hide(mask: Mask, name: str) -> bool:
    """Whether a visible row may come without the field `Type.field`."""
    if any(grant.scope == EVERYTHING and grant.visibility(name) is Visibility.SHOW for grant in mask):
        return False
    return any(grant.visibility(name) is not Visibility.SHOW for grant in mask)


def _filters(given: Mapping[str, Any]) -> Filters:
    def several(name: str) -> tuple[str, ...] | None:
        values = given.get(name)
        return None if values is None else tuple(str(getattr(value, "value", value)) for value in values)

    ids, terms = several("ids"), None
    if (search := given.get("search")) is not None:
        terms = tuple(search_words(search))
        ids = ids if terms else ()  # a text without a word finds nothing
    return Filters(
        ids=ids,
        kinds=several("kind"),
        within=given.get("within"),
        states=several("state"),
        severities=several("severity"),
        terms=terms,
        include_retired=bool(given.get("includeRetired")),
    )
