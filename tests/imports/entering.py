"""A journal in which a park is entered, with what every test of it needs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar
from zoneinfo import ZoneInfo

from adapters.contract import Claim
from hub.coordinates import CoordinateSystem
from hub.ingest.imports.kind import Circumstances
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.preview import Preview, Retirement, preview
from hub.ingest.imports.storing import store
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Appended, HeldClaim
from hub.journal.sealing import Keyring, KeyringConfig

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
T = TypeVar("T")


@contextmanager
def written(file: str | bytes) -> Iterator[Path]:
    with NamedTemporaryFile() as made:
        made.write(file.encode(errors="surrogatepass") if isinstance(file, str) else file)
        made.flush()
        yield Path(made.name)


@dataclass
class Park:
    journal: Journal
    zone: ZoneInfo = SHANGHAI
    coordinates: CoordinateSystem = CoordinateSystem.WGS84
    retirement: Retirement = field(default_factory=Retirement)

    async def look(self, kind: str, file: str | bytes) -> Preview:
        circumstances = Circumstances(timezone=self.zone, now=NOW, coordinates=self.coordinates)
        with written(file) as path:
            return await preview(self.journal, KINDS[kind], path, circumstances, retirement=self.retirement)

    async def enter(self, kind: str, file: str | bytes) -> Preview:
        """What was shown, stored; nothing may be rejected."""
        shown = await self.look(kind, file)
        assert not shown.rejected, shown.rejected
        await self.store(shown)
        return shown

    async def store(self, shown: Preview) -> Appended | None:
        return await store(self.journal, shown, file="a file", actor="tester", now=NOW)

    async def claims(self, *kinds: str) -> Mapping[str, Claim]:
        """The hub's live claims, personal values in clear."""
        held: list[HeldClaim] = list(await self.journal.unseal(await self.journal.live_of(kinds)))
        return {each.claim.external_id: each.claim for each in held if each.source == HUB}


@asynccontextmanager
async def park(folder: Path) -> AsyncIterator[Park]:
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    journal = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", keyring=keyring))
    try:
        yield Park(journal)
    finally:
        await journal.close()
        keyring.close()


def in_park(folder: Path, work: Callable[[Park], Coroutine[None, None, T]]) -> T:
    async def run() -> T:
        async with park(folder) as entered:
            return await work(entered)

    return asyncio.run(run())


def names(shown: Preview) -> tuple[list[str], list[str], list[str], list[int]]:
    return (
        [row.code for row in shown.new],
        [row.code for row in shown.changed],
        [row.code for row in shown.unchanged],
        [row.number for row in shown.rejected],
    )
