"""A backup taken while the hub runs can be put in place of the journal, and nobody forgotten comes back with it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from adapters.contract import Claim
from hub.clock import now, to_micros
from hub.errors import AlreadyRunning, BadRequest, CursorGone, JournalCorrupt, Refused, SettingsError
from hub.journal import backup
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Draft, ReadingRow
from hub.journal.sealing import Keyring, KeyringConfig

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres

START = datetime(2026, 3, 1, tzinfo=UTC)
T = TypeVar("T")
Park = tuple[JournalConfig, KeyringConfig]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_park(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Park]:
    """A park's journal and key store, empty; all parks have one park key."""

    def make(name: str) -> Park:
        state = tmp_path / name
        state.mkdir(mode=0o700)
        url, store = "sqlite", state / "keys.db"
        if request.param == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            url = postgres.new_database()
        keys = KeyringConfig(store=store, park_key=tmp_path / "park.key", state=state)
        return JournalConfig(url=url, folder=state), keys

    return make


def with_journal(park: Park, work: Callable[[Journal, Keyring], Awaitable[T]]) -> T:
    config, keys = park

    async def run() -> T:
        keyring = Keyring.open(keys)
        try:
            journal = await Journal.open(replace(config, keyring=keyring))
            try:
                return await work(journal, keyring)
            finally:
                await journal.close()
        finally:
            keyring.close()

    return asyncio.run(run())


def person(external_id: str, name: str) -> Claim:
    return Claim(kind="Person", external_id=external_id, values={"name": name, "phone": "13800000000"})


async def names(journal: Journal) -> list[object]:
    living = list(await journal.resolve(await journal.entities("", 1000)))
    held = [claim for claims in (await journal.claims_of(living)).values() for claim in claims]
    return sorted(str(each.claim.values["name"]) for each in await journal.unseal(held))


async def fill(journal: Journal, start: int, count: int) -> int:
    [series] = await journal.series("plc", [("s1", "temperature", "Cel")])
    seq = 0
    for number in range(start, start + count):
        rows = [ReadingRow(series.id, to_micros(START) + 1000 * number + i, 20.0 + i, 0, None) for i in range(20)]
        claims = [person(f"p{number}", f"Person {number}")] if number % 10 == 0 else []
        seq = (await journal.append(Draft(source="plc", received_at=now(), claims=claims, readings=rows))).seq
    return seq


async def taken(config: JournalConfig, folder: Path) -> Mapping[str, Any]:
    lines = [line async for line in backup.backup(config, folder)]
    assert any("progress" in line for line in lines[:-1])
    result: Mapping[str, Any] = lines[-1]["result"]  # type: ignore[assignment]
    return result


def test_a_backup_under_load_is_one_moment_of_the_log(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    park = new_park("var")

    async def work(journal: Journal, keyring: Keyring) -> tuple[Mapping[str, Any], int, int, str]:
        before = await fill(journal, 0, 40)
        writing = asyncio.create_task(fill(journal, 1000, 400))
        await asyncio.sleep(0)
        result = await taken(park[0], tmp_path / "copy")
        written = journal.head
        await writing
        return result, before, written, FeedCursor(epoch=journal.epoch, seq=before).encode()

    result, before, written, cursor = with_journal(park, work)
    assert before <= result["head"] <= written

    other = new_park("other")
    summary = backup.restore(tmp_path / "copy", *other)
    assert summary["head"] == result["head"]
    assert summary["epoch"] != result["epoch"]

    async def look(journal: Journal, _: Keyring) -> None:
        assert journal.head == result["head"] and journal.epoch == summary["epoch"]
        with pytest.raises(CursorGone):
            FeedCursor.decode(cursor).position(epoch=journal.epoch, head=journal.head)
        assert await fill(journal, 5000, 3) > result["head"]

    with_journal(other, look)
    assert backup.back_up(other[0], tmp_path / "again").head > result["head"]  # the chain goes on and holds


def test_a_person_forgotten_after_the_backup_stays_forgotten(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    config, keys = park = new_park("var")

    async def work(journal: Journal, keyring: Keyring) -> None:
        claims = [person("li", "李雷"), person("han", "韩梅梅")]
        await journal.append(Draft(source="hr", received_at=now(), claims=claims))
        assert await names(journal) == ["李雷", "韩梅梅"]
        await taken(config, tmp_path / "copy")
        backup.backup_keys(keys, tmp_path / "keys-before.db")
        keyring.forget("hr", "li")

    with_journal(park, work)
    backup.restore(tmp_path / "copy", *park, force=True, key_copies=[tmp_path / "keys-before.db"])

    async def look(journal: Journal, _: Keyring) -> None:
        assert await names(journal) == ["None", "韩梅梅"]

    with_journal(park, look)


def test_a_fresh_machine_takes_the_newest_of_the_key_copies(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    config, keys = park = new_park("var")
    copies = [tmp_path / "first.db", tmp_path / "second.db"]

    async def work(journal: Journal, keyring: Keyring) -> None:
        await journal.append(Draft(source="hr", received_at=now(), claims=[person("li", "李雷")]))
        backup.backup_keys(keys, copies[0])
        await journal.append(Draft(source="hr", received_at=now(), claims=[person("han", "韩梅梅")]))
        keyring.forget("hr", "li")
        backup.backup_keys(keys, copies[1])
        await taken(config, tmp_path / "copy")

    with_journal(park, work)

    async def look(journal: Journal, _: Keyring) -> list[object]:
        return await names(journal)

    for number, order in enumerate((copies, copies[::-1])):
        fresh = new_park(f"fresh{number}")
        backup.restore(tmp_path / "copy", *fresh, key_copies=order)
        assert with_journal(fresh, look) == ["None", "韩梅梅"]
    without = new_park("without")
    assert "stay unreadable" in str(backup.restore(tmp_path / "copy", *without)["keys"])
    assert with_journal(without, look) == ["None", "None"]


def test_no_key_and_no_personal_value_is_in_a_backup(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    config, _ = park = new_park("var")

    async def work(journal: Journal, _: Keyring) -> None:
        await journal.append(Draft(source="hr", received_at=now(), claims=[person("li", "Zhang San-Feng")]))
        await taken(config, tmp_path / "copy")

    with_journal(park, work)
    files = sorted(path.name for path in (tmp_path / "copy").iterdir())
    assert files == ["journal.db" if config.url == "sqlite" else "journal.dump", "manifest.json"]
    assert not any(b"Zhang San-Feng" in path.read_bytes() for path in (tmp_path / "copy").iterdir())


def test_a_journal_that_is_there_is_not_replaced_unasked(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    config, keys = park = new_park("var")

    async def work(journal: Journal, _: Keyring) -> None:
        await fill(journal, 0, 3)
        await taken(config, tmp_path / "copy")
        with pytest.raises(AlreadyRunning):
            await asyncio.to_thread(backup.restore, tmp_path / "copy", config, keys, force=True)
        await fill(journal, 100, 3)

    with_journal(park, work)
    with pytest.raises(Refused, match="--force"):
        backup.restore(tmp_path / "copy", *park)
    summary = backup.restore(tmp_path / "copy", *park, force=True)
    if config.url == "sqlite":
        with closing(sqlite3.connect(str(summary["set_aside"]))) as aside:
            assert aside.execute("SELECT head FROM meta").fetchone()[0] > summary["head"]  # type: ignore[operator]

    async def look(journal: Journal, _: Keyring) -> None:
        assert (journal.head, journal.epoch) == (summary["head"], summary["epoch"])

    with_journal(park, look)


def test_a_damaged_backup_is_refused_and_the_journal_stays(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    config, _ = park = new_park("var")

    async def work(journal: Journal, _: Keyring) -> int:
        await fill(journal, 0, 3)
        await taken(config, tmp_path / "copy")
        return journal.head

    head = with_journal(park, work)
    file = next(path for path in (tmp_path / "copy").iterdir() if path.name.startswith("journal"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(JournalCorrupt, match="not the file that the backup wrote"):
        backup.restore(tmp_path / "copy", *park, force=True)
    (tmp_path / "copy" / "manifest.json").unlink()
    with pytest.raises(BadRequest, match="no finished backup"):
        backup.restore(tmp_path / "copy", *park, force=True)

    async def look(journal: Journal, _: Keyring) -> int:
        return journal.head

    assert with_journal(park, look) == head


def test_a_changed_log_is_noticed_before_anything_is_replaced(tmp_path: Path) -> None:
    state = tmp_path / "var"
    state.mkdir()
    keys = KeyringConfig(store=state / "keys.db", park_key=tmp_path / "park.key", state=state)
    config = JournalConfig(url="sqlite", folder=state)

    async def work(journal: Journal, _: Keyring) -> None:
        await fill(journal, 0, 3)

    with_journal((config, keys), work)
    with closing(sqlite3.connect(state / "journal.db")) as database, database:
        database.execute("UPDATE reading SET value = 99 WHERE value = 20")
    with pytest.raises(JournalCorrupt, match="readings of it were changed"):
        backup.back_up(config, tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


def test_a_backup_goes_to_an_empty_folder_alone(new_park: Callable[[str], Park], tmp_path: Path) -> None:
    park = new_park("var")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(BadRequest, match="is not empty"):
        backup.back_up(park[0], tmp_path / "full")
    assert (tmp_path / "full" / "mine.txt").exists()


def test_a_backup_of_the_other_engine_says_so(tmp_path: Path) -> None:
    state = tmp_path / "var"
    state.mkdir()
    keys = KeyringConfig(store=state / "keys.db", park_key=tmp_path / "park.key", state=state)
    config = JournalConfig(url="sqlite", folder=state)

    async def work(journal: Journal, _: Keyring) -> None:
        await taken(config, tmp_path / "copy")

    with_journal((config, keys), work)
    with pytest.raises(BadRequest, match="a journal on sqlite and"):
        backup.restore(tmp_path / "copy", replace(config, url="postgresql://localhost/none"), keys)


def test_a_server_that_cannot_be_dumped_says_why(tmp_path: Path) -> None:
    config = JournalConfig(url="postgresql://nobody@127.0.0.1:1/none", folder=tmp_path)
    with pytest.raises(SettingsError, match="cannot connect"):
        backup.back_up(config, tmp_path / "copy")
