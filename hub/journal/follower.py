"""How a journal that is opened for reading learns that the hub wrote: PostgreSQL's NOTIFY, else a look now and then."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

from hub.journal.engine import CHANNEL, Engines
from hub.journal.tail import Tail
from hub.telemetry import logger

_LOOK_EVERY = 0.1  # seconds, at SQLite's head
_LISTEN_ANEW_AFTER = 1.0  # seconds
_log = logger(__name__)


class Follower:
    """Moves `tail` as the log grows, from when it is made until `close`."""

    def __init__(self, engines: Engines, tail: Tail, head: Callable[[], Awaitable[int]]) -> None:
        self._tail = tail
        self._head = head
        self._loop = asyncio.get_running_loop()
        self._ended = threading.Event()
        self._looking: asyncio.Task[None] | None = None
        self._listening: threading.Thread | None = None
        if engines.dialect == "sqlite":
            self._looking = asyncio.create_task(self._look(), name="journal-follower")
        else:
            url = engines.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._listening = threading.Thread(target=self._listen, args=(url,), name="journal-follower", daemon=True)
            self._listening.start()

    async def close(self) -> None:
        self._ended.set()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._listening is not None:
            await asyncio.to_thread(self._listening.join)

    async def _look(self) -> None:
        while True:
            self._tail.reached(await self._head())
            await asyncio.sleep(_LOOK_EVERY)

    def _listen(self, url: str) -> None:
        import psycopg  # here alone: a park on SQLite does without its 8 MB

        silent = False
        while not self._ended.is_set():
            try:
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    row = connection.execute("SELECT head FROM meta").fetchone()
                    self._reached(0 if row is None else int(row[0]))  # what came before we listened
                    silent = False
                    while not self._ended.is_set():
                        for told in connection.notifies(timeout=0.2):
                            self._reached(int(told.payload))
            except psycopg.OperationalError:
                if not silent:
                    silent = True
                    _log.warning("journal.not_listening", reason="PostgreSQL does not answer: it is tried again")
                self._ended.wait(_LISTEN_ANEW_AFTER)

    def _reached(self, head: int) -> None:
        if not self._ended.is_set():
            self._loop.call_soon_threadsafe(self._tail.reached, head)
