"""Tells a second person of a break-glass at once, beside the subscription: by a webhook, a command line, or both."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import httpx
import orjson

from hub.access.break_glass import events
from hub.access.break_glass.events import BreakGlass
from hub.telemetry import logger

WAITING = 100
"""Told later at most; past it the oldest is given up, which is logged."""
_SECONDS = 3.0  # that one attempt may take
_TRIES = 5
_PAUSE = 1.0  # seconds between two attempts
_log = logger(__name__)

_Attempt = Callable[[], Awaitable[str]]
"""Gives the reason why it failed, or nothing."""


class Teller:
    """`run` delivers until it is cancelled. `url` gets a POST of JSON; `command` gets the JSON on its standard input,
    and nothing of it on its command line."""

    def __init__(self, *, url: str | None = None, command: Sequence[str] = ()) -> None:
        self._url = url
        self._command = tuple(command)
        self._waiting: asyncio.Queue[BreakGlass] = asyncio.Queue(WAITING)

    def tell(self, glass: BreakGlass) -> None:
        if self._url is None and not self._command:
            return
        if self._waiting.full():
            _log.error("break_glass.untold", id=self._waiting.get_nowait().id, reason="too many wait")
        self._waiting.put_nowait(glass)

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as http:
            while True:
                glass = await self._waiting.get()
                told = orjson.dumps({"type": events.OPENED, "breakGlass": events.snapshot(glass)})
                async with asyncio.TaskGroup() as group:
                    if self._url is not None:
                        group.create_task(self._deliver(glass, "webhook", self._post(http, self._url, told)))
                    if self._command:
                        group.create_task(self._deliver(glass, "command", self._run(told)))

    async def _deliver(self, glass: BreakGlass, way: str, attempt: _Attempt) -> None:
        reason = ""
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(_PAUSE)
            reason = await attempt()
            if not reason:
                return
        _log.error("break_glass.untold", id=glass.id, way=way, reason=reason)

    def _post(self, http: httpx.AsyncClient, url: str, told: bytes) -> _Attempt:
        async def attempt() -> str:
            try:
                answer = await http.post(url, content=told, headers={"content-type": "application/json"})
            except httpx.HTTPError as error:
                return f"{type(error).__name__}: {error}"
            return "" if answer.is_success else f"it answers {answer.status_code}"

        return attempt

    def _run(self, told: bytes) -> _Attempt:
        async def attempt() -> str:
            try:
                child = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            except OSError as error:
                return str(error)
            try:
                async with asyncio.timeout(_SECONDS):
                    await child.communicate(told)
            except TimeoutError:
                child.kill()
                await child.wait()
                return f"it did not end within {_SECONDS:g} s"
            return "" if child.returncode == 0 else f"it ends with {child.returncode}"

        return attempt
