"""A tenant's stock in a database of its own: one declared query, asked again each `every`, a lot for each row."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import orjson

from adapters.contract import (
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Definition,
    Fault,
    Health,
    HealthState,
    Raw,
    Record,
    Source,
    Unreadable,
    guarded,
)
from adapters.inventory import cells
from adapters.inventory.lots import Lots
from adapters.inventory.sql_config import SqlConfig
from adapters.inventory.sql_cursor import Mark
from adapters.inventory.sql_reading import Reading, Row
from hub.clock import now


class SqlInventory:
    """The adapter. With a time of change it reads what changed since the last poll, and a little before; without one
    every row at each poll. What the database no longer has shows in `discover`."""

    def __init__(self, source: Source, config: SqlConfig) -> None:
        self._config = config
        self._lots = Lots(config.columns, source)
        self._overlap = timedelta(seconds=config.overlap_seconds)
        self._reading: Reading | None = None

    async def __aenter__(self) -> Self:
        self._reading = Reading(self._config)
        try:
            await self._reading.open()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            await self._reading.close()
            self._reading = None

    @property
    def _open(self) -> Reading:
        if self._reading is None:
            raise RuntimeError("enter the adapter first")
        return self._reading

    async def check(self) -> Health:
        return Health(state=HealthState.OK, text="the query answers", version=await self._open.version())

    async def discover(self) -> AsyncIterator[Claim]:
        """Every row that has an id; one that cannot be read is named, so that it is not taken for gone."""
        async for page in self._open.whole():
            for claim in await asyncio.to_thread(self._named, page):
                yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        if self._config.updated_at is None:
            async for page in self._open.whole():
                yield await asyncio.to_thread(self._batch, page, None)
            return
        mark = Mark.read(cursor) if cursor is not None else None
        since, last = (mark.before(self._overlap) if mark else None), None
        while page := await self._open.page(since, last):
            last = self._last(page)
            if last is not None and last.is_believable(now()):
                mark = last
            yield await asyncio.to_thread(self._batch, page, mark)
            if last is None or len(page) < self._config.page_rows:
                return

    def _last(self, page: Sequence[Row]) -> Mark | None:
        return Mark.of(page[-1][str(self._config.updated_at)], page[-1][self._config.id])

    def _batch(self, page: Sequence[Row], mark: Mark | None) -> Batch:
        received_at, decode = now(), guarded(self.decode)
        records: list[Record] = []
        unreadable: list[DeadLetter] = []
        for row in page:
            raw = self._raw(row, received_at)
            try:
                records += decode(raw)
            except Unreadable as error:
                unreadable.append(DeadLetter.of(raw, error))
        return Batch(
            records=records,
            unreadable=unreadable,
            faults=self._faults(page, received_at),
            received_at=received_at,
            cursor=mark.cursor() if mark else None,
        )

    def _named(self, page: Sequence[Row]) -> list[Claim]:
        received_at, claims = now(), list[Claim]()
        for row in page:
            raw = self._raw(row, received_at)
            try:
                claims += self._claims(raw)
            except Unreadable:
                if (external_id := cells.text(_cell(row[self._config.id]))) is not None:
                    claims.append(Claim(kind="SupplyLot", external_id=external_id, named_only=True))
        return claims

    def _raw(self, row: Row, received_at: datetime) -> Raw:
        return Raw(
            key=f"row/{row[self._config.id]}"[:200], received_at=received_at, data=orjson.dumps(row, default=_plain)
        )

    def _faults(self, page: Sequence[Row], at: datetime) -> list[Fault]:
        """A time of change that lies in the future hides nothing, since the cursor stays before it; but it is wrong."""
        if self._config.updated_at is None or (last := self._last(page)) is None or last.is_believable(at):
            return []
        return [
            Fault(
                where=self._config.updated_at,
                reason=f"the row {last.id} says it was changed at {last.at}, in the future, so each poll reads it: "
                "set the clock of the tenant's database, or mend the row",
            )
        ]

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A row as JSON: the columns that the source's config names."""
        return self._claims(raw)

    def corrected(self, raw: Raw, changes: Mapping[str, str | None]) -> Raw:
        """A row that could not be read with these cells, column → text, to be decoded. Raises Unreadable."""
        row = row_of(raw.data)
        for name in changes:
            if name not in row:
                raise Unreadable(f"the row has no column {name!r}; there are {', '.join(row)}")
        if self._config.id in changes or cells.text(row.get(self._config.id)) is None:
            raise Unreadable(
                "the row is known by its id: that is given in the tenant's database", where=self._config.id
            )
        return replace(raw, data=orjson.dumps({**row, **changes}))

    def _claims(self, raw: Raw) -> list[Claim]:
        row = row_of(raw.data)
        external_id = cells.text(row.get(self._config.id))
        if external_id is None:
            raise Unreadable("the row has no id; let the query give one for each row", where=self._config.id)
        claim = self._lots.claim(row, external_id)
        return [claim if self._config.updated_at is None else replace(claim, observed_at=self._observed(row))]

    def _observed(self, row: Mapping[str, cells.Cell]) -> datetime | None:
        """The row's own time of change, where it is written as a time."""
        written = row.get(str(self._config.updated_at))
        if not isinstance(written, str):
            return None
        try:
            return datetime.fromisoformat(written)
        except ValueError:
            return None


def row_of(data: bytes) -> dict[str, cells.Cell]:
    """What a dead letter of this adapter holds: column → cell. Raises Unreadable."""
    try:
        row = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"the row is no JSON: {error}") from error
    if not isinstance(row, dict) or any(isinstance(cell, dict | list) for cell in row.values()):
        raise Unreadable("the row is no JSON object of plain values")
    return row


def _cell(value: object) -> cells.Cell:
    return value if isinstance(value, str | int | float | datetime) or value is None else str(value)


def _plain(value: object) -> str:
    """What JSON has no form for: decimals, bytes, spans of time."""
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


ADAPTER = Definition(
    name="sql",
    version="1",
    summary="A stock table in any database that SQLAlchemy reads: one declared query, its columns mapped to lots.",
    config=SqlConfig,
    factory=SqlInventory,
    polls=True,
)
