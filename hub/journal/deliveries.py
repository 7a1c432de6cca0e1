"""What was delivered to webhooks: how far each has come, what it was not to be had for, and a log of the attempts.

A file of its own in the state folder, `webhooks.db` (0600). It holds positions of the log and no content.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from hub.clock import from_micros, to_micros
from hub.errors import NotFound, StorageFull
from hub.journal.key_tables import open_store

FILE = "webhooks.db"
KEPT_ATTEMPTS = 10_000
"""Rows of the log for each webhook; the oldest go first."""

_metadata = sa.MetaData()
_place = sa.Table(
    "place",
    _metadata,
    sa.Column("webhook", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),  # all up to it is delivered, given up, or not for it
    sa.Column("trying", sa.BigInteger),  # the one that is being delivered
    sa.Column("since", sa.BigInteger),  # microseconds since 1970: when it was first tried
)
_letter = sa.Table(
    "dead_letter",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("webhook", sa.Text, nullable=False, index=True),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("given_up_at", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
_attempt = sa.Table(
    "attempt",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("webhook", sa.Text, nullable=False, index=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("status", sa.Integer),  # of the answer; NULL where there was none
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`outcome`: delivered, failed, given_up or refused; `status` the answer's, where there was one."""

    message: str
    type: str
    at: datetime
    milliseconds: int
    status: int | None
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What could not be delivered in time: the event at `seq` of the log in `epoch`."""

    id: int
    webhook: str
    epoch: str
    seq: int
    type: str
    given_up_at: datetime
    reason: str


class Deliveries:
    """May be used from any thread. What writes raises StorageFull."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        engine = open_store(folder / FILE)
        _metadata.create_all(engine)
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    def position(self, webhook: str) -> tuple[str, int] | None:
        """The epoch and the sequence up to which all is settled; None before its first start."""
        with self._engine.connect() as reading:
            found = reading.execute(sa.select(_place.c.epoch, _place.c.seq).where(_place.c.webhook == webhook)).first()
        return None if found is None else (found.epoch, found.seq)

    def move(self, webhook: str, epoch: str, seq: int) -> None:
        self._write(*_moved(webhook, epoch, seq))

    def first_tried(self, webhook: str, seq: int, now: datetime) -> datetime:
        """When the event at `seq` was first tried, which is now where it was not yet; kept over a restart."""
        with self._engine.connect() as reading:
            where = sa.select(_place.c.trying, _place.c.since).where(_place.c.webhook == webhook)
            found = reading.execute(where).first()
        if found is not None and found.trying == seq:
            return from_micros(found.since)
        change = sa.update(_place).where(_place.c.webhook == webhook).values(trying=seq, since=to_micros(now))
        self._write(change)
        return now

    def delivered(self, webhook: str, epoch: str, seq: int, attempt: Attempt) -> None:
        self._write(*_moved(webhook, epoch, seq), _noted(webhook, attempt), _pruned(webhook))

    def note(self, webhook: str, attempt: Attempt) -> None:
        """Noted; it stays where it is."""
        self._write(_noted(webhook, attempt), _pruned(webhook))

    def give_up(self, webhook: str, epoch: str, seq: int, attempt: Attempt) -> None:
        """A dead letter, and on to the next."""
        letter = sa.insert(_letter).values(
            webhook=webhook,
            epoch=epoch,
            seq=seq,
            type=attempt.type,
            given_up_at=to_micros(attempt.at),
            reason=attempt.reason,
        )
        self._write(*_moved(webhook, epoch, seq), letter, _noted(webhook, attempt))

    def settle(self, letter: DeadLetter, attempt: Attempt) -> None:
        """A dead letter was delivered after all."""
        self._write(sa.delete(_letter).where(_letter.c.id == letter.id), _noted(letter.webhook, attempt))

    def letters(self, webhook: str | None = None) -> Sequence[DeadLetter]:
        """In the log's order."""
        asked = sa.select(_letter).order_by(_letter.c.webhook, _letter.c.id)
        if webhook is not None:
            asked = asked.where(_letter.c.webhook == webhook)
        with self._engine.connect() as reading:
            rows = reading.execute(asked).mappings().all()
        return [DeadLetter(**{**row, "given_up_at": from_micros(row["given_up_at"])}) for row in rows]

    def letter(self, number: int) -> DeadLetter:
        """Raises NotFound."""
        for one in self.letters():
            if one.id == number:
                return one
        raise NotFound(f"there is no dead letter {number}: causeway webhooks log --dead lists them")

    def attempts(self, webhook: str | None, limit: int) -> Sequence[tuple[str, Attempt]]:
        """The latest, the newest last, each with its webhook."""
        asked = sa.select(_attempt).order_by(_attempt.c.id.desc()).limit(limit)
        if webhook is not None:
            asked = asked.where(_attempt.c.webhook == webhook)
        with self._engine.connect() as reading:
            rows = reading.execute(asked).mappings().all()
        return [(row["webhook"], _read(row)) for row in reversed(rows)]

    def _write(self, *changes: sa.Executable) -> None:
        try:
            with self._lock, self._engine.begin() as writing:
                for change in changes:
                    writing.execute(change)
        except sa.exc.OperationalError as error:
            raise StorageFull(f"{FILE} cannot be written ({error.orig}): look at disk and quota") from error


def _moved(webhook: str, epoch: str, seq: int) -> tuple[sa.Executable, sa.Executable]:
    return (
        sa.delete(_place).where(_place.c.webhook == webhook),
        sa.insert(_place).values(webhook=webhook, epoch=epoch, seq=seq),
    )


def _noted(webhook: str, attempt: Attempt) -> sa.Executable:
    return sa.insert(_attempt).values(
        webhook=webhook,
        message=attempt.message,
        type=attempt.type,
        at=to_micros(attempt.at),
        milliseconds=attempt.milliseconds,
        status=attempt.status,
        outcome=attempt.outcome,
        reason=attempt.reason,
    )


def _pruned(webhook: str) -> sa.Executable:
    newest = sa.select(_attempt.c.id).where(_attempt.c.webhook == webhook).order_by(_attempt.c.id.desc())
    oldest = newest.limit(1).offset(KEPT_ATTEMPTS).scalar_subquery()
    return sa.delete(_attempt).where(_attempt.c.webhook == webhook, _attempt.c.id <= oldest)


def _read(row: Mapping[Any, Any]) -> Attempt:
    given = {name: row[name] for name in Attempt.__slots__}
    return Attempt(**{**given, "at": from_micros(row["at"])})
