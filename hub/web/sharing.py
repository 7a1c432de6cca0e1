"""Which subscribers may be told the same text: those whose selection, its variables and rights are equal."""

from functools import lru_cache

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, OperationDefinitionNode, Visitor, visit
from graphql.language.ast import Node, VariableNode

from hub.viewer import Mask
from hub.web.encoding import encode
from hub.web.operation import Asker, Operation


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def sharing_key(
    document: DocumentNode, node: OperationDefinitionNode, operation: Operation, asker: Asker, mask: Mask
) -> tuple[object, ...]:
    """Of what the answer is made of. Two subjects share it where their masks are equal and they are of one class
    (roles, organization, purpose, flags): a person's name and token shape no answer.

    Variables that stand only in the arguments of the subscription's own field (`after`) shape which events
    come, not how one is told, and so are left out."""
    used = _variables_of_the_telling(document, node)
    values = {name: value for name, value in sorted(operation.variables.items()) if name in used}
    who = asker.viewer
    return (
        operation.document,
        operation.name,
        encode(values),
        asker.language,
        (who.issuer, who.roles, who.organization, who.purpose, who.flags),
        _rights(_Same(mask)),
    )


class _Rights:
    """What a mask says, as part of a key: its hash is made once, for a key is looked up with each event."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, mask: Mask) -> None:
        self._parts = tuple(
            (
                grant.scope.name,
                tuple(sorted(grant.scope.parameters.items())),
                grant.types,
                tuple(sorted(grant.fields.items())),
                grant.default,
            )
            for grant in mask
        )
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rights) and self._hash == other._hash and self._parts == other._parts


class _Same:
    """A mask by its identity: whoever makes masks keeps those that are often asked for."""

    __slots__ = ("mask",)

    def __init__(self, mask: Mask) -> None:
        self.mask = mask

    def __hash__(self) -> int:
        return id(self.mask)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.mask is other.mask


@lru_cache(maxsize=1024)
def _rights(of: _Same) -> _Rights:
    return _Rights(of.mask)


@lru_cache(maxsize=256)
def _variables_of_the_telling(document: DocumentNode, node: OperationDefinitionNode) -> frozenset[str]:
    variables = _Variables()
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            visit(definition, variables)
    for selection in node.selection_set.selections:
        parts: list[Node] = list(selection.directives or ())
        if isinstance(selection, FieldNode):
            if selection.selection_set is not None:
                parts.append(selection.selection_set)
        else:
            parts = [selection]
        for part in parts:
            visit(part, variables)
    return frozenset(variables.names)
