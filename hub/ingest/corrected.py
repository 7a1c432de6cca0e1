"""Rows and claims that were refused and that a person corrected: as long as their source says the same, what the person
made of it stands for it. Once the source says something else, that counts again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.contract import Claim, DeadLetter
from hub.journal.log import Journal

CORRECTED = "row.corrected"
VERSION = 2


def stream(source: str) -> str:
    return f"corrected:{source}"


@dataclass(frozen=True, slots=True)
class _Correction:
    lot: str  # its external id
    seq: int  # the event's: the lot's claim stands right before it


@dataclass(slots=True)
class _Known:
    """Of one source, up to `version` of its stream, by the mark of what is corrected."""

    version: int = 0
    corrections: dict[str, _Correction] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)


class Corrections:
    """What the log says of them, read when it is needed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[str, _Known] = {}

    async def count(self, source: str) -> int:
        """How many stand for something that the source says or said."""
        return len((await self._refreshed(source)).corrections)

    async def stands(self, source: str, data: bytes) -> bool:
        """Whether something stands for these bytes of a dead letter."""
        known = await self._refreshed(source)
        return bool(known.corrections) and self._journal.mark(data) in known.corrections

    async def apart(self, source: str, letters: Sequence[DeadLetter]) -> tuple[list[DeadLetter], list[Claim]]:
        """The letters that nobody corrected, and the claims that stand for the others."""
        known = await self._refreshed(source)
        if not known.corrections:
            return list(letters), []
        kept: list[DeadLetter] = []
        claims: list[Claim] = []
        for letter in letters:
            claim = await self._claim(source, known, self._journal.mark(letter.raw.data))
            if claim is None:
                kept.append(letter)
            else:
                claims.append(claim)
        return kept, claims

    async def _refreshed(self, source: str) -> _Known:
        known = self._known.setdefault(source, _Known())
        for event in await self._journal.stream(stream(source), after=known.version):
            known.version = max(known.version, event.stream_version)
            mark, lot = event.data.get("standsFor"), event.data.get("lot")
            if event.type == CORRECTED and isinstance(mark, str) and isinstance(lot, str):
                known.corrections[mark] = _Correction(lot, event.seq)
                known.claims.pop(mark, None)
        return known

    async def _claim(self, source: str, known: _Known, mark: str) -> Claim | None:
        if (correction := known.corrections.get(mark)) is None:
            return None
        if mark not in known.claims:
            found = await self._journal.claim_at(source, correction.lot, correction.seq)
            if found is None:
                return None
            known.claims[mark] = found
        return known.claims[mark]
