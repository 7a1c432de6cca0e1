"""Server-sent events of GraphQL: one operation a connection (graphql-sse, "distinct connections mode").

Frames end in a bare blank line (LF LF): gateways split on that, and not on CR LF.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing

from starlette.types import Receive, Scope, Send

from hub.errors import Code
from hub.web.answers import Answer
from hub.web.session import Session

KEEP_ALIVE = b":\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


def frame(answer: Answer) -> bytes:
    """One `next`; its id is the event's cursor, which a client sends back as Last-Event-ID."""
    cursor = f"id: {answer.cursor}\n".encode() if answer.cursor else b""
    return b"event: next\n" + cursor + b"data: " + answer.body + b"\n\n"


COMPLETE = b"event: complete\ndata: \n\n"


class _Over(Exception):
    """The stream ends: the client left, stalled, or the hub stops."""


class EventStream:
    """An ASGI response. A client that takes nothing for `stall_seconds` is let go; `closing` ends the stream
    without `complete`, so that the client subscribes anew, and so does the end of its token, which is told first.
    A stream whose place a newer one has taken is complete."""

    def __init__(
        self,
        answers: Callable[[Session], AsyncGenerator[Answer, None]],
        session: AbstractContextManager[Session],
        closing: asyncio.Event,
        renewal: AbstractContextManager[asyncio.Event],
        *,
        keep_alive_seconds: float,
        stall_seconds: float,
    ) -> None:
        self._answers = answers
        self._session = session
        self._closing = closing
        self._renewal = renewal
        self._keep_alive_seconds = keep_alive_seconds
        self._stall_seconds = stall_seconds
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        with self._renewal as renewed:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._keep_alive(send))
                    group.create_task(self._until_the_client_leaves(receive))
                    group.create_task(self._until(self._closing))
                    group.create_task(self._until(renewed))
                    group.create_task(self._tell(send))
            except* _Over:
                pass
        if self._closing.is_set():
            await self._put(send, b"", more=False)
        elif renewed.is_set():
            await self._put(send, COMPLETE, more=False)

    async def _tell(self, send: Send) -> None:
        await self._put(send, KEEP_ALIVE)  # headers and a first byte at once, so that the client knows that it stands
        code: Code | None = None
        with self._session as session:
            async with aclosing(self._answers(session)) as answers:
                async for answer in answers:
                    await self._put(send, frame(answer))
                    code = answer.code if answer.refused else None
        await self._put(send, b"" if code is Code.UNAUTHENTICATED else COMPLETE, more=False)
        raise _Over

    async def _keep_alive(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._keep_alive_seconds)
            await self._put(send, KEEP_ALIVE)

    async def _until_the_client_leaves(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        raise _Over

    async def _until(self, over: asyncio.Event) -> None:
        await over.wait()
        raise _Over

    async def _put(self, send: Send, data: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(self._stall_seconds), self._turn:
                await send({"type": "http.response.body", "body": data, "more_body": more})
        except (TimeoutError, OSError) as error:
            raise _Over from error
