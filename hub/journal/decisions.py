"""A person's word on what is one thing and what is two: accepted, refused, merged, split; each once for its key."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.journal.log import Journal
from hub.journal.match import Decision, Matches
from hub.journal.records import Command, NewEvent

Work = Callable[[Matches, sa.Connection, Decision], list[NewEvent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`seq` is the number that the graph must reach to show it."""

    seq: int
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Who says it, why, and by which key; a repeat of the key gets the first answer."""

    actor: str
    key: str
    reason: str | None = None


class Decisions:
    """Raises NotFound, AlreadyDecided, OneEntity, BadRequest, StorageFull; Refused for more records than the limit
    unless `wide`; Conflict where the key was used for something else."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def accept(self, match_id: str, word: Word, *, wide: bool = False) -> Decided:
        """Both sides are one entity."""
        return await self._decide(
            word,
            ("accept", match_id, wide),
            lambda of, connection, said: of.accept(connection, match_id, said, wide=wide),
        )

    async def refuse(self, match_id: str, word: Word) -> Decided:
        """The sides stay apart, and are never proposed again."""
        return await self._decide(
            word, ("refuse", match_id), lambda of, connection, said: of.refuse(connection, match_id, said)
        )

    async def merge(self, one: str, other: str, word: Word, *, wide: bool = False) -> Decided:
        """Two that nobody proposed are one entity."""
        return await self._decide(
            word,
            ("merge", one, other, wide),
            lambda of, connection, said: of.merge(connection, one, other, said, wide=wide),
        )

    async def split(self, alias: str, word: Word, *, together: Sequence[str] = ()) -> Decided:
        """An alias is an entity of its own again, with those other aliases that belong to it."""
        return await self._decide(
            word,
            ("split", alias, sorted(together)),
            lambda of, connection, said: of.split(connection, alias, said, together=together),
        )

    async def _decide(self, word: Word, what: tuple[object, ...], work: Work) -> Decided:
        command = Command.of(word.actor, word.key, [*what, word.reason], {})

        def run(matches: Matches, connection: sa.Connection, at: datetime) -> list[NewEvent]:
            return work(matches, connection, Decision(actor=word.actor, at=at, reason=word.reason))

        done = await self._journal.decide(run, command=command)
        return Decided(seq=done.seq, repeated=done.repeated)
