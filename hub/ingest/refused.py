"""A draft that the journal refuses, taken apart: all of it that can be stored is, and the rest is kept as dead letters.

Without this its batch would come again for ever, and one bad record would stop its source.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from adapters.contract import DeadLetter, Reading, Record
from hub.clock import from_micros
from hub.errors import BadRequest
from hub.ingest.letters import letter
from hub.journal.log import Journal
from hub.journal.records import Draft, ReadingRow

Append = Callable[[Draft], Awaitable[object]]


async def store_apart(append: Append, journal: Journal, draft: Draft) -> list[DeadLetter]:
    """Stores `draft` in smaller and smaller parts, in its order, and last its cursor; returns what became of the
    records that are refused by themselves. Raises what `append` raises, BadRequest apart."""
    letters: list[DeadLetter] = []
    waiting = list(reversed(_halves(replace(draft, dead_letters=(), cursor=None))))
    while waiting:
        part = waiting.pop()
        try:
            await append(part)
        except BadRequest as refused:
            if _weight(part) == 1:
                record = await _record(journal, part)
                letters.append(letter(record, f"the journal refuses it: {refused.message}", part.received_at))
            else:
                waiting += reversed(_halves(part))
    await append(replace(draft, claims=(), readings=(), signals=(), dead_letters=[*draft.dead_letters, *letters]))
    return letters


def _weight(draft: Draft) -> int:
    return len(draft.claims) + len(draft.readings) + len(draft.signals)


def _halves(draft: Draft) -> list[Draft]:
    """Parts that hold the same records in the same order, each smaller than `draft` where that holds several."""
    whole = [
        part
        for part in (
            replace(draft, readings=(), signals=()),
            replace(draft, claims=(), readings=()),
            replace(draft, claims=(), signals=()),
        )
        if _weight(part)
    ]
    if len(whole) != 1 or _weight(draft) == 1:
        return whole
    middle = _weight(draft) // 2
    return [
        replace(draft, claims=draft.claims[part], readings=draft.readings[part], signals=draft.signals[part])
        for part in (slice(None, middle), slice(middle, None))
    ]


async def _record(journal: Journal, part: Draft) -> Record:
    if part.claims:
        return part.claims[0]
    if part.signals:
        return part.signals[0]
    return await _reading(journal, part.readings[0])


async def _reading(journal: Journal, row: ReadingRow) -> Reading:
    """As its source named it; what the journal does not know keeps its number."""
    found = next((series for series in await journal.all_series() if series.id == row.series), None)
    at = from_micros(row.at)
    if found is None:
        return Reading(f"series {row.series}", "", row.value, "", at)
    return Reading(found.external_id, found.quantity, row.value, found.unit, at)
