"""Opening: one hub at a time, epochs, what is on disk, and reading beside a running hub."""

import asyncio
import stat
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.errors import AlreadyRunning, CursorGone, NotFound, Refused, SettingsError
from hub.journal import position, tables
from hub.journal.cursors import FeedCursor
from hub.journal.engine import APPEND_LOCK, open_engines
from hub.journal.lock import StateLock
from hub.journal.log import Journal, JournalConfig
from tests.journal.conftest import Journals
from tests.journal.test_appending import draft, sensor, timer


def test_a_second_hub_on_one_state_folder_is_told_so(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            with pytest.raises(AlreadyRunning, match="already runs"):
                await Journal.open(journals.config)
            await journal.append(draft(events=[timer(0)]))
        async with journals.open() as journal:
            assert len(await journal.stream("timer:r")) == 1

    asyncio.run(main())


def test_a_second_hub_on_one_postgresql_is_told_so(on_postgres: Journals, tmp_path: Path) -> None:
    async def main() -> None:
        async with on_postgres.open():
            with pytest.raises(AlreadyRunning, match="PostgreSQL"):
                async with on_postgres.open(folder=tmp_path / "another"):
                    pass

    asyncio.run(main())


def test_a_lock_that_the_caller_holds_stays_the_caller_s(on_sqlite: Journals) -> None:
    async def main() -> None:
        lock = StateLock.take(on_sqlite.config.folder)
        async with on_sqlite.open(lock=lock):
            pass
        with pytest.raises(AlreadyRunning):
            StateLock.take(on_sqlite.config.folder)
        lock.release()
        StateLock.take(on_sqlite.config.folder).release()

    asyncio.run(main())


def test_nobody_else_can_read_the_state_folder(on_sqlite: Journals) -> None:
    async def main() -> None:
        async with on_sqlite.open() as journal:
            await journal.append(draft(events=[timer(0)]))
            modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in on_sqlite.config.folder.iterdir()}
            assert {"journal.db", "journal.db-wal", "hub.lock"} <= modes.keys()
            assert set(modes.values()) == {0o600}
            assert stat.S_IMODE(on_sqlite.config.folder.stat().st_mode) == 0o700

    asyncio.run(main())


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense"])
def test_an_address_of_another_kind_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match=r"journal\.url"):
        asyncio.run(Journal.open(JournalConfig(url=url, folder=tmp_path)))
    StateLock.take(tmp_path).release()


def test_the_epoch_stays_until_the_log_falls_behind_what_is_remembered(journals: Journals) -> None:
    async def epoch(append: int = 0) -> tuple[str, int]:
        async with journals.open() as journal:
            for _ in range(append):
                await journal.append(draft(events=[timer(len(await journal.stream("timer:r")))]))
            return journal.epoch, journal.head

    first, head = asyncio.run(epoch(append=2))
    assert asyncio.run(epoch(append=1)) == (first, head + 2)
    folder = journals.config.folder
    position.keep(folder, position.Kept(epoch=first, head=head + 100))
    second, _ = asyncio.run(epoch())
    assert second != first
    assert asyncio.run(epoch())[0] == second
    position.keep(folder, position.Kept(epoch="another", head=0))
    assert asyncio.run(epoch())[0] not in {first, second}
    third = asyncio.run(epoch())[0]
    (folder / position.NAME).unlink()
    assert asyncio.run(epoch())[0] == third


def test_a_cursor_of_another_epoch_or_beyond_the_end_is_gone() -> None:
    cursor = FeedCursor(epoch="abc", seq=12)
    assert FeedCursor.decode(cursor.encode()) == cursor
    assert FeedCursor.decode(cursor.encode()).position(epoch="abc", head=12) == 12
    for epoch, head in (("abd", 12), ("abc", 11)):
        with pytest.raises(CursorGone):
            cursor.position(epoch=epoch, head=head)


@pytest.mark.parametrize("text", ["", "x", "é", "YWJj", "YWJjOi0x", "=" * 9, "YWJjOjEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"])
def test_what_is_no_cursor_is_gone(text: str) -> None:
    with pytest.raises(CursorGone):
        FeedCursor.decode(text)


def test_the_migrations_make_the_tables_that_are_declared(journals: Journals) -> None:
    async def make() -> None:
        async with journals.open():
            pass

    asyncio.run(make())
    engines = open_engines(journals.config.url, journals.config.folder, readers=1)
    with engines.write.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        if journals.engine == "sqlite":
            made = connection.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'reading'"))
            assert "WITHOUT ROWID" in str(made)
    engines.dispose()


def test_a_reader_beside_the_hub_sees_what_it_writes_and_writes_nothing(journals: Journals) -> None:
    async def main() -> None:
        with pytest.raises(NotFound):
            await Journal.open(JournalConfig(url=journals.config.url, folder=journals.config.folder, read_only=True))
        async with journals.open() as hub, journals.open(read_only=True) as reader:
            waiting = asyncio.create_task(reader.wait(reader.head, 30))
            await asyncio.sleep(0.3)
            await hub.append(draft(claims=[sensor()], events=[timer(0)]))
            assert await waiting == hub.head == reader.head
            assert await reader.read(0) == await hub.read(0)
            assert reader.epoch == hub.epoch
            with pytest.raises(Refused):
                await reader.append(draft(events=[timer(1)]))

    asyncio.run(main())


def test_who_waits_is_woken_by_the_commit(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            waiting = [asyncio.create_task(journal.wait(0, 30)) for _ in range(3)]
            await asyncio.sleep(0)
            await journal.append(draft(events=[timer(0)]))
            assert [await one for one in waiting] == [journal.head] * 3
            assert await journal.wait(0, 0) == journal.head
            assert await journal.wait(journal.head, 0.01) == journal.head

    asyncio.run(main())


def test_a_slow_transaction_does_not_make_a_reader_skip_a_row(on_postgres: Journals) -> None:
    """Another session has taken a number and not committed: ours waits for it, so readers see them in order."""

    async def main() -> None:
        async with on_postgres.open() as journal:
            await journal.append(draft(events=[timer(0)]))
            with psycopg.connect(on_postgres.config.url) as slow:
                slow.execute("SELECT pg_advisory_xact_lock(%s)", [APPEND_LOCK])
                slow.execute(
                    "INSERT INTO batch SELECT head + 1, 'slow', 0, 0, NULL, '', 1, 0, NULL, NULL, '' FROM meta"
                )
                slow.execute(
                    "INSERT INTO record (seq, batch, kind, type, version, source, external_id, payload)"
                    " SELECT head + 2, head + 1, 'signal', 'slow', 1, 'slow', 'x', %s FROM meta",
                    [b'{"at": null, "values": {}, "evidence": []}'],
                )
                slow.execute("UPDATE meta SET head = head + 2")
                quick = asyncio.create_task(journal.append(draft(events=[timer(1)])))
                seen, after = [], 0
                for _ in range(20):
                    for entry in await journal.read(after):
                        seen.append(entry.seq)
                        after = entry.seq
                    await asyncio.sleep(0.02)
                assert not quick.done() and seen == [2]
                slow.commit()
            await quick
            while after < journal.head:
                for entry in await journal.read(after):
                    seen.append(entry.seq)
                    after = entry.seq
            assert seen == [2, 4, 6]

    asyncio.run(main())
