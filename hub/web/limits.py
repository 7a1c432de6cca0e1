"""How much a document may hold at most. What can be counted by its text alone is counted here, before validation:
that is quadratic in fields that stand twice."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

from hub.errors import BadRequest, CostExceeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one operation. Values count in `hub.web.cost`, and by the window in `hub.web.budget`."""

    tokens: int = 10_000  # of the document
    depth: int = 32  # levels of braces, fragments included
    fields: int = 5_000  # with every fragment written out; an alias counts like a field
    aliases: int = 250  # in the document
    duplicates: int = 100  # selections that stand a second time in the same braces
    directives: int = 100  # in the document
    values: int = 1_000_000  # leaves of the largest answer there could be
    budget: int = 100_000_000  # values that one client may ask for in a window; 0: as many as it likes
    window_seconds: float = 60.0
    deadline_seconds: float = 20.0  # of a query
    told: bool = True  # each answer names its cost; a subgraph behind a strict gateway may leave that


class TooDeep(Exception):
    """Found while counting."""


@dataclass(slots=True)
class _Found:
    aliases: int = 0
    directives: int = 0
    duplicates: int = 0


def check(document: DocumentNode, limits: Limits) -> None:
    """Raises CostExceeded, or BadRequest for braces that are nested too deep."""
    found = _Found()
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
                found.directives += len(definition.directives or ())
                _count(definition.selection_set.selections, found, limits.depth)
    except TooDeep:
        raise too_deep(limits.depth) from None
    for count, most, what in (
        (found.aliases, limits.aliases, "aliases"),
        (found.directives, limits.directives, "directives"),
        (found.duplicates, limits.duplicates, "selections that stand twice in the same braces"),
    ):
        if count > most:
            raise CostExceeded(f"The document has more than {most} {what}. Ask in several operations.")


def too_deep(most: int) -> BadRequest:
    return BadRequest(f"The operation is nested deeper than {most} levels. Ask in several steps.")


def _count(selections: Iterable[SelectionNode], found: _Found, deeper: int) -> None:
    if deeper <= 0:
        raise TooDeep
    seen: Counter[object] = Counter()
    for node in _flat(selections, found, deeper):
        found.directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            found.aliases += node.alias is not None
            seen[node.alias.value if node.alias else node.name.value] += 1
            if node.selection_set is not None:
                _count(node.selection_set.selections, found, deeper - 1)
        elif isinstance(node, FragmentSpreadNode):
            seen["...", node.name.value] += 1
        elif isinstance(node, InlineFragmentNode):
            _count(node.selection_set.selections, found, deeper - 1)
    found.duplicates += seen.total() - len(seen)


def _flat(selections: Iterable[SelectionNode], found: _Found, deeper: int) -> Iterator[SelectionNode]:
    """With what stands in inline fragments without a condition, which are as good as not there."""
    if deeper <= 0:
        raise TooDeep
    for node in selections:
        if isinstance(node, InlineFragmentNode) and node.type_condition is None:
            found.directives += len(node.directives or ())
            yield from _flat(node.selection_set.selections, found, deeper - 1)
        else:
            yield node
