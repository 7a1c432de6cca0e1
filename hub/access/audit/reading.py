"""Reads the audit: who saw whom, when, what of them; for those who may."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from hub.access.audit import tables as t
from hub.access.audit.record import subjects_of
from hub.access.audit.store import Engines, unavailable
from hub.clock import from_micros, to_micros
from hub.journal.log import Journal

T = TypeVar("T")
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ended."""

    at: int
    chain: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One entry. `body` is as `hub.access.audit.record` writes it; empty where its time is over."""

    chain: str
    number: int
    at: datetime
    personal: bool
    body: Mapping[str, Any]

    @property
    def viewer(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("viewer", {})
        return found

    def fields(self, ids: Collection[str], how: str) -> Sequence[str]:
        """The personal fields of one of the ids that were `shown`, or shown in part (`masked`)."""
        said: Mapping[str, Mapping[str, Sequence[str]]] = self.body.get("personal", {})
        return [name for name, each in said.items() if any(id_ in ids for id_ in each.get(how, ()))]

    @property
    def position(self) -> Position:
        return Position(at=to_micros(self.at), chain=self.chain, number=self.number)


async def accesses(
    engines: Engines,
    ids: Sequence[str] | None,
    *,
    since: datetime | None = None,
    after: Position | None = None,
    first: int = 100,
    personal: bool = False,
) -> list[Access]:
    """The newest first: entries in which something personal of one of the ids was shown; all entries where `ids` is
    None, or only those with something personal. Raises AuditUnavailable."""

    def work(connection: sa.Connection) -> list[Access]:
        query = sa.select(t.entry.c.chain, t.entry.c.number, t.entry.c.at, t.entry.c.personal, t.entry.c.body)
        if ids is not None:
            seen = sa.select(t.subject.c.chain, t.subject.c.number).where(t.subject.c.id.in_(ids)).distinct().subquery()
            query = query.join(seen, (seen.c.chain == t.entry.c.chain) & (seen.c.number == t.entry.c.number))
        if personal:
            query = query.where(t.entry.c.personal.is_(True))
        if since is not None:
            query = query.where(t.entry.c.at >= to_micros(since))
        if after is not None:
            key = sa.tuple_(t.entry.c.at, t.entry.c.chain, t.entry.c.number)
            query = query.where(
                key < sa.tuple_(sa.literal(after.at), sa.literal(after.chain), sa.literal(after.number))
            )
        query = query.order_by(t.entry.c.at.desc(), t.entry.c.chain.desc(), t.entry.c.number.desc()).limit(first)
        return [_access(row) for row in connection.execute(query)]

    return await in_thread(engines, work)


async def under(engines: Engines, glass: str, *, since: datetime, until: datetime, first: int) -> list[Access]:
    """The newest entries under the break-glass of this id in which something personal was shown. Raises
    AuditUnavailable."""
    found: list[Access] = []
    after = Position(at=to_micros(until) + 1, chain="", number=0)
    while len(found) < first:
        page = await accesses(engines, None, since=since, after=after, first=_PAGE)
        found += [each for each in page if each.personal and each.viewer.get("breakGlass") == glass]
        if len(page) < _PAGE:
            break
        after = page[-1].position
    return found[:first]


async def counted(engines: Engines, ids: Sequence[str], *, since: datetime | None = None) -> int:
    """How many such entries there are."""

    def work(connection: sa.Connection) -> int:
        seen = sa.select(t.subject.c.chain, t.subject.c.number).where(t.subject.c.id.in_(ids))
        if since is not None:
            seen = seen.where(t.subject.c.at >= to_micros(since))
        return connection.scalar(sa.select(sa.func.count()).select_from(seen.distinct().subquery())) or 0

    return await in_thread(engines, work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What viewers of one organization were shown of people for one purpose; `fields` as `Type.field`."""

    recipient: str
    purpose: str
    fields: Sequence[str]
    people: int
    answers: int
    first: datetime
    last: datetime


async def shared(engines: Engines, *, since: datetime | None, recipient: str | None, first: int) -> list[Shared]:
    """By organization and purpose, of the newest `first` answers with something personal; an answer to nobody's
    organization is not shared. Raises AuditUnavailable."""
    by: dict[tuple[str, str], list[Access]] = {}
    after: Position | None = None
    looked = 0
    while looked < first:
        page = await accesses(engines, None, since=since, after=after, first=_PAGE, personal=True)
        for each in page:
            to = each.viewer.get("organization")
            if to is not None and recipient in (None, to):
                by.setdefault((to, each.viewer["purpose"]), []).append(each)
        looked += len(page)
        if len(page) < _PAGE:
            break
        after = page[-1].position
    return [
        Shared(
            recipient=to,
            purpose=purpose,
            fields=sorted({name for each in of for name in each.body.get("personal", {})}),
            people=len({id_ for each in of for id_ in subjects_of(each.body)}),
            answers=len(of),
            first=of[-1].at,
            last=of[0].at,
        )
        for (to, purpose), of in sorted(by.items())
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seer:
    """One viewer in a person's own report; `shown` and `masked` are `Type.field`, the latest first."""

    viewer: Mapping[str, Any]
    answers: int
    first: datetime
    last: datetime
    shown: Sequence[str]
    masked: Sequence[str]


def report(found: Sequence[Access], ids: Collection[str]) -> list[Seer]:
    """Of one person: who saw what of them, for which purpose, how often; the latest first. A viewer is told apart by
    issuer, subject and purpose."""
    by: dict[tuple[object, ...], list[Access]] = {}
    for each in found:
        who = each.viewer
        by.setdefault((who.get("issuer"), who.get("subject"), who.get("purpose")), []).append(each)
    seers = [
        Seer(
            viewer=of[0].viewer,
            answers=len(of),
            first=min(each.at for each in of),
            last=max(each.at for each in of),
            shown=list(dict.fromkeys(name for each in of for name in each.fields(ids, "shown"))),
            masked=list(dict.fromkeys(name for each in of for name in each.fields(ids, "masked"))),
        )
        for of in by.values()
    ]
    return sorted(seers, key=lambda seer: seer.last, reverse=True)


async def in_thread(engines: Engines, work: Callable[[sa.Connection], T]) -> T:
    """In one transaction that sees one state. Raises AuditUnavailable."""

    def run() -> T:
        try:
            with engines.read.connect() as connection, connection.begin():
                return work(connection)
        except (sa.exc.DBAPIError, OSError) as error:
            raise unavailable(error) from error

    return await asyncio.to_thread(run)


def _access(row: Any) -> Access:
    body = {} if row.body is None else orjson.loads(bytes(row.body))
    return Access(chain=row.chain, number=row.number, at=from_micros(row.at), personal=bool(row.personal), body=body)


async def ids_of(journal: Journal, person: str) -> list[str]:
    """Every id by which a person was ever known, and the ids of what they hold: a certificate's number is theirs."""
    ids = list(await journal.known_as(person))
    holds = [id_ for found in (await journal.referring(ids[:1])).values() for id_ in found]
    return ids + [each for id_ in holds for each in await journal.known_as(id_)]
