"""The key store's tables, how it is opened, and a copy of it."""

import os
from pathlib import Path

import sqlalchemy as sa

from hub.errors import BadRequest

metadata = sa.MetaData()
data_key = sa.Table(
    "data_key",
    metadata,
    sa.Column("holder", sa.LargeBinary, primary_key=True),  # keyed hash of (source, external id)
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),  # microseconds since 1970
)
forgotten = sa.Table(
    "forgotten",
    metadata,
    sa.Column("holder", sa.LargeBinary, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # keys made up to then are gone, also from a restored store
)
barred = sa.Table(
    "barred",
    metadata,
    sa.Column("holder", sa.LargeBinary, primary_key=True),  # of whom nothing personal is taken in again
)
about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)


def copy_store(store: Path | str, target: Path) -> int:
    """A copy of a key store as a file, whatever engine it is on; the number of its keys. They stay wrapped by the park
    key, which is never in it. Raises BadRequest where `target` exists."""
    if target.exists():
        raise BadRequest(f"{target} exists already: name a new file for the copy of the keys")
    source, copy = open_store(store), open_store(target)
    try:
        metadata.create_all(copy)
        keys = 0
        options = {"isolation_level": "REPEATABLE READ"} if source.dialect.name == "postgresql" else {}
        with source.connect().execution_options(**options) as reading, reading.begin(), copy.begin() as writing:
            for table in metadata.sorted_tables:
                rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
                if rows:
                    writing.execute(sa.insert(table), rows)
                keys += len(rows) if table is data_key else 0
    finally:
        source.dispose()
        copy.dispose()
    return keys


def open_store(store: Path | str) -> sa.Engine:
    """An engine for a key store: SQLite with 0600, secure_delete and synchronous=FULL, or PostgreSQL."""
    if isinstance(store, str):
        return sa.create_engine(sa.make_url(store).set(drivername="postgresql+psycopg"), pool_size=2)
    if not store.exists():
        os.close(os.open(store, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = sa.create_engine(f"sqlite:///{store}", connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = DELETE", "secure_delete = ON", "synchronous = FULL"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
