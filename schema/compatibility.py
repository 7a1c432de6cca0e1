"""What a new schema would break for those who ask by the released one.

A field, an argument or an enum's value goes only after a release in which it was deprecated, and a type with the last
that led to it. Nothing else that breaks an operation is allowed: a new name stands beside the old one, which is
deprecated.
"""

from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputValueDefinitionNode,
    Visitor,
    build_ast_schema,
    build_schema,
    find_breaking_changes,
    parse,
    visit,
)


def broken(released: str, now: str) -> list[str]:
    """A sentence for each change between two SDL texts that breaks operations and was not announced."""
    changes = find_breaking_changes(_lasting(released), build_schema(now, assume_valid_sdl=True))
    return [change.description for change in changes]


class _Announced(Visitor):
    """Drops what is deprecated."""

    def enter_field_definition(self, node: FieldDefinitionNode, *_: Any) -> Any:
        return _deprecated(node.directives)

    def enter_input_value_definition(self, node: InputValueDefinitionNode, *_: Any) -> Any:
        return _deprecated(node.directives)

    def enter_enum_value_definition(self, node: EnumValueDefinitionNode, *_: Any) -> Any:
        return _deprecated(node.directives)


def _deprecated(directives: tuple[DirectiveNode, ...] | None) -> Any:
    return REMOVE if any(each.name.value == "deprecated" for each in directives or ()) else None


def _lasting(released: str) -> GraphQLSchema:
    """The released schema without what it announced to end, and so without the types that nothing else leads to."""
    schema = build_ast_schema(visit(parse(released), _Announced()), assume_valid_sdl=True)
    return GraphQLSchema(
        query=schema.query_type,
        mutation=schema.mutation_type,
        subscription=schema.subscription_type,
        directives=schema.directives,
        assume_valid=True,
    )
