"""Completing long answers in turns, so that one client's thousand rows do not hold up another's alert."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from time import perf_counter
from typing import Any

from graphql import GraphQLOutputType, is_leaf_type
from graphql import get_nullable_type as plain
from graphql.pyutils import AwaitableOrValue
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

_TURN_SECONDS = 0.02


class InTurns(StrawberryGraphQLCoreExecutionContext):
    """Completes rows until its turn is over, and each further row on a later turn of the event loop."""

    _over: float | None = None
    _queue: asyncio.Lock | None = None

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
            items = self._in_turns(items)
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, *rest)

    def _in_turns(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            if self._over is None:
                self._over = perf_counter() + _TURN_SECONDS
                asyncio.get_running_loop().call_soon(self._next_turn)
            yield item if perf_counter() < self._over or self.is_awaitable(item) else self._later(item)

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
