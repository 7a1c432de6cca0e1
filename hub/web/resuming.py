"""A subscription that goes on after the event that a client saw last, whatever its document says of `after`."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from graphql import (
    ArgumentNode,
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    NameNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    print_ast,
)
from graphql import OperationType as Kind

from hub.web.operation import Operation

_RESUMED = VariableNode(name=NameNode(value="resumedAfter"))


def resumed(schema: GraphQLSchema, document: DocumentNode, operation: Operation, cursor: str) -> Operation:
    """The operation with `after` of the subscription's own field set to the cursor; as it is where no field takes
    that. A variable carries it, so that all who resume one document share its executions."""
    root = schema.subscription_type
    takes = {name: field.args["after"] for name, field in root.fields.items() if "after" in field.args} if root else {}
    if root is None or not takes:
        return operation
    setting = _Setting(root.name, takes.keys())
    definitions = [setting.definition(each) for each in document.definitions]
    if setting.adds:
        declared = VariableDefinitionNode(
            variable=_RESUMED,
            type=NamedTypeNode(name=NameNode(value=get_named_type(next(iter(takes.values())).type).name)),
        )
        definitions = [_declaring(each, declared) for each in definitions]
    return replace(
        operation,
        document=print_ast(replace(document, definitions=tuple(definitions))),
        variables={**operation.variables, **dict.fromkeys(setting.names, cursor)},
    )


def beginnings(schema: GraphQLSchema, document: DocumentNode) -> Collection[str]:
    """The variables that say where a subscription begins, and nothing else of it."""
    setting = _set_in(schema, document)
    return setting.names if setting is not None else ()


def begins_after(schema: GraphQLSchema, document: DocumentNode, operation: Operation) -> bool:
    """Whether it goes on after an event, by a variable or by a text in the document."""
    setting = _set_in(schema, document)
    return setting is not None and (
        setting.constant or any(operation.variables.get(name) is not None for name in setting.names)
    )


def _set_in(schema: GraphQLSchema, document: DocumentNode) -> "_Setting | None":
    root = schema.subscription_type
    takes = [name for name, field in root.fields.items() if "after" in field.args] if root else []
    if root is None or not takes:
        return None
    setting = _Setting(root.name, takes)
    for each in document.definitions:
        setting.definition(each)
    return setting


def beginning(node: OperationDefinitionNode, variables: Mapping[str, object]) -> str | None:
    """After which cursor the client wants to begin; "" from now on, None where that is not to be seen at once."""
    match node.selection_set.selections:
        case (FieldNode(arguments=arguments),):
            for argument in arguments or ():
                if argument.name.value == "after":
                    given = argument.value
                    value = variables.get(given.name.value) if isinstance(given, VariableNode) else given
                    if isinstance(value, StringValueNode):
                        return value.value
                    return "" if value is None or isinstance(value, NullValueNode) else str(value)
            return ""
        case _:
            return None


def _declaring(node: DefinitionNode, declared: VariableDefinitionNode) -> DefinitionNode:
    if not isinstance(node, OperationDefinitionNode) or node.operation is not Kind.SUBSCRIPTION:
        return node
    return replace(node, variable_definitions=(*(node.variable_definitions or ()), declared))


class _Setting:
    """Sets `after` where it is absent or a constant. `names`: the variables that carry it, its own included."""

    def __init__(self, root: str, takes: Collection[str]) -> None:
        self.names: set[str] = set()
        self.constant = False  # a text in the document says it
        self._root = root
        self._takes = takes

    @property
    def adds(self) -> bool:
        return _RESUMED.name.value in self.names

    def definition(self, node: DefinitionNode) -> DefinitionNode:
        if (isinstance(node, OperationDefinitionNode) and node.operation is Kind.SUBSCRIPTION) or (
            isinstance(node, FragmentDefinitionNode) and node.type_condition.name.value == self._root
        ):
            return replace(node, selection_set=self._set(node.selection_set))
        return node

    def _set(self, given: SelectionSetNode) -> SelectionSetNode:
        return replace(given, selections=tuple(self._selection(each) for each in given.selections))

    def _selection(self, node: SelectionNode) -> SelectionNode:
        if isinstance(node, InlineFragmentNode):
            return replace(node, selection_set=self._set(node.selection_set))
        if not isinstance(node, FieldNode) or node.name.value not in self._takes:
            return node
        arguments = {each.name.value: each for each in node.arguments or ()}
        after = arguments.get("after")
        if after is not None and isinstance(after.value, VariableNode):
            self.names.add(after.value.name.value)
            return node
        self.constant = self.constant or (after is not None and isinstance(after.value, StringValueNode))
        self.names.add(_RESUMED.name.value)
        arguments["after"] = ArgumentNode(name=NameNode(value="after"), value=_RESUMED)
        return replace(node, arguments=tuple(arguments.values()))
