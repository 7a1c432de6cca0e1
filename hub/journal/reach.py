"""What can be told of the journal's database without opening the journal: for `causeway check`."""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import sqlalchemy as sa

from hub.errors import SettingsError, StorageFull
from hub.journal import named
from hub.journal import tables as t
from hub.journal.engine import FILE, open_engines

_LEAST_FREE = 256 << 20  # bytes; below it the park's data soon has no room


def reach(url: str, folder: Path) -> str:
    """What was found; raises SettingsError or StorageFull with what to do."""
    if url == "sqlite":
        return _sqlite(folder)
    engines = open_engines(url, folder, readers=1)
    try:
        with engines.read.connect() as connection:
            version = connection.exec_driver_sql("SHOW server_version").scalar()
    except sa.exc.OperationalError as error:
        shown = engines.url.render_as_string(hide_password=True)
        raise SettingsError(f"{shown}: {str(error.orig).strip()}") from None
    finally:
        engines.dispose()
    return f"PostgreSQL {version}"


def organizations(url: str, folder: Path, words: Collection[str]) -> Mapping[str, named.NamedOrganization] | None:
    """Each word that means one of the park's organizations; None where the database cannot be asked, as `reach` says.
    Raises SettingsError."""
    if url == "sqlite" and not (folder / FILE).exists():
        return {}
    engines = open_engines(url, folder, readers=1)
    try:
        with engines.read.connect() as connection:
            if not sa.inspect(connection).has_table(t.external.name):  # no hub was ever started
                return {}
            return named.organizations(connection, words)
    except sa.exc.OperationalError:
        return None
    finally:
        engines.dispose()


def _sqlite(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        raise SettingsError(f"{existing} cannot be written by this account; give it the folder, or name another")
    free = shutil.disk_usage(existing).free
    if free < _LEAST_FREE:
        raise StorageFull(f"{existing} has {free >> 20} MiB left; make room, or name a folder on another disk")
    return f"SQLite in {folder / FILE}, {free >> 30} GiB free"
