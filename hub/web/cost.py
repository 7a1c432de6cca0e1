"""What an operation may ask for at most, found before any of it runs: how deep, how wide, how many values.

A list that takes `first` is counted as long as that says, entities as many as are asked for; any other list as ten.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    TypeMetaFieldDef,
    VariableNode,
    Visitor,
    get_named_type,
    is_list_type,
    visit,
)
from graphql import get_nullable_type as plain

from hub.errors import CostExceeded
from hub.web.limits import Limits, TooDeep, too_deep

_UNSIZED = 10
_LONGEST = 1_000  # no list gives more; who asks for more is told so by the list
_DIGITS = 12


class _Cost(NamedTuple):
    depth: int = 0
    fields: int = 0
    values: int = 0


_NOTHING = _Cost()


def check(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, object],
    limits: Limits = Limits(),  # noqa: B008  it is frozen
) -> int:
    """What it costs: the values of the largest answer there could be, at least one. Raises BadRequest for a document
    that is nested too deep, CostExceeded for one that asks for too much."""
    root = schema.get_root_type(operation.operation)
    try:
        counting = _Counting(schema, document, {**_defaults(operation), **variables}, limits.depth)
        cost = counting.of(operation.selection_set.selections, root, 1)
    except TooDeep:
        raise too_deep(limits.depth) from None
    if cost.fields > limits.fields:
        raise CostExceeded(
            f"The operation has more than {limits.fields} fields, fragments written out. Ask in several operations."
        )
    if cost.values > limits.values:
        raise CostExceeded(
            f"The operation could answer more than {limits.values} values. "
            "Ask for fewer rows by `first`, above all in lists within lists, and page on by `after`."
        )
    return max(1, cost.values)


class _Sizes(Visitor):
    """The variables that say how long a list may be."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if node.name.value in ("first", "representations") and isinstance(node.value, VariableNode):
            self.names.add(node.value.name.value)


def sizes(document: DocumentNode) -> tuple[str, ...]:
    """All of the variables that the costs of its operations hang on."""
    found = _Sizes()
    visit(document, found)
    return tuple(sorted(found.names))


def size(value: object) -> int | range | None:
    """What of a variable's value they hang on: it can stand for the value, and can be a key."""
    if isinstance(value, list):
        return range(len(value))
    return value if isinstance(value, int) else None


def _defaults(operation: OperationDefinitionNode) -> Mapping[str, object]:
    """The lengths that an operation's own variables have where nothing is given."""
    return {
        each.variable.name.value: int(each.default_value.value[:_DIGITS])
        for each in operation.variable_definitions or ()
        if isinstance(each.default_value, IntValueNode)
    }


class _Counting:
    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, object], depth: int
    ) -> None:
        self._depth = depth
        self._schema = schema
        self._variables = variables
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, bool], _Cost] = {}

    def of(self, selections: Iterable[SelectionNode], within: object, level: int, *, page: bool = False) -> _Cost:
        """Of what stands between two braces; `within` is the type there, where it is known. `page`: the field
        around them took `first`, which already counts for the lists here."""
        if level > self._depth:
            raise TooDeep
        depth = fields = values = 0
        for node in selections:
            if isinstance(node, FieldNode):
                cost = self._field(node, within, level, page=page)
            elif isinstance(node, FragmentSpreadNode):
                cost = self._fragment(node.name.value, level, page=page)
            elif isinstance(node, InlineFragmentNode):
                type_ = self._schema.get_type(node.type_condition.name.value) if node.type_condition else within
                cost = self.of(node.selection_set.selections, type_, level + 1, page=page)
            depth = max(depth, cost.depth)
            fields += cost.fields
            values += cost.values
        return _Cost(depth + 1, fields, values)

    def _field(self, node: FieldNode, within: object, level: int, *, page: bool) -> _Cost:
        name = node.name.value
        field = within.fields.get(name) if isinstance(within, GraphQLObjectType | GraphQLInterfaceType) else None
        if field is None and within is self._schema.query_type:
            field = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}.get(name)
        times = self._times(node, field, page=page)
        if node.selection_set is None:
            return _Cost(0, 1, times)
        sized = field is not None and "first" in field.args
        type_ = get_named_type(field.type) if field is not None else None
        below = self.of(node.selection_set.selections, type_, level + 1, page=sized)
        return _Cost(below.depth, below.fields + 1, below.values * times)

    def _fragment(self, name: str, level: int, *, page: bool) -> _Cost:
        cost = self._known.get((name, page))
        if cost is None:
            self._known[name, page] = _NOTHING  # one that holds itself is refused by validation
            definition = self._fragments.get(name)
            if definition is None:
                return _NOTHING
            within = self._schema.get_type(definition.type_condition.name.value)
            cost = self._known[name, page] = self.of(definition.selection_set.selections, within, level + 1, page=page)
        elif level + cost.depth > self._depth:
            raise TooDeep
        return cost

    def _times(self, node: FieldNode, field: GraphQLField | None, *, page: bool) -> int:
        if field is None:
            return 1
        if "representations" in field.args:
            return self._length(node)
        if "first" not in field.args:
            return _UNSIZED if is_list_type(plain(field.type)) and not page else 1
        given: object = field.args["first"].default_value
        for argument in node.arguments or ():
            if argument.name.value != "first":
                continue
            if isinstance(argument.value, IntValueNode):
                given = int(argument.value.value[:_DIGITS])
            elif isinstance(argument.value, VariableNode):
                given = self._variables.get(argument.value.name.value, given)
        return min(max(given, 1), _LONGEST) if isinstance(given, int) else _UNSIZED

    def _length(self, node: FieldNode) -> int:
        """Of the list `representations`."""
        for argument in node.arguments or ():
            if isinstance(argument.value, ListValueNode):
                return len(argument.value.values)
            if isinstance(argument.value, VariableNode):
                given = self._variables.get(argument.value.name.value)
                return len(given) if isinstance(given, list | range) else 1
        return 1
