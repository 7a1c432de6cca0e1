"""Whose a source is: the organization that the park file names by a word, as the log tells of it.

Answers at once, from memory. What is not known yet is nobody's: only who sees all of the park sees it.
"""

import asyncio
from collections.abc import Iterable, Mapping

from hub.errors import CausewayError
from hub.journal.log import Journal
from hub.reserve.reserve import Reserve
from hub.reserve.stock import Stock
from hub.telemetry import logger

_BACK_OFF = 5.0  # seconds after a failure
_log = logger(__name__)


class Tenants:
    """`run` keeps up with the log what the `words` mean, until it is cancelled."""

    def __init__(self, journal: Journal, reserve: Reserve, words: Iterable[str | None]) -> None:
        self._journal = journal
        self._reserve = reserve
        self._words = frozenset(word for word in words if word)
        self._known: Mapping[str, str] = {}
        self._as_of: tuple[Stock, int] | None = None

    async def run(self) -> None:
        while True:
            moves = self._reserve.moves
            as_of = self._reserve.stock, self._reserve.stock.organizations
            if self._words and self._as_of != as_of:
                try:
                    found = await self._journal.organizations_named(self._words)
                except CausewayError as error:
                    _log.warning("tenants.names_failed", reason=error.message)
                    await asyncio.sleep(_BACK_OFF)
                    continue
                self._known, self._as_of = {word: one.id for word, one in found.items()}, as_of
                continue  # the log may have moved meanwhile
            await moves.wait()

    def organization(self, word: str | None) -> str | None:
        """The id of the organization that the word means; None where that is not known."""
        id_ = None if word is None else self._known.get(word)
        return None if id_ is None else self._reserve.stock.resolve(id_)
