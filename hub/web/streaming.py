"""One subscription while it runs: by a stream of its own at first, and then with all who hear the same."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Protocol

from hub.errors import CausewayError, TooSlow
from hub.journal.cursors import FeedCursor
from hub.web.answers import Answer, Made
from hub.web.fanout import Group, Member
from hub.web.run import Run
from hub.web.session import Session

Offer = Callable[[Answer], bool]
"""Sends an answer without waiting; False where there is no room for it, and then nothing of it was sent."""
Events = AsyncGenerator[object, None]


class Telling(Protocol):
    """What executes: how a subscription's events are chosen and told."""

    def under_the_rights_of_now(self, run: Run, session: Session) -> Run:
        """The same one where they are the same. Raises Forbidden."""
        ...

    async def begun_after(self, run: Run, cursor: str) -> Events:
        """The events past the cursor, under the run's rights. Raises GraphQLError."""
        ...

    def group(self, run: Run) -> Group:
        """Those who hear the same."""
        ...

    async def told(self, run: Run, event: object) -> Made:
        """The event as it is told to all who hear the same."""
        ...

    async def released(self, run: Run, event: object) -> Made:
        """The same, recorded for this subscriber."""
        ...

    async def record(self, run: Run, made: Made) -> None:
        """Raises AuditUnavailable."""
        ...

    def note(self, run: Run, made: Made) -> None:
        """Records what shows nothing personal."""
        ...


class Watching:
    """`close` it at the end. `start`: after which position the events begin, where that is known. Without an `offer`
    it stays by itself."""

    def __init__(
        self,
        telling: Telling,
        run: Run,
        session: Session,
        events: Events,
        start: FeedCursor | None,
        offer: Offer | None,
    ) -> None:
        self._telling = telling
        self._run = run
        self._session = session
        self._events: Events | None = events
        self._offer = offer
        self._epoch = start
        self._join()
        self._member.position = start.seq if start is not None else None

    async def answers(self) -> AsyncGenerator[Answer, None]:
        """Those that are not sent by the offer."""
        if self._offer is not None and self._group.meets(self._member):
            await self._with_the_others()
        while (event := await self._next()) is not None:
            if self._member.joined:  # the others took it in meanwhile: by them it hears this event, or did
                await self._end()
                await self._with_the_others()
                continue
            at = FeedCursor.read(getattr(event, "cursor", None))
            if self._rights_have_changed() and at is not None:  # it was chosen and made under the rights of before
                await self._begin_after(replace(at, seq=at.seq - 1))
                continue
            if at is None or self._member.position is None or at.seq > self._member.position:
                self._member.telling = True
                made = await self._telling.released(self._run, event)
                self._session.check()
                if self._rights_have_changed():  # while it was told, for a graph or the audit may take its time
                    if at is not None:
                        await self._begin_after(replace(at, seq=at.seq - 1))
                        continue
                    made = await self._telling.released(self._run, event)
                yield made.answer
                self._member.telling = False
            if at is None or self._offer is None:
                continue
            self._epoch = at
            self._member.position = max(at.seq, self._member.position or 0)
            if self._group.meets(self._member):
                await self._with_the_others()

    def _rights_have_changed(self) -> bool:
        """Goes on under those of now. Raises Forbidden where there are none."""
        run = self._telling.under_the_rights_of_now(self._run, self._session)
        if run is self._run:
            return False
        self._leave()
        self._run = run
        self._join()
        return True

    async def close(self) -> None:
        self._leave()
        await self._end()

    async def _next(self) -> object | None:
        """None at the stream's end."""
        if self._events is None:
            return None
        try:
            event = await self._session.wait(self._events.__anext__)
        except StopAsyncIteration:
            return None
        self._session.check()
        return event

    def _join(self) -> None:
        run, session = self._run, self._session

        async def record(made: Made) -> None:
            await self._telling.record(run, made)

        def take(made: Made) -> bool:
            if session.ended is not None or session.expired:
                return False
            try:
                if self._telling.under_the_rights_of_now(run, session) is not run:
                    return False
            except CausewayError:
                return False
            sent = self._offer is not None and self._offer(made.answer)
            if sent and not made.ledger.personal:
                self._telling.note(run, made)
            return sent

        self._member = Member(take=take, record=record)
        self._group = self._telling.group(run)
        if self._offer is not None:
            self._group.add(self._member)

    def _leave(self) -> None:
        self._group.remove(self._member)

    async def _with_the_others(self) -> None:
        """Until it parts from them; then by itself again, from there."""
        member, group = self._member, self._group
        while member.joined:
            if group.leads(member):
                await self._session.wait(self._lead)
            else:
                await self._end()
                await self._session.wait(member.called)
        self._leave()
        position = member.position
        self._join()
        self._member.position = position
        await self._begin_after(self._at(position))

    async def _lead(self) -> None:
        """Reads for all, until its own member parts."""
        while self._member.joined:
            if self._events is None:
                await self._begin_after(self._at(self._group.position))
            try:
                event = await anext(self._events) if self._events is not None else None
            except TooSlow:  # the hub itself could not keep up: the log has it all
                await self._end()
                continue
            except StopAsyncIteration:
                event = None
            if event is None or (at := FeedCursor.read(getattr(event, "cursor", None))) is None:
                self._member.part()
                return
            await self._group.tell(at.seq, await self._telling.told(self._run, event))

    def _at(self, seq: int | None) -> FeedCursor:
        assert self._epoch is not None  # noqa: S101  as nobody meets others before its first event
        assert seq is not None  # noqa: S101  likewise
        return replace(self._epoch, seq=seq)

    async def _begin_after(self, cursor: FeedCursor) -> None:
        await self._end()
        self._events = await self._telling.begun_after(self._run, cursor.encode())

    async def _end(self) -> None:
        events, self._events = self._events, None
        if events is not None:
            await events.aclose()
