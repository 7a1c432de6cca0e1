"""Executing operations: rows are compiled where they can be, and long answers are completed in turns, so that one
client's thousand rows do not hold up another's alert."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from time import perf_counter
from typing import Any

from graphql import GraphQLObjectType, GraphQLOutputType, is_leaf_type
from graphql import get_nullable_type as plain
from graphql.pyutils import AwaitableOrValue
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from hub.web.rows import Bound, Field
from hub.web.templates import Templates

_TURN_SECONDS = 0.02
_TURN_ROWS = 1_000
"""Rows that are completed at one go, without a look at the clock: some milliseconds."""


class InTurns(StrawberryGraphQLCoreExecutionContext):
    """Completes rows until its turn is over, and each further row on a later turn of the event loop.

    `templates`: what was compiled of the operation before."""

    _over: float | None = None
    _queue: asyncio.Lock | None = None

    def __init__(self, *args: Any, templates: Templates | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._templates = templates or Templates()
        self._bound: dict[tuple[Any, int], tuple[Any, Bound | None]] = {}

    def complete_iterable_value(
        self,
        item_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        items: Iterable[Any],
        *rest: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if not is_leaf_type(plain(item_type)):
            if (rows := self._at_once(item_type, field_details_list, info, items)) is not None:
                return rows
            items = self._in_turns(items)
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, *rest)

    def complete_object_value(
        self, return_type: GraphQLObjectType, field_details_list: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> AwaitableOrValue[dict[str, Any]]:
        bound = self._compiled(return_type, field_details_list, info)
        if bound is not None and bound.weight <= _TURN_ROWS:
            try:
                return bound.complete(result)  # type: ignore[no-any-return]
            except Exception:  # noqa: BLE001  the long way meets it again, and says where
                pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, *rest)

    def _at_once(self, item_type: Any, details: Any, info: Any, items: Any) -> list[Any] | None:
        """None where the list is too long for that, or something in it is unusual."""
        if items.__class__ is not list or not self._in_turn():
            return None
        bound = self._compiled(item_type, details, info)
        if bound is None or bound.weight * len(items) > _TURN_ROWS:
            return None
        complete = bound.complete
        try:
            return [complete(item) for item in items]
        except Exception:  # noqa: BLE001  the long way meets it again, and says where
            return None

    def _compiled(self, type_: Any, details: Any, info: Any) -> Bound | None:
        key = (type_, id(details))
        if key not in self._bound:
            self._bound[key] = details, self._binding(type_, details, info)  # kept, so that its id stays its own
        return self._bound[key][1]

    def _binding(self, type_: Any, details: Any, info: Any) -> Bound | None:
        bind = self._templates.of(self, type_, details)
        try:
            return None if bind is None else bind(Field(self, info))
        except Exception:  # noqa: BLE001  an argument that is wrong, which the long way will say
            return None

    def _in_turns(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            yield item if self._in_turn() or self.is_awaitable(item) else self._later(item)

    def _in_turn(self) -> bool:
        if self._over is None:
            self._over = perf_counter() + _TURN_SECONDS
            asyncio.get_running_loop().call_soon(self._next_turn)
        return perf_counter() < self._over

    def _next_turn(self) -> None:
        self._over = None

    def _later(self, item: Any) -> Awaitable[Any]:
        if self._queue is None:
            self._queue = asyncio.Lock()
        return _after(self._queue, item)


async def _after(queue: asyncio.Lock, item: Any) -> Any:
    """The queue wakes one waiter a turn of the loop."""
    async with queue:
        await asyncio.sleep(0)
        return item
