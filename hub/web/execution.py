"""Running operations on the executor itself, from documents that are prepared once; subscriptions one execution for
all alike.

Subscribers with the same document, variables and rights get the same text for the same event: it is executed
and encoded for the first of them, and the others wait for that.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from inspect import isawaitable
from typing import Any, cast

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
)
from graphql import OperationType as Kind
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable
from strawberry.types.execution import PreExecutionError

from hub.access.audit.record import Ledger
from hub.access.moment import Moment, Unmoved
from hub.access.rights import Rights
from hub.errors import AuditUnavailable, BadRequest, CausewayError, Code, DeadlineExceeded, Forbidden
from hub.graph.store import DEADLINE
from hub.journal.cursors import FeedCursor
from hub.telemetry import Metrics
from hub.viewer import Action, Mask
from hub.web.answers import Answer, Made, Price, answer_of, wrapped
from hub.web.budget import Budget
from hub.web.encoding import encode
from hub.web.fanout import Fanout, Group
from hub.web.kept import Kept, Standing
from hub.web.limits import Limits
from hub.web.operation import Asker, Operation
from hub.web.preparing import Preparing
from hub.web.releasing import Release
from hub.web.resuming import beginning
from hub.web.run import Prepared, Run
from hub.web.session import NOTHING, Session
from hub.web.sharing import sharing_key
from hub.web.streaming import Offer, Watching
from hub.web.turns import InTurns

_SHARED_EVENTS = 512
_KEYS = 1024

Contexts = Callable[[Asker, Mask], object]
"""Makes the context of one operation, or of one event of a subscription."""

_is_awaitable: Any = optimized_is_awaitable

_ACTIONS = {Kind.QUERY: Action.READ, Kind.MUTATION: Action.WRITE, Kind.SUBSCRIPTION: Action.SUBSCRIBE}


class Execution:
    """No answer leaves but by `release`. `head`: where the log ends now; with it a new subscriber hears its first event
    with all others. `standing`: what the graph shows; with it answers are kept while that stands."""

    def __init__(
        self,
        schema: Schema,
        contexts: Contexts,
        metrics: Metrics,
        rights: Rights,
        release: Release,
        moment: Moment | None = None,
        *,
        introspection: bool = True,
        head: Callable[[], FeedCursor] | None = None,
        limits: Limits = Limits(),  # noqa: B008  it is frozen
        seconds: Callable[[], float] = time.monotonic,
        standing: Standing | None = None,
    ) -> None:
        self._schema = schema
        schema.execution_context_class = InTurns
        self._core: GraphQLSchema = schema._schema
        self._contexts = contexts
        self._metrics = metrics
        self._rights = rights
        self._moment = moment or Unmoved()
        self._release = release
        self._head = head
        self._limits = limits
        self._preparing = Preparing(self._core, limits, introspection=introspection)
        self._budget = Budget(limits.budget, limits.window_seconds, seconds)
        self._fanout = Fanout()
        self._kept = None if standing is None else Kept(self._core, standing)
        self._keys: OrderedDict[tuple[object, ...], tuple[object, ...]] = OrderedDict()
        self._shared: OrderedDict[tuple[object, ...], asyncio.Future[Made]] = OrderedDict()

    def kind(self, operation: Operation) -> Kind | None:
        """None also for what cannot be prepared: running it says why."""
        return self._preparing.kind(operation)

    def is_subscription(self, operation: Operation) -> bool:
        return self.kind(operation) is Kind.SUBSCRIPTION

    def resumed(self, operation: Operation, cursor: str) -> Operation:
        """The same subscription, from where a client says that its stream broke off."""
        return self._preparing.resumed(operation, cursor)

    def watched(self, operation: Operation) -> tuple[Hashable, bool]:
        """What the operation watches, wherever it begins; and whether it goes on after an event."""
        return self._preparing.watched(operation)

    async def once(self, operation: Operation, asker: Asker, transport: str) -> Answer:
        """A query's or a mutation's one answer. Nothing is raised but cancellation."""
        price = Price()
        try:
            prepared = self._preparing.prepared(operation)
            if prepared.operation.operation is Kind.SUBSCRIPTION:
                raise BadRequest(
                    "A subscription needs a stream: ask with `Accept: text/event-stream`, "
                    "or over a WebSocket with graphql-transport-ws."
                )
            self._charge(price, prepared, operation, asker)
            asker = self._now(asker)
            mask = self._mask(asker, prepared.operation.operation)
            run = self._run(prepared, operation, asker, mask, transport, price)
            async with self._in_time(prepared):
                made = await self._found(run)
            if not made.answer.refused:
                made = await self._released(run, made)
        except Exception as error:  # noqa: BLE001  the web's error mask
            return self._counted(answer_of(None, [wrapped(error)], refused=True), transport, price)
        return self._counted(made.answer, transport, price)

    @asynccontextmanager
    async def _in_time(self, prepared: Prepared) -> AsyncIterator[None]:
        """What takes longer is cancelled, and so is what the graph does for it; but no change, which may be made
        already. Raises DeadlineExceeded."""
        seconds = self._limits.deadline_seconds
        if prepared.operation.operation is not Kind.QUERY:
            yield
            return
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                DEADLINE.set(clock.when())  # for the batches, which run in tasks of their own
                yield
        except TimeoutError as error:
            if not clock.expired():
                raise
            raise DeadlineExceeded(f"The query did not end within {seconds:g} s: ask for less at once.") from error
        finally:
            DEADLINE.set(None)

    def _charge(self, price: Price, prepared: Prepared, operation: Operation, asker: Asker) -> None:
        """Raises BadRequest, CostExceeded, RateLimited."""
        requested = self._preparing.cost(prepared.document, prepared.operation, operation.variables)
        left = self._budget.spend(asker.viewer, asker.address, requested)
        if self._limits.told:
            price.requested, price.left = requested, left

    async def _found(self, run: Run) -> Made:
        """As it was made before, where it is kept; recorded it is each time."""
        place = self._kept.place(run) if self._kept is not None and not self._release.withholds else None
        if place is None or self._kept is None:
            return await self._executed(run)
        made = self._kept.find(place)
        if made is None:
            made = await self._executed(run)
            self._kept.keep(place, run, made)
        return made

    async def _executed(self, run: Run, *, withholding: bool = False) -> Made:
        context = self._contexts(run.asker, run.mask)
        ledger = self._release.ledger(context, withholding=withholding)
        if errors := self._preparing.errors(run.prepared.document):
            return Made(answer_of(None, errors, refused=True), ledger)
        if self._schema.extensions:  # these look at Strawberry's own way, which does all of it once more
            return Made(await self._extended(run, context, ledger), ledger)
        executor = self._executor(run, context, None)
        if isinstance(executor, list):
            return Made(answer_of(None, executor, refused=True), ledger)
        result = execute_root_selection_set(executor)
        if isawaitable(result):
            result = await result
        return Made(answer_of(result.data, result.errors, ledger=ledger), ledger)

    async def _extended(self, run: Run, context: object, ledger: Ledger) -> Answer:
        result = await self._schema.execute(
            run.operation.document,
            variable_values=dict(run.operation.variables),
            context_value=context,
            operation_name=run.operation.name,
        )
        refused = isinstance(result, PreExecutionError)
        return answer_of(result.data, result.errors, refused=refused, ledger=ledger, extensions=result.extensions)

    async def _released(self, run: Run, made: Made) -> Made:
        """What may leave: the answer, once it is recorded; where it cannot be, the same without personal values. Raises
        AuditUnavailable of a change, which is not made twice."""
        viewer, asked = run.asker.viewer, run.asked
        try:
            await self._release.record(made, viewer, asked)
        except AuditUnavailable as error:
            if run.prepared.operation.operation is not Kind.QUERY:
                raise AuditUnavailable(f"What was asked was carried out. {error.message}") from error
            made = await self._executed(run, withholding=True)
            await self._release.record(made, viewer, asked)
        return made

    async def results(
        self, operation: Operation, session: Session, transport: str, offer: Offer | None = None
    ) -> AsyncGenerator[Answer, None]:
        """Over a streaming transport: a subscription's answers, or the one answer of a query or a mutation."""
        if not self.is_subscription(operation):
            try:
                session.check()
            except CausewayError as error:
                yield self._counted(answer_of(None, [wrapped(error)], refused=True), transport, Price())
            else:
                yield await self.once(operation, session.asker, transport)
            return
        async with aclosing(self.events(operation, session, transport, offer)) as answers:
            async for answer in answers:
                yield answer

    async def events(
        self, operation: Operation, session: Session, transport: str, offer: Offer | None = None
    ) -> AsyncGenerator[Answer, None]:
        """A subscription's answers, each as the viewer's rights are at its moment; the last one is `refused` where
        the stream could not begin or broke off. What many are told at once goes out by `offer`, where there is one."""
        asker = self._now(session.asker)
        price = Price()
        try:
            session.check()
            mask = self._mask(asker, Kind.SUBSCRIPTION)
            prepared = self._preparing.prepared(operation)
            self._charge(price, prepared, operation, asker)
            if errors := self._preparing.errors(prepared.document):
                yield self._counted(answer_of(None, errors, refused=True), transport, price)
                return
            run = self._run(prepared, operation, asker, mask, transport, price)
            source, start = await self._begun(run)
        except (GraphQLError, CausewayError) as error:
            yield self._counted(answer_of(None, [wrapped(error)], refused=True), transport, price)
            return
        if isinstance(source, ExecutionResult):
            yield self._counted(answer_of(None, source.errors, refused=True), transport, price)
            return
        self._metrics.request(transport, "ok")
        watching = Watching(self, run, session, source, start, offer)
        try:
            async for answer in watching.answers():
                yield answer
        except Exception as error:  # noqa: BLE001  the web's error mask
            yield self._counted(answer_of(None, [wrapped(error)], refused=True), transport, price)
        finally:
            await watching.close()

    async def _begun(self, run: Run) -> tuple[AsyncGenerator[object, None] | ExecutionResult, FeedCursor | None]:
        """The subscription's events, and after which position of the log, where that is known."""
        after = beginning(run.prepared.operation, run.operation.variables)
        if after == "" and self._head is not None and self._preparing.beginnings(run.prepared.document):
            now = self._head()
            return await self.begun_after(run, now.encode()), now
        return await self._source(run), FeedCursor.read(after)

    def under_the_rights_of_now(self, run: Run, session: Session) -> Run:
        who = self._now(session.asker)
        if who is run.asker and self._rights.version == run.version:
            return run
        mask = self._mask(who, Kind.SUBSCRIPTION)
        if (who is run.asker or who == run.asker) and (mask is run.mask or mask == run.mask):
            return run
        return self._run(run.prepared, run.operation, who, mask, run.asked.transport, run.price)

    async def begun_after(self, run: Run, cursor: str) -> AsyncGenerator[object, None]:
        operation = self.resumed(run.operation, cursor)
        source = await self._source(replace(run, operation=operation, prepared=self._preparing.prepared(operation)))
        if isinstance(source, ExecutionResult):
            raise (source.errors or [GraphQLError("The stream cannot go on.")])[0]
        return source

    def group(self, run: Run) -> Group:
        begins = self._preparing.beginnings(run.prepared.document)
        which = {name: value for name, value in run.operation.variables.items() if name not in begins}
        return self._fanout.group((run.key, encode(which)))

    async def told(self, run: Run, event: object) -> Made:
        return await self._told(run, event, run.key)

    async def released(self, run: Run, event: object) -> Made:
        made = await self._told(run, event, run.key)
        try:
            await self.record(run, made)
        except AuditUnavailable:
            made = await self._told(run, event, (*run.key, "withholding"), withholding=True)
            await self.record(run, made)
        return made

    async def record(self, run: Run, made: Made) -> None:
        await self._release.record(made, run.asker.viewer, run.asked, run.key)

    def note(self, run: Run, made: Made) -> None:
        self._release.note(made, run.asker.viewer, run.asked, run.key)

    async def _told(self, run: Run, event: object, key: tuple[object, ...], *, withholding: bool = False) -> Made:
        cursor = getattr(event, "cursor", None)  # what makes two subscribers' events the same one
        if not isinstance(cursor, str):
            return await self._execute_event(run, event, None, withholding=withholding)
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
            made = await self._execute_event(run, event, cursor, withholding=withholding)
        except BaseException:
            if self._shared.get(place) is mine:
                del self._shared[place]
            mine.cancel()  # this subscriber went away: the next one executes
            raise
        mine.set_result(made)
        return made

    async def _execute_event(self, run: Run, event: object, cursor: str | None, *, withholding: bool) -> Made:
        context = self._contexts(run.asker, run.mask)
        ledger = self._release.ledger(context, withholding=withholding)
        executor = self._executor(run, context, event)
        if isinstance(executor, list):
            return Made(answer_of(None, executor, cursor=cursor), ledger)
        result = execute_subscription_event(executor)
        if isawaitable(result):
            result = await result
        answer = answer_of(result.data, result.errors, cursor=cursor, ledger=ledger, price=run.price.of_each())
        return Made(answer, ledger)

    async def _source(self, run: Run) -> AsyncGenerator[object, None] | ExecutionResult:
        context = self._contexts(run.asker, run.mask)
        self._release.ledger(context, withholding=True)  # what a stream loads to choose its events is in no record
        executor = self._executor(run, context, None)
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

    def _run(
        self, prepared: Prepared, operation: Operation, asker: Asker, mask: Mask, transport: str, price: Price
    ) -> Run:
        asked = self._release.asked(prepared.document, prepared.operation, transport)
        key = sharing_key(prepared.document, prepared.operation, operation, asker, mask)
        key = self._keys.setdefault(key, key)  # compared by identity then, event by event
        if len(self._keys) > _KEYS:
            self._keys.popitem(last=False)
        return Run(prepared, operation, asker, mask, asked, self._rights.version, key, price)

    def _mask(self, asker: Asker, kind: Kind) -> Mask:
        """Raises Forbidden for a change or a stream by who is granted nothing; a read then finds nothing."""
        mask = self._rights.mask(asker.viewer, _ACTIONS[kind])
        if not mask and kind is not Kind.QUERY:
            raise Forbidden(NOTHING)
        return mask

    def _executor(self, run: Run, context: object, root: object) -> Any:
        """A graphql-core executor, or the errors of the variables."""
        return self._schema.execution_context_class.build(
            self._core,
            run.prepared.document,
            root,
            context,
            dict(run.operation.variables),
            run.operation.name,
            is_awaitable=_is_awaitable,
            templates=run.prepared.templates,
        )

    def _counted(self, answer: Answer, transport: str, price: Price) -> Answer:
        if answer.code is Code.BAD_REQUEST:
            answer = replace(answer, body=self._preparing.told(answer.body))
        self._metrics.request(transport, "ok" if answer.code is None else answer.code)
        return answer.priced(price)
