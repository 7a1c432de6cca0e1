"""Running operations: queries and mutations through Strawberry, subscriptions one execution for all alike.

Subscribers with the same document, variables and rights get the same text for the same event: it is executed
and encoded for the first of them, and the others wait for that.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import isawaitable
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    create_source_event_stream,
    execute_subscription_event,
    get_operation_ast,
    parse,
    specified_rules,
)
from graphql import OperationType as Kind
from strawberry import Schema
from strawberry.schema.schema import validate_document
from strawberry.types.execution import PreExecutionError

from hub.access.moment import Moment, Unmoved
from hub.access.rights import Rights
from hub.errors import BadRequest, CausewayError, Code, Forbidden
from hub.telemetry import Metrics
from hub.viewer import Action, Mask
from hub.web import cost
from hub.web.encoding import encode
from hub.web.errors import all_formatted, code_of
from hub.web.operation import Asker, Operation
from hub.web.resuming import resumed
from hub.web.session import NOTHING, Session
from hub.web.sharing import sharing_key
from hub.web.turns import InTurns

_KEPT_DOCUMENT = 20_000  # characters; longer ones are parsed each time
_SHARED_EVENTS = 512
_TOKENS = 10_000  # validation is quadratic in some of what more could hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`body` is encoded JSON. `refused`: no field ran, so the body holds errors alone. `cursor` is the event's."""

    body: bytes
    refused: bool = False
    code: Code | None = None  # of its first error
    cursor: str | None = None


Contexts = Callable[[Asker, Mask], object]
"""Makes the context of one operation, or of one event of a subscription."""

_ACTIONS = {Kind.QUERY: Action.READ, Kind.MUTATION: Action.WRITE, Kind.SUBSCRIPTION: Action.SUBSCRIBE}


@dataclass(frozen=True, slots=True)
class _Prepared:
    document: DocumentNode
    operation: OperationDefinitionNode


class Execution:
    def __init__(
        self, schema: Schema, contexts: Contexts, metrics: Metrics, rights: Rights, moment: Moment | None = None
    ) -> None:
        self._schema = schema
        schema.execution_context_class = InTurns
        self._core: GraphQLSchema = schema._schema
        self._contexts = contexts
        self._metrics = metrics
        self._rights = rights
        self._moment = moment or Unmoved()
        self._parsed = lru_cache(256)(_parse)
        self._validated = lru_cache(256)(lambda document: _validated(self._core, document))
        self._shared: OrderedDict[tuple[object, ...], asyncio.Future[Answer]] = OrderedDict()

    def is_subscription(self, operation: Operation) -> bool:
        """False also for what cannot be parsed: running it says why."""
        try:
            return self._prepare(operation).operation.operation is Kind.SUBSCRIPTION
        except GraphQLError:
            return False

    def resumed(self, operation: Operation, cursor: str) -> Operation:
        """The same subscription, from where a client says that its stream broke off."""
        try:
            return resumed(self._core, self._prepare(operation).document, operation, cursor)
        except GraphQLError:
            return operation

    async def once(self, operation: Operation, asker: Asker, transport: str) -> Answer:
        """A query's or a mutation's one answer. Nothing is raised but cancellation."""
        try:
            prepared = self._prepare(operation)
            cost.check(self._core, prepared.document, prepared.operation, operation.variables)
            if prepared.operation.operation is Kind.SUBSCRIPTION:
                raise BadRequest(
                    "A subscription needs a stream: ask with `Accept: text/event-stream`, "
                    "or over a WebSocket with graphql-transport-ws."
                )
            asker = self._now(asker)
            mask = self._mask(asker, prepared.operation.operation)
            result = await self._schema.execute(
                operation.document,
                variable_values=dict(operation.variables),
                context_value=self._contexts(asker, mask),
                operation_name=operation.name,
            )
        except Exception as error:  # noqa: BLE001  the web's error mask
            return self._counted(_answer(None, [_wrapped(error)], refused=True), transport)
        answer = _answer(result.data, result.errors, refused=isinstance(result, PreExecutionError))
        return self._counted(answer, transport)

    async def results(self, operation: Operation, session: Session, transport: str) -> AsyncGenerator[Answer, None]:
        """Over a streaming transport: a subscription's answers, or the one answer of a query or a mutation."""
        if not self.is_subscription(operation):
            yield await self.once(operation, session.asker, transport)
            return
        async with aclosing(self.events(operation, session, transport)) as answers:
            async for answer in answers:
                yield answer

    async def events(self, operation: Operation, session: Session, transport: str) -> AsyncGenerator[Answer, None]:
        """A subscription's answers, each as the viewer's rights are at its moment; the last one is `refused` where
        the stream could not begin or broke off."""
        asker = self._now(session.asker)
        try:
            session.check()
            mask = self._mask(asker, Kind.SUBSCRIPTION)
            prepared = self._prepare(operation)
            cost.check(self._core, prepared.document, prepared.operation, operation.variables)
            if errors := self._validated(prepared.document):
                yield self._counted(_answer(None, errors, refused=True), transport)
                return
            source = await self._source(prepared, operation, asker, mask)
        except (GraphQLError, CausewayError) as error:
            yield self._counted(_answer(None, [_wrapped(error)], refused=True), transport)
            return
        if isinstance(source, ExecutionResult):
            yield self._counted(_answer(None, source.errors, refused=True), transport)
            return
        self._metrics.request(transport, "ok")
        key = sharing_key(prepared.document, prepared.operation, operation, asker, mask)
        try:
            async with aclosing(source) as stream:
                while True:
                    try:
                        event = await session.wait(stream.__anext__)
                    except StopAsyncIteration:
                        return
                    session.check()
                    who = self._now(session.asker)
                    now = self._mask(who, Kind.SUBSCRIPTION)
                    if who != asker or now is not mask:
                        asker, mask = who, now
                        key = sharing_key(prepared.document, prepared.operation, operation, asker, mask)
                    yield await self._told(event, prepared, operation, asker, mask, key)
        except Exception as error:  # noqa: BLE001  the web's error mask
            yield self._counted(_answer(None, [_wrapped(error)], refused=True), transport)

    async def _told(
        self,
        event: object,
        prepared: _Prepared,
        operation: Operation,
        asker: Asker,
        mask: Mask,
        key: tuple[object, ...],
    ) -> Answer:
        cursor = getattr(event, "cursor", None)  # what makes two subscribers' events the same one
        if not isinstance(cursor, str):
            return await self._execute_event(event, prepared, operation, asker, mask)
        place = (*key, cursor)
        while (told := self._shared.get(place)) is not None:
            if not told.done():
                await asyncio.wait((told,))
            if not told.cancelled():
                return told.result()
        mine = self._shared[place] = asyncio.get_running_loop().create_future()
        if len(self._shared) > _SHARED_EVENTS:
            self._shared.popitem(last=False)
        try:
            answer = await self._execute_event(event, prepared, operation, asker, mask, cursor)
        except BaseException:
            if self._shared.get(place) is mine:
                del self._shared[place]
            mine.cancel()  # this subscriber went away: the next one executes
            raise
        mine.set_result(answer)
        return answer

    async def _execute_event(
        self,
        event: object,
        prepared: _Prepared,
        operation: Operation,
        asker: Asker,
        mask: Mask,
        cursor: str | None = None,
    ) -> Answer:
        executor = self._executor(prepared, operation, asker, mask, event)
        if isinstance(executor, list):
            return _answer(None, executor, cursor=cursor)
        result = execute_subscription_event(executor)
        if isawaitable(result):
            result = await result
        return _answer(result.data, result.errors, cursor=cursor)

    async def _source(
        self, prepared: _Prepared, operation: Operation, asker: Asker, mask: Mask
    ) -> AsyncGenerator[object, None] | ExecutionResult:
        executor = self._executor(prepared, operation, asker, mask, None)
        if isinstance(executor, list):
            return ExecutionResult(None, executor)
        source = create_source_event_stream(executor)
        if isawaitable(source):
            source = await source
        return cast("AsyncGenerator[object, None] | ExecutionResult", source)

    def _now(self, asker: Asker) -> Asker:
        """With what holds at the moment."""
        viewer = self._moment.of(asker.viewer)
        return asker if viewer is asker.viewer else replace(asker, viewer=viewer)

    def _mask(self, asker: Asker, kind: Kind) -> Mask:
        """Raises Forbidden for a change or a stream by who is granted nothing; a read then finds nothing."""
        mask = self._rights.mask(asker.viewer, _ACTIONS[kind])
        if not mask and kind is not Kind.QUERY:
            raise Forbidden(NOTHING)
        return mask

    def _executor(self, prepared: _Prepared, operation: Operation, asker: Asker, mask: Mask, root: object) -> Any:
        """A graphql-core executor with a context of its own, or the errors of the variables."""
        return self._schema.execution_context_class.build(
            self._core,
            prepared.document,
            root,
            self._contexts(asker, mask),
            dict(operation.variables),
            operation.name,
        )

    def _prepare(self, operation: Operation) -> _Prepared:
        """Raises GraphQLError."""
        text = operation.document
        document = self._parsed(text) if len(text) <= _KEPT_DOCUMENT else _parse(text)
        node = get_operation_ast(document, operation.name)
        if node is None:
            raise GraphQLError(
                f"The document has no operation named {operation.name}."
                if operation.name
                else "The document has no operation, or several: name one in operationName."
            )
        return _Prepared(document, node)

    def _counted(self, answer: Answer, transport: str) -> Answer:
        self._metrics.request(transport, "ok" if answer.code is None else answer.code)
        return answer


def _parse(text: str) -> DocumentNode:
    """Raises GraphQLError."""
    try:
        return parse(text, max_tokens=_TOKENS)
    except RecursionError:
        raise GraphQLError(f"The document is nested deeper than {cost.DEPTH} levels. Ask in several steps.") from None


def _validated(schema: GraphQLSchema, document: DocumentNode) -> tuple[GraphQLError, ...]:
    return tuple(validate_document(schema, document, tuple(specified_rules)))


def _answer(
    data: Mapping[str, object] | None,
    errors: Sequence[GraphQLError] | None,
    *,
    refused: bool = False,
    cursor: str | None = None,
) -> Answer:
    body: dict[str, object] = {} if refused else {"data": data}
    told = all_formatted(errors)
    if told:
        body = {"errors": told, **body}
    try:
        encoded = encode(body)
    except TypeError as error:
        told = all_formatted([_wrapped(error)])
        encoded = encode({"errors": told, "data": None})
    return Answer(body=encoded, refused=refused, code=code_of(told), cursor=cursor)


def _wrapped(error: Exception) -> GraphQLError:
    return error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
