"""What the state folder remembers of the journal: its epoch and how far it had come, so that a lost tail shows."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import orjson
import sqlalchemy as sa

from hub.journal import tables as t
from hub.journal.chain import GENESIS
from hub.telemetry import logger

NAME = "journal.position"
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    epoch: str
    head: int


def keep(folder: Path, kept: Kept) -> None:
    """Written beside and renamed, so that a crash leaves the old or the new."""
    beside = folder / (NAME + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, orjson.dumps(kept))
    finally:
        os.close(descriptor)
    beside.replace(folder / NAME)


def kept_in(folder: Path) -> Kept | None:
    try:
        found = orjson.loads((folder / NAME).read_bytes())
        return Kept(epoch=str(found["epoch"]), head=int(found["head"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def begin(connection: sa.Connection, folder: Path) -> Kept:
    """The journal's epoch and head at opening: a new epoch where the folder remembers another journal than this."""
    row = connection.execute(sa.select(t.meta.c.epoch, t.meta.c.head)).one_or_none()
    if row is None:
        made = Kept(epoch=new_epoch(), head=0)
        connection.execute(sa.insert(t.meta).values(id=1, epoch=made.epoch, head=0, digest=GENESIS))
        return made
    here = Kept(epoch=row.epoch, head=row.head)
    remembered = kept_in(folder)
    if remembered is None or (remembered.epoch == here.epoch and remembered.head <= here.head):
        return here
    _log.warning(
        "journal.epoch_begun",
        reason="the journal is not, or no longer, what the state folder remembers: clients read their lists anew",
        remembered_head=remembered.head,
        head=here.head,
    )
    return start_epoch(connection)


def start_epoch(connection: sa.Connection) -> Kept:
    """Begins a new epoch, as a restore must: cursors of the one before are refused from now on."""
    epoch = new_epoch()
    connection.execute(sa.update(t.meta).values(epoch=epoch))
    return Kept(epoch=epoch, head=int(connection.scalar(sa.select(t.meta.c.head)) or 0))


def new_epoch() -> str:
    return secrets.token_hex(8)
