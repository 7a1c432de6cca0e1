"""The journal on both engines: every test that takes `journals` runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.clock import ManualClock
from hub.journal.log import Journal, JournalConfig
from hub.journal.sealing import Keyring, KeyringConfig

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Journals:
    """Opens one and the same journal, as often as a test asks."""

    def __init__(self, config: JournalConfig, keyring: Keyring, clock: ManualClock) -> None:
        self.config = config
        self.keyring = keyring
        self.clock = clock

    @property
    def engine(self) -> str:
        return self.config.url.partition(":")[0]

    @asynccontextmanager
    async def open(self, **changed: Any) -> AsyncIterator[Journal]:
        journal = await Journal.open(replace(self.config, **changed))
        try:
            yield journal
        finally:
            await journal.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def journals(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journals]:
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    yield from _journals(url, tmp_path)


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Journals]:
    yield from _journals("sqlite", tmp_path)


@pytest.fixture
def on_postgres(postgres: Any, tmp_path: Path) -> Iterator[Journals]:
    yield from _journals(postgres.new_database(), tmp_path)


def _journals(url: str, folder: Path) -> Iterator[Journals]:
    clock = ManualClock(START)
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"), clock=clock)
    config = JournalConfig(url=url, folder=folder / "state", keyring=keyring, clock=clock)
    yield Journals(config, keyring, clock)
    keyring.close()
