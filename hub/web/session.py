"""Connections that stay open, and the rights behind them: looked at again and again, for a token ends or is revoked,
and policies change, in the middle of a stream."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from hub.access.authority import Authority
from hub.access.rights import Rights
from hub.clock import Clock
from hub.errors import CausewayError, Forbidden, Unauthenticated
from hub.viewer import Action, Viewer
from hub.web.operation import Asker

EVERY = 0.4
"""Seconds between two looks; what is found is acted on within a second."""

EXPIRED = "The token has expired. Come back with a new one."
REVOKED = "The token was revoked, or its rights have changed. Come back with a new one."
NOTHING = "Your roles and purpose do not allow this."

T = TypeVar("T")


class Session:
    """Who asks over one connection; a renewal puts a new viewer in the old one's place, and the streams go on."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self.asker = asker
        self.ended: CausewayError | None = None
        self._clock = clock
        self._over = asyncio.Event()
        self._waits: dict[asyncio.Timeout, CausewayError | None] = {}

    def renew(self, viewer: Viewer) -> None:
        self.asker = replace(self.asker, viewer=viewer)

    def end(self, why: CausewayError) -> None:
        """All that waits here raises `why`, and so does all that would."""
        self.ended = self.ended or why
        self._over.set()
        self.interrupt(self.ended)

    def interrupt(self, why: CausewayError) -> None:
        """The open streams raise `why`; the connection stays."""
        for wait, told in self._waits.items():
            if told is None:
                self._waits[wait] = why
                wait.reschedule(0)

    async def until_ended(self) -> CausewayError:
        await self._over.wait()
        assert self.ended is not None  # noqa: S101  as `end` sets it first
        return self.ended

    def check(self) -> None:
        """Raises Unauthenticated where the viewer's time is over, and what the session was ended by."""
        if self.ended is None and self.expired:
            self.end(Unauthenticated(EXPIRED))
        if self.ended is not None:
            raise self.ended

    @property
    def expired(self) -> bool:
        until = self.asker.viewer.expires_at
        return until is not None and until <= self._clock()

    async def wait(self, event: Callable[[], Awaitable[T]]) -> T:
        """The event, unless the session ends before it comes."""
        wait = asyncio.timeout(None)
        self._waits[wait] = None
        try:
            async with wait:
                if self.ended is not None:
                    raise self.ended
                return await event()
        except TimeoutError:
            if (why := self._waits[wait]) is not None:
                raise why from None
            raise
        finally:
            del self._waits[wait]


class Sessions:
    """All that are open; `run` looks after them."""

    def __init__(self, authority: Authority, rights: Rights, clock: Clock) -> None:
        self._authority = authority
        self._rights = rights
        self._clock = clock
        self._open: set[Session] = set()
        self._asked: dict[int, Viewer] = {}

    @contextmanager
    def open(self, asker: Asker) -> Iterator[Session]:
        session = Session(asker, self._clock)
        self._open.add(session)
        try:
            yield session
        finally:
            self._open.discard(session)

    async def run(self) -> None:
        """Until it is cancelled. Expiry is not held up by an issuer that takes its time to answer."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_expired())
            group.create_task(self._end_revoked(group))

    async def _end_expired(self) -> None:
        version = self._rights.version
        while True:
            await asyncio.sleep(EVERY)
            for session in tuple(self._open):
                if session.expired:
                    session.end(Unauthenticated(EXPIRED))
            if self._rights.version != version:
                version = self._rights.version
                for session in tuple(self._open):
                    if not self._rights.mask(session.asker.viewer, Action.SUBSCRIBE):
                        session.interrupt(Forbidden(NOTHING))

    async def _end_revoked(self, group: asyncio.TaskGroup) -> None:
        """A viewer whose issuer takes its time is asked about once at a time, and holds up no other."""
        while True:
            await asyncio.sleep(EVERY)
            for viewer in {id(each.asker.viewer): each.asker.viewer for each in self._open}.values():
                if id(viewer) not in self._asked:
                    self._asked[id(viewer)] = viewer
                    group.create_task(self._ask(viewer))

    async def _ask(self, viewer: Viewer) -> None:
        try:
            if not await self._authority.holds(viewer):
                for session in tuple(self._open):
                    if session.asker.viewer is viewer:
                        session.end(Unauthenticated(REVOKED))
        finally:
            del self._asked[id(viewer)]
