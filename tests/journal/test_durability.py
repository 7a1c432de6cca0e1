"""What was acknowledged stays: through kill -9, a full disk, a server that restarts; and it was on disk before."""

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from hub.errors import StorageFull
from hub.journal.engine import storage_problem
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import ReadingsEntry
from tests.journal.conftest import Journals
from tests.journal.test_appending import draft, sensor, timer

ROOT = Path(__file__).parents[2]
APPENDER = ROOT / "tests" / "journal" / "appender.py"


def _command(url: str, folder: Path, sources: int) -> list[str]:
    return [sys.executable, str(APPENDER), url, str(folder), str(sources)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _appended_until_killed(url: str, folder: Path, lines: int) -> dict[str, int]:
    """The greatest number that each source was acknowledged, by a process that was killed after so many lines."""
    with subprocess.Popen(_command(url, folder, 4), stdout=subprocess.PIPE, env=_environment()) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    acknowledged: dict[str, int] = {}
    for line in said:
        if found := re.fullmatch(rb"ack (\S+) (\d+)\n", line):
            acknowledged[found[1].decode()] = int(found[2])
    return acknowledged


def test_a_killed_hub_keeps_all_that_it_acknowledged(journals: Journals) -> None:
    url, folder = journals.config.url, journals.config.folder

    async def look(acknowledged: dict[str, int]) -> None:
        journal = await Journal.open(JournalConfig(url=url, folder=folder))
        assert await journal.verify_chain() > 0
        entries, after = [], 0
        while page := await journal.read(after):
            entries += page
            after = page[-1].seq
        assert after == journal.head
        for source, number in acknowledged.items():
            events = [e.stream_version for e in await journal.stream(f"timer:{source}")]
            assert events == list(range(1, len(events) + 1)) and len(events) >= number + 1
            values = [
                row.value for e in entries if isinstance(e, ReadingsEntry) if e.source == source for row in e.rows
            ]
            assert values == [float(n) for n in range(len(events))]
            assert await journal.cursor(source) == str(len(events) - 1)
        await journal.close()

    chance = random.Random(7)
    for _ in range(2):
        acknowledged = _appended_until_killed(url, folder, chance.randint(20, 200))
        assert len(acknowledged) == 4
        asyncio.run(look(acknowledged))


def test_each_acknowledgement_comes_after_the_disk_has_it(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: `apt-get install strace`")
    trace = tmp_path / "trace"
    watched = [strace, "-f", "-y", "-qq", "-e", "trace=fdatasync,fsync,write", "-o", str(trace)]
    command = watched + _command("sqlite", tmp_path / "state", 1)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment()) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(30)]
        appender = int(trace.read_text().split(maxsplit=1)[0])
        os.kill(appender, 9)
    assert all(line.startswith(b"ack ") for line in said)
    synced, acknowledged = False, 0
    for line in trace.read_text(errors="replace").splitlines():
        if re.search(r"\bf(data)?sync\(\d+<[^>]*/journal\.db-wal>\)\s*=\s*0", line) or (
            re.search(r"<\.\.\. f(data)?sync resumed>\)\s*=\s*0", line)
        ):
            synced = True
        elif re.search(r'\bwrite\(1<[^>]*>, "ack ', line):
            acknowledged += 1
            assert synced, f"acknowledged before it was on disk: {line}"
            synced = False
    assert acknowledged >= 30


def test_a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_space(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            await journal.append(draft(events=[timer(0)]))
            head = journal.head
            await _fill_disk(journals, journal)
            outcomes = await asyncio.gather(
                *(journal.append(draft(claims=[sensor(f"s{n}", values={"name": "x" * 5000})])) for n in range(40)),
                return_exceptions=True,
            )
            refused = [o for o in outcomes if isinstance(o, StorageFull)]
            stored = len(outcomes) - len(refused)
            assert refused, outcomes[:2]
            assert all(isinstance(o, StorageFull) or not isinstance(o, Exception) for o in outcomes)
            assert journal.head == head + 2 * stored
            assert len(await journal.live_claims("cabinets")) == stored
            await _free_disk(journals)
            await journal.append(draft(claims=[sensor("afterwards")], events=[timer(1)]))
            assert "afterwards" in await journal.live_claims("cabinets")
            assert await journal.verify_chain() == stored + 2

    asyncio.run(main())


async def _fill_disk(journals: Journals, journal: Journal) -> None:
    if journals.engine == "sqlite":

        def limit(_matches: object, connection: object, _at: object) -> list[object]:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()  # type: ignore[attr-defined]
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 8}").scalar()  # type: ignore[attr-defined]
            return []

        await journal.decide(limit)  # type: ignore[arg-type]
        return
    with psycopg.connect(journals.config.url) as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON batch EXECUTE FUNCTION full_disk()")


async def _free_disk(journals: Journals) -> None:
    if journals.engine == "postgresql":  # SQLite's limit was its connection's, which is made anew
        with psycopg.connect(journals.config.url) as connection:
            connection.execute("DROP TRIGGER full_disk ON batch")


def test_a_server_that_ended_our_connections_is_found_again(on_postgres: Journals) -> None:
    async def main() -> None:
        async with on_postgres.open() as journal:
            await journal.append(draft(events=[timer(0)]))
            with psycopg.connect(on_postgres.config.url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with pytest.raises(StorageFull, match="database is away: PostgreSQL does not answer"):
                await journal.append(draft(events=[timer(1)]))
            await journal.append(draft(events=[timer(1)]))
            assert len(await journal.stream("timer:r")) == 2
            assert await journal.verify_chain() == 2

    asyncio.run(main())


@pytest.mark.parametrize(
    ("sqlstate", "told"),
    [
        ("53100", "no space left"),
        ("53300", "connections"),
        ("25006", "the primary"),
        ("28P01", "journal.password"),
        ("57P01", "database is away"),
    ],
)
def test_what_ails_the_server_is_said_as_it_is(on_postgres: Journals, sqlstate: str, told: str) -> None:
    async def main() -> None:
        async with on_postgres.open() as journal:
            with psycopg.connect(on_postgres.config.url) as connection:
                connection.execute(
                    "CREATE FUNCTION ails() RETURNS trigger LANGUAGE plpgsql AS"
                    f" $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END$$"
                )
                connection.execute("CREATE TRIGGER ails BEFORE INSERT ON batch EXECUTE FUNCTION ails()")
            with pytest.raises(StorageFull, match=told):
                await journal.append(draft(events=[timer(0)]))
            assert journal.failing is not None and told in journal.failing

    asyncio.run(main())


def test_a_password_that_the_server_refuses_is_not_called_a_full_disk() -> None:
    refused = psycopg.OperationalError('FATAL:  password authentication failed for user "hub"')
    problem = storage_problem(sa.exc.OperationalError("", {}, refused))
    assert problem is not None and "journal.password" in problem.message
