"""What the brigade knows, in a SQLite file of its own. Places and alerts are the hub's: here stand their ids alone."""

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS engine (
  id TEXT PRIMARY KEY, call_sign TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, crew INTEGER NOT NULL, station TEXT);
CREATE TABLE IF NOT EXISTS deployment (
  id TEXT PRIMARY KEY, engine TEXT NOT NULL REFERENCES engine, alert TEXT, place TEXT NOT NULL,
  ordered_at TEXT NOT NULL, ordered_by TEXT NOT NULL, ended_at TEXT, idempotency_key TEXT NOT NULL UNIQUE);
CREATE UNIQUE INDEX IF NOT EXISTS one_at_a_time ON deployment (engine) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS by_alert ON deployment (alert);
CREATE INDEX IF NOT EXISTS by_place ON deployment (place);
CREATE INDEX IF NOT EXISTS by_station ON engine (station);
"""


class Refused(Exception):
    """What was asked cannot be done; the text is for who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRow:
    """`station` is the id of one of the hub's places; `deployed` that of the deployment that it is on."""

    id: str
    call_sign: str
    kind: str
    crew: int
    station: str | None
    deployed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """`alert` and `place` are ids of the hub's; times are ISO 8601 in UTC."""

    id: str
    engine: str
    alert: str | None
    place: str
    ordered_at: str
    ordered_by: str
    ended_at: str | None


_ENGINES = """SELECT engine.id, call_sign, kind, crew, station, deployment.id AS deployed
  FROM engine LEFT JOIN deployment ON deployment.engine = engine.id AND deployment.ended_at IS NULL"""
_DEPLOYMENTS = "SELECT id, engine, alert, place, ordered_at, ordered_by, ended_at FROM deployment"


class Store:
    """Each call is one short transaction on a connection of its own, so that any thread may call it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(self._open()) as connection, connection:
            connection.executescript(_TABLES)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=5)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _all(self, statement: str, values: Iterable[str] = ()) -> list[sqlite3.Row]:
        with closing(self._open()) as connection:
            return connection.execute(statement, tuple(values)).fetchall()

    # ---- read

    def engines(self) -> list[EngineRow]:
        return [EngineRow(**dict(row)) for row in self._all(f"{_ENGINES} ORDER BY call_sign")]

    def engines_by(self, column: str, keys: Sequence[str]) -> list[EngineRow]:
        """Those whose `id` or `station` is one of the keys, in one statement."""
        where = {"id": "engine.id", "station": "station"}[column]
        found = self._all(f"{_ENGINES} WHERE {where} IN ({_marks(keys)}) ORDER BY call_sign", keys)
        return [EngineRow(**dict(row)) for row in found]

    def deployments(self, *, ended: bool) -> list[DeploymentRow]:
        """The newest first; without `ended` those that go on alone."""
        where = "" if ended else " WHERE ended_at IS NULL"
        return [DeploymentRow(**dict(row)) for row in self._all(f"{_DEPLOYMENTS}{where} ORDER BY ordered_at DESC")]

    def deployments_by(self, column: str, keys: Sequence[str]) -> list[DeploymentRow]:
        """Those whose `id`, `alert` or `place` is one of the keys, in one statement."""
        where = {"id": "id", "alert": "alert", "place": "place"}[column]
        found = self._all(f"{_DEPLOYMENTS} WHERE {where} IN ({_marks(keys)}) ORDER BY ordered_at DESC", keys)
        return [DeploymentRow(**dict(row)) for row in found]

    # ---- change

    def add(self, call_sign: str, kind: str, crew: int, station: str | None) -> str:
        """The engine's id. Raises Refused where the call sign is taken."""
        id_ = str(uuid.uuid4())
        try:
            with closing(self._open()) as connection, connection:
                connection.execute("INSERT INTO engine VALUES (?, ?, ?, ?, ?)", (id_, call_sign, kind, crew, station))
        except sqlite3.IntegrityError as error:
            raise Refused(f"there is an engine {call_sign} already") from error
        return id_

    def deploy(self, engine: str, alert: str | None, place: str, by: str, key: str) -> DeploymentRow:
        """Raises Refused where there is no such engine, or it is out. The same key gets the first answer."""
        with closing(self._open()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            found = connection.execute("SELECT id FROM deployment WHERE idempotency_key = ?", (key,)).fetchone()
            id_ = found["id"] if found else str(uuid.uuid4())
            if not found:
                if not connection.execute("SELECT 1 FROM engine WHERE id = ?", (engine,)).fetchone():
                    raise Refused("no engine has this id")
                values = (id_, engine, alert, place, _now(), by, None, key)
                try:
                    connection.execute("INSERT INTO deployment VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
                except sqlite3.IntegrityError as error:
                    raise Refused("the engine is out already: end that deployment first") from error
        return self.deployments_by("id", [id_])[0]

    def end(self, deployment: str) -> DeploymentRow:
        """The engine is back. Raises Refused where there is no such deployment; one that has ended stays as it is."""
        with closing(self._open()) as connection, connection:
            connection.execute(
                "UPDATE deployment SET ended_at = ? WHERE id = ? AND ended_at IS NULL", (_now(), deployment)
            )
        found = self.deployments_by("id", [deployment])
        if not found:
            raise Refused("no deployment has this id")
        return found[0]


def _marks(keys: Sequence[str]) -> str:
    return ", ".join("?" * len(keys))


def _now() -> str:
    return datetime.now(UTC).isoformat()
