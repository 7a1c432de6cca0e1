"""The batches of one request: what many fields ask of the journal is asked once."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from strawberry.dataloader import DataLoader

from hub.graph.selection import MAX_IDS, Row
from hub.journal.log import Journal
from hub.journal.records import HeldClaim, Latest, ReadingRow, Series

if TYPE_CHECKING:
    from schema.rows import Asked

_READS = 4
"""So many of a request's reads are in the graph at once: fifty aliases are one client, not fifty."""


class Window(NamedTuple):
    """Readings of one sensor with since ≤ at < until, the newest `first` of each quantity."""

    sensor: str
    quantity: str | None
    since: datetime
    until: datetime
    first: int


Readings = Sequence[tuple[Series, ReadingRow]]


class Loaders:
    """Made empty for each request; a batch gathers what is asked within one turn of the event loop."""

    def __init__(self) -> None:
        self.reads = asyncio.Semaphore(_READS)
        self._latest: DataLoader[str, Sequence[Latest]] | None = None
        self._readings: DataLoader[Window, Readings] | None = None
        self._claims: dict[bool, DataLoader[str, Sequence[HeldClaim]]] = {}
        self._living: DataLoader[str, str] | None = None
        self._kinds: DataLoader[str, frozenset[str]] | None = None
        self._sides: dict[tuple[str | int, ...], DataLoader[tuple[str, str], Row | None]] = {}

    def latest(self, journal: Journal) -> DataLoader[str, Sequence[Latest]]:
        """Sensor's entity id → the newest reading of each of its quantities."""
        if self._latest is None:
            self._latest = DataLoader(load_fn=partial(_latest, journal))
        return self._latest

    def readings(self, journal: Journal) -> DataLoader[Window, Readings]:
        """Window → its readings, newest first."""
        if self._readings is None:
            self._readings = DataLoader(load_fn=partial(_readings, journal, self.latest(journal)))
        return self._readings

    def claims(self, journal: Journal, *, personal: bool = False) -> DataLoader[str, Sequence[HeldClaim]]:
        """Entity id → every source's latest live claim of it; `personal`: with personal values in clear."""
        if personal not in self._claims:
            self._claims[personal] = DataLoader(load_fn=partial(_clear if personal else _claims, journal))
        return self._claims[personal]

    def sides(self, info: "Asked") -> DataLoader[tuple[str, str], Row | None]:
        """Kind and entity id → what the field at hand, wherever in its list it stands, selects of the entity."""
        from schema.reading import sides

        field = tuple(part for part in info.path.as_list() if isinstance(part, str))
        if field not in self._sides:
            self._sides[field] = DataLoader(load_fn=partial(sides, info), max_batch_size=MAX_IDS)
        return self._sides[field]

    def living(self, journal: Journal) -> DataLoader[str, str]:
        """Any id → that of the entity which lives, itself where it is not known."""
        if self._living is None:
            self._living = DataLoader(load_fn=partial(_living, journal))
        return self._living

    def kinds(self, journal: Journal) -> DataLoader[str, frozenset[str]]:
        """Any id → the kinds that its entity is claimed to be; none where it is not known."""
        if self._kinds is None:
            self._kinds = DataLoader(load_fn=partial(_kinds, journal))
        return self._kinds


async def _latest(journal: Journal, sensors: list[str]) -> list[Sequence[Latest]]:
    found: Mapping[str, Sequence[Latest]] = await journal.latest(sensors)
    return [sorted(found.get(sensor, ()), key=lambda each: each.series.quantity) for sensor in sensors]


async def _claims(journal: Journal, entities: list[str]) -> list[Sequence[HeldClaim]]:
    found: Mapping[str, Sequence[HeldClaim]] = await journal.claims_of(entities)
    return [found.get(entity, ()) for entity in entities]


async def _clear(journal: Journal, entities: list[str]) -> list[Sequence[HeldClaim]]:
    """Those of all in one go, whoever they are of."""
    found = await _claims(journal, entities)
    clear = iter(await journal.unseal([held for claims in found for held in claims]))
    return [[next(clear) for _ in claims] for claims in found]


async def _living(journal: Journal, ids: list[str]) -> list[str]:
    found: Mapping[str, str] = await journal.resolve(ids)
    return [found.get(id_, id_) for id_ in ids]


async def _kinds(journal: Journal, ids: list[str]) -> list[frozenset[str]]:
    found: Mapping[str, frozenset[str]] = await journal.kinds_of(ids)
    return [found.get(id_, frozenset()) for id_ in ids]


async def _readings(
    journal: Journal, latest: DataLoader[str, Sequence[Latest]], windows: list[Window]
) -> list[Readings]:
    known = await latest.load_many(dict.fromkeys(window.sensor for window in windows))
    series = dict(zip(dict.fromkeys(window.sensor for window in windows), known, strict=True))
    asked: dict[tuple[datetime, datetime, int], set[int]] = {}
    wanted = [
        [each.series for each in series[window.sensor] if window.quantity in (None, each.series.quantity)]
        for window in windows
    ]
    for window, of in zip(windows, wanted, strict=True):
        asked.setdefault((window.since, window.until, window.first), set()).update(each.id for each in of)
    found = {span: await journal.readings(sorted(ids), *span) for span, ids in asked.items() if ids}
    results: list[Readings] = []
    for window, of in zip(windows, wanted, strict=True):
        rows = found.get((window.since, window.until, window.first), {})
        merged = [(each, row) for each in of for row in rows.get(each.id, ())]
        merged.sort(key=lambda pair: pair[1].at, reverse=True)
        results.append(merged[: window.first])
    return results
