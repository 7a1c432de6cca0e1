"""What a backup has beside the journal: the audit, and the accounts of the hub's own issuer.

What is in place stays at a restore, for it knows more than any copy: only what is missing is taken from the backup.
Whoever had signed in signs in again.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from hub.access.audit import store as audit_store
from hub.access.audit import tables as audit_tables
from hub.access.audit.store import AuditConfig
from hub.access.issuer import store as accounts_store
from hub.access.issuer import tables
from hub.access.issuer.store import Store
from hub.clock import Clock
from hub.errors import BadRequest
from hub.journal import copying
from hub.journal.copying import Progress

AUDIT_DUMP = "audit.dump"


def copiers(audit: AuditConfig) -> Sequence[Callable[[Path, Progress], Path | None]]:
    """Each copies one of the two, as it is at one moment. What the journal says of the audit is in its copy, which is
    made later than the journal's."""
    return (partial(_copy_audit, audit), partial(_copy_accounts, audit.folder))


def put_back(audit: AuditConfig, clock: Clock, folder: Path, files: Sequence[str]) -> Mapping[str, object]:
    """Raises BadRequest, SettingsError."""
    said = {"audit": _put_audit(audit, folder, files), "accounts": _put_accounts(audit.folder, clock, folder, files)}
    return {name: text for name, text in said.items() if text}


def _copy_audit(config: AuditConfig, folder: Path, progress: Progress) -> Path | None:
    if config.url == "sqlite":
        return _copy(config.folder / audit_store.FILE, folder, "the audit", progress)
    engines = audit_store.open_engines(config)
    try:
        with copying.reachable("audit"):
            if not _has_audit(engines.read):
                return None
            progress("dumping the audit")
            copying.dump(engines.write.url, folder / AUDIT_DUMP)
    finally:
        engines.dispose()
    return folder / AUDIT_DUMP


def _copy_accounts(state: Path, folder: Path, progress: Progress) -> Path | None:
    return _copy(state / accounts_store.FILE, folder, "the accounts", progress)


def _copy(file: Path, folder: Path, what: str, progress: Progress) -> Path | None:
    if not file.exists():
        return None
    progress(f"copying {what}")
    try:
        copying.copy_sqlite(file, folder / file.name)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise BadRequest(f"{file} is damaged: set it aside, then take the backup") from error
        raise
    return folder / file.name


def _put_audit(config: AuditConfig, folder: Path, files: Sequence[str]) -> str:
    if config.url == "sqlite":
        if AUDIT_DUMP in files:
            raise BadRequest("the backup's audit is on postgresql, and audit.url names sqlite")
        return _put(config.folder, audit_store.FILE, folder, files)
    if audit_store.FILE in files:
        raise BadRequest("the backup's audit is on sqlite, and audit.url names postgresql")
    engines = audit_store.open_engines(config)
    try:
        with copying.reachable("audit"):
            if _has_audit(engines.read):
                return "the one that is there"
        if AUDIT_DUMP not in files:
            return ""
        copying.put_dump(engines.write.url, folder / AUDIT_DUMP)
    finally:
        engines.dispose()
    return "from the backup"


def _put_accounts(state: Path, clock: Clock, folder: Path, files: Sequence[str]) -> str:
    put = _put(state, accounts_store.FILE, folder, files)
    if put:
        _end_all(state, clock)
        put += "; everyone signs in again"
    return put


def _put(state: Path, name: str, folder: Path, files: Sequence[str]) -> str:
    target = state / name
    if target.exists() and target.stat().st_size > 0:
        return "the one that is there"
    if name not in files:
        return ""
    restoring = target.with_name(f"{name}.restoring")
    restoring.unlink(missing_ok=True)
    copying.copy_sqlite(folder / name, restoring)
    copying.sync(restoring)
    for ending in ("-wal", "-shm", "-journal"):
        target.with_name(name + ending).unlink(missing_ok=True)
    restoring.replace(target)
    copying.sync(state)
    return "from the backup"


def _has_audit(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        return sa.inspect(connection).has_table(audit_tables.entry.name)


def _end_all(state: Path, clock: Clock) -> None:
    """No token, code or session of before is worth anything, and none that was given out since the backup: the keys
    that signed them go."""
    store = Store.open(state, clock)
    try:
        now = store.now()
        with store.writing(revokes=True) as connection:
            for table in (tables.session, tables.refresh, tables.code, tables.device, tables.signing_key):
                connection.execute(sa.delete(table))
            for table in (tables.grant, tables.token):
                connection.execute(sa.update(table).where(table.c.revoked_at.is_(None)).values(revoked_at=now))
    finally:
        store.close()
