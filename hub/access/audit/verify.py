"""Walks every chain and says what is not as it was written: changed, deleted, reordered, cut off, signed by another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from hub.access.audit import tables as t
from hub.access.audit.chain import Checkpoint, Kind, digest, entry_hash, genesis
from hub.access.audit.record import subjects_of
from hub.clock import from_micros

RESTORED = "backup.restored"
"""What happened where a backup was put in place."""
_STEP = 1000
_COMPARED = 300  # entries of one chain among which an order is looked for


class What(StrEnum):
    CHANGED = "changed"
    DELETED = "deleted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    FORGED = "forged"  # a checkpoint that its key did not sign, or a key that is not trusted
    UNLISTED = "unlisted"  # the entry holds, but the list of who was seen differs from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`number` is the entry's, in its chain."""

    chain: str
    number: int
    what: What
    text: str


@dataclass(slots=True)
class Report:
    """`notes` are no faults: what cannot be proven, and why."""

    chains: int = 0
    entries: int = 0
    checkpoints: int = 0
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings


class _Row(NamedTuple):
    chain: str
    number: int
    at: int
    personal: bool
    digest: bytes
    body: bytes | None
    previous: bytes
    hash: bytes

    def hash_at(self, number: int, previous: bytes) -> bytes:
        return entry_hash(previous, self.chain, number, self.at, bool(self.personal), self.digest)


def verify(
    connection: sa.Connection,
    trusted: Collection[str],
    witnessed: Sequence[Checkpoint] = (),
    running: str | None = None,
) -> Report:
    """In one transaction that sees one state. `trusted`: the public keys; `witnessed`: the checkpoints that were kept
    elsewhere; `running`: the chain that is being written, of which what is newest need not be vouched for yet."""
    t.metadata.create_all(connection)  # before there is anything nothing is missing
    report = Report()
    held = _held(connection, report)
    known: dict[str, list[Checkpoint]] = {}
    for signed in [*held, *witnessed]:
        if _holds(signed, trusted, report):
            known.setdefault(signed.chain, []).append(signed)
    stored = {(each.chain, each.number, each.kind) for each in held}
    chains = set(connection.scalars(sa.select(t.entry.c.chain).distinct())) | set(known)
    for chain in sorted(chains):
        _Chain(connection, chain, known.get(chain, ()), stored, report).walk(chain == running)
        report.chains += 1
    return report


def _held(connection: sa.Connection, report: Report) -> list[Checkpoint]:
    found = []
    for row in connection.execute(sa.select(t.checkpoint).order_by(t.checkpoint.c.chain, t.checkpoint.c.number)):
        try:
            signed = Checkpoint.of(bytes(row.body), bytes(row.signature))
        except (ValueError, TypeError):
            signed = None
        if signed is None or (signed.chain, signed.number, signed.kind) != (row.chain, row.number, row.kind):
            text = f"the checkpoint at entry {row.number} says something else than when it was signed"
            report.findings.append(Finding(chain=row.chain, number=row.number, what=What.FORGED, text=text))
            continue
        found.append(signed)
        report.checkpoints += 1
    return found


def _holds(signed: Checkpoint, trusted: Collection[str], report: Report) -> bool:
    if signed.key not in trusted:
        text = f"the checkpoint at entry {signed.number} is signed with the key {signed.key}, which is not trusted here"
    elif not signed.holds():
        text = f"the checkpoint at entry {signed.number} says something else than when it was signed"
    else:
        return True
    report.findings.append(Finding(chain=signed.chain, number=signed.number, what=What.FORGED, text=text))
    return False


def _row(stored: Any) -> _Row:
    return _Row._make(bytes(value) if isinstance(value, memoryview) else value for value in stored)


class _Chain:
    def __init__(
        self,
        connection: sa.Connection,
        chain: str,
        signed: Sequence[Checkpoint],
        stored: Collection[tuple[str, int, Kind]],
        report: Report,
    ) -> None:
        self._connection = connection
        self._chain = chain
        self._report = report
        self._stored = stored
        expired = max(
            (each for each in signed if each.kind is Kind.EXPIRED), key=lambda each: each.number, default=None
        )
        self._first = 1 if expired is None else expired.number + 1
        self._hash = genesis(chain) if expired is None else expired.hash
        self._last = self._first - 1
        self._signed = [each for each in signed if each.number >= self._last]
        self._closed = any(each.kind is Kind.CLOSED for each in signed)
        self._emptied = max((each.before for each in signed if each.before and each.kind is Kind.EMPTIED), default=None)
        self._odd: list[_Row] = []  # whose hash is not that of what they say and where they stand
        self._missing: list[int] = []
        self._at: dict[int, bytes] = {self._last: self._hash}  # the hashes that checkpoints speak of

    def walk(self, running: bool) -> None:
        wanted = {each.number for each in self._signed}
        for rows, listed in self._pages():
            for row in rows:
                self._one(row)
                if row.number in wanted:
                    self._at[row.number] = row.hash
                self._listing(row, listed.get(row.number, set()))
                self._report.entries += 1
        self._sort_out()
        self._against_checkpoints(running)

    def _pages(self) -> Iterator[tuple[list[_Row], Mapping[int, set[str]]]]:
        after = -1
        while True:
            query = sa.select(t.entry).where(t.entry.c.chain == self._chain, t.entry.c.number > after)
            found = self._connection.execute(query.order_by(t.entry.c.number).limit(_STEP)).all()
            if not found:
                return
            rows = [_row(row) for row in found]
            of = sa.select(t.subject.c.number, t.subject.c.id).where(
                t.subject.c.chain == self._chain, t.subject.c.number.between(rows[0].number, rows[-1].number)
            )
            listed: dict[int, set[str]] = {}
            for number, id_ in self._connection.execute(of):
                listed.setdefault(number, set()).add(id_)
            yield rows, listed
            after = rows[-1].number

    def _one(self, row: _Row) -> None:
        if row.number < self._first:
            self._find(row.number, What.CHANGED, "stands before where the chain begins since the last expiry")
            return
        gap = row.number > self._last + 1
        if gap:
            self._missing += range(self._last + 1, min(row.number, self._last + 1 + _COMPARED))
            through = row.number - 1
            text = "was deleted" if through == self._last + 1 else f"and those up to {through} were deleted"
            self._find(self._last + 1, What.DELETED, text)
        if not self._is_whole(row):
            self._odd.append(row)
        elif not gap and row.previous != self._hash and not self._is_odd(row.number - 1):
            self._find(
                max(row.number - 1, self._first), What.CHANGED, "was written anew: the next entry follows another one"
            )
        self._hash, self._last = row.hash, row.number

    def _is_whole(self, row: _Row) -> bool:
        try:
            if row.body is None:
                if row.personal or self._emptied is None or from_micros(row.at) >= self._emptied:
                    return False
            elif digest(row.body) != row.digest:
                return False
            return row.hash_at(row.number, row.previous) == row.hash
        except (TypeError, AttributeError):  # SQLite takes text where bytes belong
            return False

    def _is_odd(self, number: int) -> bool:
        return bool(self._odd) and self._odd[-1].number == number

    def _listing(self, row: _Row, listed: set[str]) -> None:
        if row.body is None or self._is_odd(row.number):
            return
        body = orjson.loads(row.body)
        if body.get("event") == RESTORED:
            about = body["about"]
            self._report.notes.append(
                f"a backup was put in place at {from_micros(row.at):%Y-%m-%d %H:%M:%S} UTC, entry {row.number} of "
                f"chain {self._chain}: from then on the journal is that of {about['backup']}, in epoch {about['epoch']}"
            )
        if listed != subjects_of(body):
            self._find(row.number, What.UNLISTED, "names other people than the list of who was seen")

    def _sort_out(self) -> None:
        """Of the odd ones: which is another entry that was moved here, and which was changed."""
        odd = self._odd[:_COMPARED]
        places = {row.number: (row.previous, row.hash) for row in odd}
        for row in self._odd:
            was = self._moved_from(row, places) if len(self._odd) <= _COMPARED else None
            if was is None:
                self._find(row.number, What.CHANGED, "was changed")
            else:
                self._find(row.number, What.REORDERED, f"is not what was written there: it was entry {was}")

    def _moved_from(self, row: _Row, places: Mapping[int, tuple[bytes, bytes]]) -> int | None:
        try:
            if row.body is not None and digest(row.body) != row.digest:
                return None
            for number in [*places, *self._missing]:
                if number != row.number and row.hash_at(number, row.previous) == row.hash:
                    return number  # the whole row was moved
            for number, (previous, hash_) in places.items():
                if number != row.number and row.hash_at(number, previous) == hash_:
                    return number  # what it says was moved
        except TypeError:
            return None
        return None

    def _against_checkpoints(self, running: bool) -> None:
        beyond = max((each for each in self._signed if each.number > self._last), key=lambda e: e.number, default=None)
        if beyond is not None:
            text = f"is the last one; the checkpoint of {beyond.at:%Y-%m-%d %H:%M:%S} UTC vouches for {beyond.number}"
            self._find(self._last, What.TRUNCATED, text)
        odd = {row.number for row in self._odd}
        for each in sorted(self._signed, key=lambda each: each.number):
            held = self._at.get(each.number)
            if held is not None and held != each.hash and each.number not in odd:
                self._find(
                    each.number, What.CHANGED, "or one before it was written anew: its checkpoint vouches for another"
                )
                break
        lost = [each for each in self._signed if self._is_lost(each)]
        if lost and beyond is None:
            self._find(lost[0].number, What.DELETED, "has lost its checkpoint, which the witness still has")
        closed = max((each.number for each in self._signed if each.kind is Kind.CLOSED), default=self._last)
        if self._last > closed:
            self._find(closed + 1, What.FORGED, f"stands after the chain was closed at entry {closed}")
        if not self._closed and not running:
            vouched = max((each.number for each in self._signed), default=0)
            self._report.notes.append(
                f"chain {self._chain} was not closed (its process was killed, or runs elsewhere): entries up to "
                f"{vouched} are vouched for, and it ends at {self._last}; whether more followed cannot be known"
            )

    def _is_lost(self, each: Checkpoint) -> bool:
        """An expiry and an emptying replace what was said before."""
        if each.kind is Kind.EMPTIED or each.number < self._first:
            return False
        return (each.chain, each.number, each.kind) not in self._stored

    def _find(self, number: int, what: What, text: str) -> None:
        finding = Finding(chain=self._chain, number=number, what=what, text=f"entry {number} {text}")
        self._report.findings.append(finding)
