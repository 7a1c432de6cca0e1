"""A tenant's stock over real databases: what is read, what is lost by nobody, and what is said when it fails."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest
from pydantic import ValidationError

from adapters.contract import (
    Batch,
    Claim,
    CredentialsRefused,
    Raw,
    Record,
    Source,
    SourceError,
    Unreachable,
    Unreadable,
)
from adapters.counterpart import Traits
from adapters.inventory.sql import ADAPTER, SqlInventory
from adapters.inventory.sql_config import SqlConfig
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters import stock_tables as tables
from tests.adapters.stock_tables import Database, execute, insert, row
from tests.servers.mariadb import PASSWORD, MariaDb
from tests.servers.postgres import Postgres

DIALECTS = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    makers = tables.makers(
        lambda: request.getfixturevalue("postgres"),
        lambda: request.getfixturevalue("mariadb"),
    )
    return makers[request.param](tmp_path / "tenant")


@pytest.fixture(params=DIALECTS[1:])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> tables.Behind:
    """A database behind a network."""
    makers = tables.makers(
        lambda: request.getfixturevalue("postgres"),
        lambda: request.getfixturevalue("mariadb"),
    )
    made = makers[request.param](tmp_path / "tenant")
    assert isinstance(made, tables.Behind)
    return made


def settings(database: Database, **changes: object) -> dict[str, object]:
    columns = {"columns": dict(tables.COLUMNS), "query": tables.QUERY, "id": "id", "updated_at": "updated_at"}
    return {**database.config(), **columns, "timeout_seconds": 5.0, "page_rows": 2, **changes}


def stock(database: Database, *, organization: str | None = None, **changes: object) -> SqlInventory:
    config = SqlConfig.model_validate(settings(database, **changes))
    adapter = ADAPTER.factory(Source(id="tenant", organization=organization), config)
    assert isinstance(adapter, SqlInventory)
    return adapter


async def polled(adapter: SqlInventory, cursor: str | None = None) -> list[Batch]:
    return [batch async for batch in adapter.read(cursor)]


def lots(batches: Sequence[Batch]) -> dict[str, Claim]:
    claims = [record for batch in batches for record in batch.records]
    return {claim.external_id: claim for claim in claims if isinstance(claim, Claim)}


def once(adapter: SqlInventory, cursor: str | None = None) -> list[Batch]:
    async def run() -> list[Batch]:
        async with adapter:
            return await polled(adapter, cursor)

    return asyncio.run(run())


class _Tenant:
    """A stock table for the contract; every row of one time."""

    traits: ClassVar[Traits] = Traits(credentials=True, cursors=True, bound=1000, patience=12.0)
    dialect: ClassVar[str]
    servers: ClassVar[dict[str, Any]] = {}

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database: Database | None = None
        self._made: list[Sequence[object]] = []
        self._count = 0

    @property
    def database(self) -> Database:
        assert self._database is not None
        return self._database

    def start(self) -> None:
        makers = tables.makers(lambda: self.servers["postgresql"], lambda: self.servers["mariadb"])
        self._database = makers[self.dialect](self._folder / "tenant")

    def stop(self) -> None:
        """The server is the session's."""

    def pause(self) -> None:
        self.database.away()

    def resume(self) -> None:
        self.database.back()

    def config(self) -> Mapping[str, object]:
        return settings(self.database)

    def refused_config(self) -> Mapping[str, object]:
        secret = self._folder / "wrong"
        secret.write_text("not the password")
        return {**settings(self.database), "password": {"file": str(secret)}}

    def produce(self, n: int) -> Sequence[Record]:
        self._made = [row(self._count + i, qty=str(self._count + i)) for i in range(1, n + 1)]
        self._count += n
        insert(self.database, *self._made)
        adapter = stock(self.database)
        return [record for raw in self.payloads() for record in adapter.decode(raw)]

    def spoil(self) -> None:
        self._count += 1
        insert(self.database, row(self._count, qty="a few"))

    def payloads(self) -> Sequence[Raw]:
        names = ("id", "name", "qty", "unit", "batch", "expires", "place", "terms", "updated_at")
        rows = [dict(zip(names, made, strict=True)) for made in self._made]
        return [Raw(key=f"row/{one['id']}", received_at=now(), data=orjson.dumps(one)) for one in rows]


class SqliteTenant(_Tenant):
    dialect = "sqlite"
    traits = Traits(cursors=True, bound=1000, patience=12.0)


class PostgresTenant(_Tenant):
    dialect = "postgresql"


class MariaDbTenant(_Tenant):
    dialect = "mariadb"


@pytest.fixture(autouse=True, scope="module")
def _servers(postgres: Postgres, mariadb: MariaDb) -> Iterator[None]:
    _Tenant.servers.update(postgresql=postgres, mariadb=mariadb)
    yield
    _Tenant.servers.clear()


for _kind in (SqliteTenant, PostgresTenant, MariaDbTenant):
    globals().update(
        {f"{name}_{_kind.dialect}": test for name, test in contract_tests(ADAPTER, _kind).items()}  # by its database
    )


def test_a_row_becomes_a_lot(database: Database) -> None:
    insert(database, row(7, "4kg 干粉灭火器", "1,200", unit="具", terms="协议"))
    changed = dict(tables.COLUMNS) | {
        "agreed_quantity": {"value": 200},
        "place": {"column": "place", "words": {"w1": "B2"}},
    }
    (lot,) = lots(once(stock(database, organization="acme", columns=changed))).values()
    assert lot.external_id == "7"
    assert {name: str(value) for name, value in lot.values.items()} == {
        "name": "4kg 干粉灭火器",
        "quantity": "1200.0",
        "unit": "{device}",
        "lot_number": "L7",
        "expires_at": "2027-05-02 00:00:00",  # good to the end of the day
        "sharing": "AGREED",
        "agreed_quantity": "200.0",
    }
    assert {(link.relation, link.target, link.source) for link in lot.links} == {
        ("STORED_IN", "B2", "hub"),
        ("OWNED_BY", "organization:acme", "hub"),
    }
    assert str(lot.observed_at).startswith(tables.STAMP)


def test_a_row_that_commits_late_is_read(database: Database) -> None:
    """Its time of change lies behind a row that was read and committed before it."""

    async def run() -> None:
        async with stock(database) as adapter:
            insert(database, row(1))
            cursor = (await polled(adapter))[-1].cursor
            late = database.connect()
            if late.__class__.__module__ != "sqlite3":  # of which one at a time writes
                insert(database, row(2, updated_at="2026-05-01 10:00:10"), connection=late)
            insert(database, row(3, updated_at="2026-05-01 10:00:20"))
            batches = await polled(adapter, cursor)
            assert "3" in lots(batches) and "2" not in lots(batches)
            if late.__class__.__module__ == "sqlite3":
                insert(database, row(2, updated_at="2026-05-01 10:00:10"), connection=late)
            late.commit()
            late.close()
            assert "2" in lots(await polled(adapter, batches[-1].cursor))

    asyncio.run(run())


def test_a_change_is_read_and_what_is_older_is_not(database: Database) -> None:
    insert(database, *(row(i, updated_at=f"2026-05-01 1{i}:00:00") for i in range(5)))

    async def run() -> None:
        async with stock(database) as adapter:
            first = await polled(adapter)
            assert set(lots(first)) == set("01234")
            execute(database, "UPDATE stock SET qty = '3', updated_at = '2026-05-01 14:30:00' WHERE id = 1")
            after = lots(await polled(adapter, first[-1].cursor))
            assert set(after) == {"1", "4"}
            assert after["1"].values["quantity"] == 3.0

    asyncio.run(run())


def test_a_table_without_a_time_of_change_is_read_whole(database: Database) -> None:
    insert(database, *(row(i) for i in range(5)))
    batches = once(stock(database, updated_at=None))
    assert set(lots(batches)) == set("01234")
    assert [batch.cursor for batch in batches] == [None, None, None]


def test_a_stamp_in_the_future_hides_no_change(database: Database) -> None:
    insert(database, row(1), row(2, updated_at="2199-01-01 00:00:00"))
    first = once(stock(database))
    assert any("in the future" in fault.reason for batch in first for fault in batch.faults)
    insert(database, row(3, updated_at="2026-05-01 11:00:00"))
    assert "3" in lots(once(stock(database), first[-1].cursor))


def test_an_unreadable_row_says_why_and_is_not_taken_for_gone(database: Database) -> None:
    insert(database, row(1, qty="12-15箱"), row(2, unit="堆头"), row(3, name="", qty="1"), row(4, terms="OWN"), row(5))

    async def run() -> None:
        async with stock(database, organization="acme") as adapter:
            letters = {letter.raw.key: letter for batch in await polled(adapter) for letter in batch.unreadable}
            assert letters["row/1"].where == "qty" and "no single number" in letters["row/1"].reason
            assert "堆头" in letters["row/2"].reason and letters["row/2"].where == "unit"
            assert letters["row/3"].where == "name" and "say what it is" in letters["row/3"].reason
            assert "only the park operator's stock is OWN" in letters["row/4"].reason
            named = [claim async for claim in adapter.discover()]
        assert {claim.external_id: claim.named_only for claim in named} == dict.fromkeys("1234", True) | {"5": False}

    asyncio.run(run())


@pytest.mark.parametrize("named", [True, False])
def test_a_column_that_is_gone_is_named(database: Database, named: bool) -> None:
    insert(database, row(1))
    execute(database, "ALTER TABLE stock RENAME COLUMN qty TO quantity_on_hand")
    query = "SELECT id, name, qty, unit, batch, expires, place, terms, updated_at FROM stock" if named else tables.QUERY
    adapter = stock(database, query=query)
    for ask in (adapter.check, lambda: polled(adapter)):
        with pytest.raises(SourceError, match=r"a column that is read is not there.*qty.*`query` or `columns`"):
            asyncio.run(_entered(adapter, ask))


async def _entered(adapter: SqlInventory, ask: Callable[[], Any]) -> Any:
    async with adapter:
        return await ask()


def test_a_password_that_was_rotated_is_asked_for_and_read_anew(server: tables.Behind) -> None:
    server.secret.write_text("the old one")
    with pytest.raises(CredentialsRefused, match="put the new one where the source's `password` points") as refused:
        once(stock(server))
    assert PASSWORD not in str(refused.value) and "the old one" not in str(refused.value)
    server.secret.write_text(PASSWORD)
    once(stock(server))


def test_a_server_that_is_away_is_told_and_comes_back(database: Database) -> None:
    insert(database, row(1))
    database.away()
    with pytest.raises(Unreachable, match=r"does not answer.*Is the database running"):
        once(stock(database))
    database.back()
    assert set(lots(once(stock(database)))) == {"1"}


def test_a_server_that_hangs_does_not_hang_the_hub(server: tables.Behind) -> None:
    insert(server, row(1))
    gate = server.gate

    async def run() -> float:
        async with stock(server, timeout_seconds=0.5) as adapter:
            await polled(adapter)
            gate.hang()
            began = time.monotonic()
            with pytest.raises(SourceError):
                await polled(adapter)
            return time.monotonic() - began

    began = time.monotonic()
    assert asyncio.run(run()) < 6.0
    assert time.monotonic() - began < 12.0, "closing waits for a server that does not answer"


SLOW = {
    "postgresql": "SELECT stock.*, pg_sleep(30) AS nap FROM stock",
    "mysql": "SELECT stock.*, SLEEP(30) AS nap FROM stock",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) "
    "SELECT stock.* FROM stock WHERE (SELECT max(i) FROM n) > 0",
}


def test_a_query_that_takes_too_long_is_ended(database: Database) -> None:
    insert(database, row(1))
    query = SLOW[str(database.config()["url"]).partition(":")[0]]
    columns = dict(tables.COLUMNS) | ({} if "nap" not in query else {"lot_number": "nap"})
    began = time.monotonic()
    with pytest.raises(SourceError, match="did not end in its time"):
        once(stock(database, query=query, columns=columns, timeout_seconds=0.5))
    assert time.monotonic() - began < 5.0


def test_a_query_cannot_write(database: Database) -> None:
    insert(database, row(1))
    if str(database.config()["url"]).startswith("postgresql"):
        execute(database, "GRANT ALL ON stock TO causeway")
        query = "WITH gone AS (DELETE FROM stock RETURNING *) SELECT * FROM gone"
        with pytest.raises(SourceError):
            once(stock(database, query=query))
    else:
        with pytest.raises(ValidationError, match="begins with SELECT"):
            stock(database, query="DELETE FROM stock")
    with pytest.raises(ValidationError, match="one statement"):
        stock(database, query="SELECT 1; DELETE FROM stock")
    assert set(lots(once(stock(database)))) == {"1"}


@pytest.mark.parametrize("stamp", ["INTEGER", "BIGINT", "DATE", "DECIMAL(20,3)"])
def test_other_times_of_change(database: Database, stamp: str) -> None:
    """Seconds, milliseconds, a day, a number with decimals; ids are text, beside."""
    execute(
        database,
        "DROP TABLE stock",
        f"CREATE TABLE stock (id VARCHAR(40) PRIMARY KEY, name VARCHAR(40), qty DECIMAL(12, 2), updated_at {stamp})",
        *(["GRANT SELECT ON stock TO causeway"] if str(database.config()["url"]).startswith("postgresql") else []),
    )
    first, second = {
        "INTEGER": ("1777600000", "1777600030"),
        "BIGINT": ("1777600000000", "1777600030000"),
        "DATE": ("'2026-05-01'", "'2026-05-01'"),
        "DECIMAL(20,3)": ("1777600000.5", "1777600030.25"),
    }[stamp]
    execute(database, *(f"INSERT INTO stock VALUES ('a{i}', 'rope', 12.5, {second})" for i in range(3)))
    changes: dict[str, Any] = {"columns": {"name": "name", "quantity": "qty"}}
    batches = once(stock(database, **changes))
    assert {lot.values["quantity"] for lot in lots(batches).values()} == {12.5}
    execute(database, f"INSERT INTO stock VALUES ('late', 'rope', 1, {first})")
    assert "late" in lots(once(stock(database, **changes), batches[-1].cursor))


def test_settings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    whole = {"query": "SELECT 1", "id": "id", "columns": {"name": "a", "quantity": "b"}}
    for wrong, says in (
        ({"url": "postgresql://li:secret@db/x"}, "never holds the password"),
        ({"url": "no url"}, "no database URL"),
        ({"url": "postgresql://li@db/x", "password": "secret"}, "a secret is never written here"),
        ({"url": "postgresql://db/x", "password": {"env": "X"}}, "needs a user"),
        ({"url": "sqlite:///x.db", "columns": {"name": {}, "quantity": "b"}}, "name a column, or give a value"),
    ):
        with pytest.raises(ValidationError, match=says):
            SqlConfig.model_validate(whole | wrong)
    config = SqlConfig.model_validate(whole | {"url": "sqlite:///stock.db"}, context={"folder": tmp_path})
    assert config.url == f"sqlite:///{tmp_path}/stock.db"


def test_a_driver_that_is_not_installed_is_named() -> None:
    config = {"url": "oracle+oracledb://li@db/x", "query": "SELECT 1 FROM dual", "id": "i"}
    adapter = ADAPTER.factory(
        Source(id="t"), SqlConfig.model_validate({**config, "columns": {"name": "a", "quantity": "b"}})
    )
    with pytest.raises(SourceError, match=r"driver for oracle.*is not installed"):
        asyncio.run(_entered(adapter, adapter.check))  # type: ignore[arg-type]


def test_what_is_no_row_is_unreadable() -> None:
    config = {"url": "sqlite:///x.db", "query": "SELECT 1", "id": "id", "columns": {"name": "a", "quantity": "b"}}
    adapter = ADAPTER.factory(Source(id="t"), SqlConfig.model_validate(config))
    for data in (
        b"[]",
        b"{}",
        b'{"id": {}}',
        b'{"id": 1, "a": [1], "b": 2}',
        b"[" * 100_000,
        b'{"id":1,"a":"x","b":1e999}',
    ):
        with pytest.raises(Unreadable):
            adapter.decode(Raw(key="row/1", received_at=now(), data=data))
