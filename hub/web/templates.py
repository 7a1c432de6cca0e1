"""The compiled rows of one operation of one document, kept with it from request to request."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from graphql import DirectiveNode, Visitor, visit
from graphql.language.ast import VariableNode

from hub.web.rows import Bind, compiled

_CONDITIONS = 16


class _Conditions(Visitor):
    """The variables that decide what is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names.add(argument.value.name.value)


class Templates:
    """By what the directives' variables select: of the latest few such selections."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] | None = None
        self._made: OrderedDict[tuple[bool, ...], dict[Hashable, Bind | None]] = OrderedDict()

    def of(self, executor: Any, type_: Any, details: Sequence[Any]) -> Bind | None:
        """As `compiled`; `details` are of the operation's own document."""
        made = self._selected(executor)
        key = (str(type_), *[id(each.node) for each in details])
        if key not in made:
            made[key] = compiled(executor, type_, details)
        return made[key]

    def _selected(self, executor: Any) -> dict[Hashable, Bind | None]:
        if self._names is None:
            found = _Conditions()
            for node in (executor.operation, *executor.fragment_definitions.values()):
                visit(node, found)
            self._names = tuple(sorted(found.names))
        given = executor.variable_values.coerced
        conditions = tuple([given.get(name) is True for name in self._names])
        made = self._made.setdefault(conditions, {})
        self._made.move_to_end(conditions)
        if len(self._made) > _CONDITIONS:
            self._made.popitem(last=False)
        return made
