"""Tenants' stock tables in the three real databases that the SQL adapter is tried against."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymysql

from tests.servers.gate import Gate
from tests.servers.mariadb import PASSWORD, MariaDb
from tests.servers.postgres import Postgres

TABLE = (
    "CREATE TABLE stock (id {id} PRIMARY KEY, name VARCHAR(200), qty VARCHAR(40), unit VARCHAR(20), batch VARCHAR(40), "
    "expires {date}, place VARCHAR(40), terms VARCHAR(20), updated_at {time})"
)
QUERY = "SELECT * FROM stock WHERE name NOT LIKE '%:hidden:%'"
COLUMNS: Mapping[str, object] = {
    **{"name": "name", "quantity": "qty", "unit": "unit", "lot_number": "batch", "expires_at": "expires"},
    **{"place": "place", "sharing": "terms"},
}
INSERT = (
    "INSERT INTO stock (id, name, qty, unit, batch, expires, place, terms, updated_at) "
    "VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0})"
)
STAMP = "2026-05-01 10:00:00"
_numbers = count(1)


class Database(Protocol):
    """One tenant's database: `connect` gives the driver's own connection, `config` the adapter's settings."""

    mark: str  # of a parameter

    def connect(self) -> Any: ...
    def config(self) -> dict[str, object]: ...
    def away(self) -> None: ...
    def back(self) -> None: ...


class _Sqlite:
    mark = "?"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / f"stock{next(_numbers)}.db"
        execute(self, TABLE.format(id="INTEGER", date="TEXT", time="TEXT"))

    def connect(self) -> Any:
        return sqlite3.connect(self._file)

    def config(self) -> dict[str, object]:
        return {"url": f"sqlite:///{self._file}"}

    def away(self) -> None:
        self._file.rename(self._file.with_suffix(".away"))

    def back(self) -> None:
        self._file.with_suffix(".away").rename(self._file)


class Behind:
    """A server's database behind a door of its own."""

    mark = "%s"

    def __init__(self, gate: Gate, scheme: str, database: str, secret: Path) -> None:
        self.gate = gate
        self.secret = secret
        self.database = database
        self.scheme = scheme
        secret.write_text(PASSWORD)

    def config(self) -> dict[str, object]:
        url = f"{self.scheme}://{MariaDb.user}@127.0.0.1:{self.gate.port}/{self.database}"
        return {"url": url, "password": {"file": str(self.secret)}}

    def away(self) -> None:
        self.gate.shut()

    def back(self) -> None:
        self.gate.open()


class _MariaDb(Behind):
    def __init__(self, server: MariaDb, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.server = server
        super().__init__(Gate.before(server.port), "mysql", server.new_database(), folder / "secret")
        execute(self, TABLE.format(id="BIGINT", date="DATE", time="DATETIME(6)"))

    def connect(self) -> Any:
        port, name = self.server.port, self.database
        return pymysql.connect(host="127.0.0.1", port=port, user=MariaDb.user, password=PASSWORD, database=name)


class _Postgres(Behind):
    def __init__(self, server: Postgres, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.url = server.new_database()
        super().__init__(Gate.before(server.port), "postgresql", self.url.rpartition("/")[2], folder / "secret")
        _ask_for_passwords(server)
        execute(self, TABLE.format(id="BIGINT", date="DATE", time="TIMESTAMP"))
        execute(self, f"GRANT SELECT ON stock TO {MariaDb.user}")

    def connect(self) -> Any:
        return psycopg.connect(self.url)


def _ask_for_passwords(server: Postgres) -> None:
    """The tests' server trusts everyone; a tenant's does not."""
    rule = f"host all {MariaDb.user} 127.0.0.1/32 scram-sha-256\n"
    file = server.folder / "db" / "pg_hba.conf"
    if rule in file.read_text():
        return
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {MariaDb.user} LOGIN PASSWORD '{PASSWORD}'".encode())
        file.write_text(rule + file.read_text())
        connection.execute("SELECT pg_reload_conf()")


Maker = Callable[[Path], Database]


def makers(postgres: Callable[[], Postgres], mariadb: Callable[[], MariaDb]) -> Mapping[str, Maker]:
    return {
        "sqlite": _Sqlite,
        "postgresql": lambda folder: _Postgres(postgres(), folder),
        "mariadb": lambda folder: _MariaDb(mariadb(), folder),
    }


def execute(database: Database, *statements: str) -> None:
    connection = database.connect()
    try:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        connection.commit()
    finally:
        connection.close()


def row(number: int, name: str = "灭火器", qty: str = "12", **other: str | None) -> Sequence[object]:
    given: Mapping[str, str | None] = {
        "unit": "个",
        "batch": f"L{number}",
        "expires": "2027-05-01",
        "place": "W1",
        "terms": None,
        "updated_at": STAMP,
        **other,
    }
    return (number, name, qty, *(given[key] for key in ("unit", "batch", "expires", "place", "terms", "updated_at")))


def insert(database: Database, *rows: Sequence[object], connection: Any = None) -> None:
    """In a transaction of its own, or uncommitted in that of `connection`."""
    used = connection or database.connect()
    used.cursor().executemany(INSERT.format(database.mark), rows)
    if connection is None:
        used.commit()
        used.close()
