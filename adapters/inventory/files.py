"""Tenants' stock lists, CSV and Excel, from a folder or over SFTP: each row a lot, or rejected with its number and why.

A list is read once its mapping stands: in the source's config, or confirmed by a person for its header.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

import orjson
from pydantic import ValidationError

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
    SourceError,
    Unreadable,
    guarded,
)
from adapters.inventory.drops import Dropped, drop_of, wanted
from adapters.inventory.files_config import FilesConfig, ListMapping
from adapters.inventory.headers import Header
from adapters.inventory.list_rows import ListRows, Row, Seen, raw_of
from adapters.inventory.table_reader import Found, TableReader
from hub.clock import now

NO_LIST = "there is no stock list in it that matches {pattern!r}: ask the tenant to put one there"


@dataclass(slots=True, kw_only=True)
class _Refused:
    """A file that is not read as it is now; told again at each poll, and tried again when something changed."""

    stamp: list[float]
    reason: str
    waits_for: str | None = None  # the fingerprint of a header whose mapping nobody confirmed


@dataclass(slots=True, kw_only=True)
class _Done:
    """What was read whole: name → stamp and mapping, as the cursor says it."""

    files: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Cursor | None) -> Self:
        if cursor is None:
            return cls()
        try:
            files = orjson.loads(cursor)
        except orjson.JSONDecodeError as error:
            raise SourceError(
                f"the stored cursor {cursor!r} is not this adapter's; give the source a new id"
            ) from error
        return cls(files=files if isinstance(files, dict) else {})

    def cursor(self) -> Cursor:
        return orjson.dumps(self.files, option=orjson.OPT_SORT_KEYS).decode()


class StockFiles:
    """The adapter."""

    def __init__(self, source: Source, config: FilesConfig) -> None:
        self._source = source
        self._config = config
        self._drop = drop_of(config)
        self._refused: dict[str, _Refused] = {}
        self._rows: dict[str, ListRows] = {}  # by the mapping's JSON

    async def __aenter__(self) -> Self:
        try:
            await self._drop.open()
        except BaseException:
            await self._drop.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._drop.close()

    async def check(self) -> Health:
        files = await self.listed()
        if not files:
            return Health(state=HealthState.DEGRADED, text=await self._none())
        return Health(state=HealthState.OK, text=f"{files[-1].name} is the newest list")

    async def listed(self, *, settled: bool = True) -> Sequence[Dropped]:
        """The lists that are the stock as it is now, oldest first. `settled` False: also one that was put there just
        now, by whoever knows that it is whole."""
        return wanted(await self._drop.listed(), self._config, now().timestamp() if settled else math.inf)

    async def _none(self) -> str:
        """Why there is no list to read."""
        young = await self.listed(settled=False)
        if not young:
            return NO_LIST.format(pattern=self._config.pattern)
        return (
            f"{young[-1].name} was changed just now: it is read once nobody has changed it for "
            f"{self._config.settle_seconds:g} s (settle_seconds)"
        )

    async def discover(self) -> AsyncIterator[Claim]:
        """Every row of every list; one that cannot be read is named, so that it is not taken for gone. A list that
        cannot be read at all leaves the set unknown."""
        files = await self.listed()
        if not files:
            raise SourceError(await self._none())
        seen: Seen = {}
        for file in files:
            try:
                async with aclosing(self._pages(file, seen)) as pages:
                    async for rows, page in pages:
                        for claim in await asyncio.to_thread(rows.named, page):
                            yield claim
            except Unreadable as error:
                raise SourceError(f"{file.name}: {error.reason}") from error

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """The lists that are new or changed since `cursor`, or whose mapping is."""
        done, files = _Done.read(cursor), await self.listed()
        if not files:
            yield Batch(
                received_at=now(),
                faults=[Fault(where="files", reason=await self._none())],
            )
        names = {file.name for file in files}
        kept = _Done(files={name: stamp for name, stamp in done.files.items() if name in names})
        seen: Seen = {}
        for file in files:
            if done.files.get(file.name, [None])[0] == file.stamp and self._mapping_stands(done.files[file.name][1]):
                continue
            refused = self._refused.get(file.name)
            if refused is None or refused.stamp != file.stamp or self._is_confirmed(refused.waits_for):
                self._refused.pop(file.name, None)
                async with aclosing(self._read(file, seen, kept)) as batches:
                    async for batch in batches:
                        yield batch
            if (refused := self._refused.get(file.name)) is not None:
                yield Batch(received_at=now(), faults=[Fault(where=file.name, reason=refused.reason)])

    async def _read(self, file: Dropped, seen: Seen, kept: _Done) -> AsyncGenerator[Batch, None]:
        """The last batch has the cursor: a list that was read half is read anew."""
        batch, mapping_json = Batch(received_at=now()), ""
        try:
            async with aclosing(self._pages(file, seen)) as pages:
                async for rows, page in pages:
                    if batch.records or batch.unreadable:
                        yield batch
                    batch, mapping_json = await asyncio.to_thread(_batch, rows, page), rows.mapping_json
        except _Unconfirmed as waits:
            self._refused[file.name] = _Refused(stamp=file.stamp, reason=waits.reason, waits_for=waits.fingerprint)
        except Unreadable as error:
            self._refused[file.name] = _Refused(stamp=file.stamp, reason=error.reason)
        else:
            kept.files[file.name] = [file.stamp, mapping_json]
            yield replace(batch, cursor=kept.cursor())

    async def _pages(self, file: Dropped, seen: Seen) -> AsyncGenerator[tuple[ListRows, Sequence[Row]], None]:
        """Raises Unreadable: the list as a whole cannot be read, or nobody confirmed its mapping."""
        async with self.opened(file) as (reader, found):
            mapping = self.mapping_of(found.header)
            if mapping is None:
                raise _Unconfirmed(self._source.id, file.name, found.header)
            rows = self._rows_of(mapping)
            rows.fits(found.header)
            async with aclosing(reader.pages()) as pages:
                async for page in pages:
                    yield rows, await asyncio.to_thread(rows.rows, file, found, page, seen)

    def opened(self, file: Dropped) -> "_Opened":
        """The list in its child process, with its head. Raises Unreadable, SourceError."""
        return _Opened(self, file)

    def rows_with(self, mapping: ListMapping) -> ListRows:
        """For a preview with a mapping that nobody confirmed yet."""
        return ListRows(mapping, self._source)

    def _rows_of(self, mapping: ListMapping) -> ListRows:
        key = mapping.model_dump_json()
        if key not in self._rows:
            self._rows[key] = ListRows(mapping, self._source)
        return self._rows[key]

    def mapping_of(self, header: Header) -> ListMapping | None:
        """None where nobody confirmed any. Raises Unreadable."""
        if self._config.mapping is not None:
            return self._config.mapping
        told = self._source.confirmed().get(header.fingerprint)
        if told is None:
            return None
        try:
            return ListMapping.model_validate_json(told)
        except ValidationError as error:
            raise Unreadable(
                f"its confirmed mapping does not hold any more: {error.errors()[0]['msg']}; confirm it anew"
            ) from error

    def _mapping_stands(self, mapping_json: object) -> bool:
        if self._config.mapping is not None:
            return mapping_json in {"", self._config.mapping.model_dump_json()}
        stored = (ListMapping.model_validate_json(told).model_dump_json() for told in self._source.confirmed().values())
        return not mapping_json or any(mapping_json == one for one in stored)  # an empty list has none

    def _is_confirmed(self, fingerprint: str | None) -> bool:
        return fingerprint is not None and fingerprint in self._source.confirmed()

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A row as JSON, with its header; by the mapping that stands now."""
        return [self._decoded(raw)]

    def corrected(self, raw: Raw, changes: Mapping[str, str | None]) -> Raw:
        """A row that could not be read with these cells, column → text, to be decoded. Raises Unreadable."""
        row = Row.read(raw.data)
        return replace(raw, data=self._rows_for(row).corrected(row, changes).data())

    def _decoded(self, raw: Raw) -> Claim:
        row = Row.read(raw.data)
        return self._rows_for(row).claim(row)

    def _rows_for(self, row: Row) -> ListRows:
        mapping = self.mapping_of(Header(row=0, names=row.header))
        if mapping is None:
            raise _Unconfirmed(self._source.id, row.file, Header(row=0, names=row.header))
        rows = self._rows_of(mapping)
        rows.fits(Header(row=0, names=row.header))
        return rows


class _Opened:
    """A list fetched, and read by its child process."""

    def __init__(self, adapter: StockFiles, file: Dropped) -> None:
        self._fetched = adapter._drop.fetched(file)
        self._config = adapter._config
        self._reader: TableReader | None = None

    async def __aenter__(self) -> tuple[TableReader, Found]:
        path = await self._fetched.__aenter__()
        try:
            reader = TableReader(path, sheet=self._config.sheet, limits=self._config.limits)
            self._reader = await reader.__aenter__()
            return reader, await reader.head()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *_: object) -> None:
        if self._reader is not None:
            await self._reader.__aexit__()
        await self._fetched.__aexit__(None, None, None)


class _Unconfirmed(Unreadable):
    def __init__(self, source: str, file: str, header: Header) -> None:
        super().__init__(
            f"nobody has said yet what its columns mean ({', '.join(name for name in header.names if name)}): look at "
            f"the proposal with `causeway supplies lists {source}`, and confirm it with `causeway supplies confirm "
            f"{source} {file}`"
        )
        self.fingerprint = header.fingerprint


def _batch(rows: ListRows, page: Sequence[Row]) -> Batch:
    received_at, claim = now(), guarded(rows.claim)
    records: list[Record] = []
    unreadable: list[DeadLetter] = []
    for row in page:
        try:
            records.append(claim(row))
        except Unreadable as error:
            raw = raw_of(row, received_at)
            where = f"{row.file} row {row.number}" + (f", {error.where}" if error.where else "")
            unreadable.append(DeadLetter(raw=raw, reason=error.reason, where=where, bug=error.bug))
    return Batch(records=records, unreadable=unreadable, received_at=received_at)


ADAPTER = Definition(
    name="stock_files",
    version="1",
    summary="Tenants' stock lists, CSV and Excel, from a folder or over SFTP: each row a lot.",
    config=FilesConfig,
    factory=StockFiles,
    polls=True,
    confirms=True,
)
