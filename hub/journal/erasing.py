"""Empties what the log says of a person: finds all that is theirs, and appends that it is gone, in one transaction.

The log keeps its rows, so that its digest chain holds; what was personal in them is sealed, and unreadable once the
keys are deleted. Dead letters are no part of the chain: those that name the person are deleted, row and key.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from adapters.contract import Claim
from graph_models.entities import Person
from graph_models.relations import RELATIONS
from hub.clock import from_micros, to_micros
from hub.journal import held
from hub.journal import tables as t
from hub.journal.encoding import Seals, decode_resolved, personal_fields
from hub.journal.engine import Engines
from hub.journal.fold import Fold
from hub.journal.records import HUB, Appended, Command, Draft, NewEvent
from hub.journal.statements import LIVING, NAMED, chunks, members, within
from hub.journal.withholding import ENTITY

STREAM = "erasures"
PERSON = Person.__name__
_OF_PERSON = {relation.name for relation in RELATIONS if relation.end == (PERSON,)}
_DEPENDING = {kind for relation in RELATIONS if relation.end == (PERSON,) for kind in relation.start}
_SHORTEST = 2  # characters by which a dead letter is told to be about someone
_PAGE = 500
_SCRUBS, _AGAIN = 50, 0.1  # tries, and seconds between them

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What one source says that is about a person: they themselves, a certificate of theirs, a shift."""

    source: str
    external_id: str
    kind: str
    seq: int  # of its latest claim
    claim: Claim  # sealed
    gone: bool
    subjects: frozenset[str] = frozenset()  # entity ids that it is about: its own, and what it links to

    @property
    def says_personal(self) -> bool:
        return any(self.claim.values.get(name) is not None for name in personal_fields(self.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`ids` are the person's entity id and all its aliases."""

    person: str
    ids: Sequence[str]
    things: Sequence[Thing]

    @property
    def pairs(self) -> Sequence[Pair]:
        """Whose keys are to go: all things, the entity itself, and what corrections are sealed by."""
        own = [(thing.source, thing.external_id) for thing in self.things]
        return sorted({*own, *((ENTITY, id_) for id_ in self.ids), *((HUB, id_) for id_ in self.ids)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be appended: the event, by which command; `at`: the claims' time."""

    event: NewEvent
    command: Command | None
    at: datetime


def find(connection: sa.Connection, person: str) -> Found:
    """`person`: the entity id that lives."""
    ids = sorted(connection.scalars(members([person])))
    own = list(_things(connection, ids))
    named = {(thing.source, thing.external_id) for thing in own}
    depending = [*_live(connection, ids), *_gone(connection, named)]
    return Found(person=person, ids=ids, things=[*own, *depending])


def _latest() -> sa.Select[Any]:
    """The latest claims with the entity that lives, to be narrowed."""
    latest = t.claim_latest
    return sa.select(latest.c.source, latest.c.external_id, latest.c.seq, latest.c.gone, LIVING).select_from(
        NAMED.join(
            latest, (latest.c.source == t.external.c.source) & (latest.c.external_id == t.external.c.external_id)
        )
    )


def lapsed(connection: sa.Connection, kind: str, before: datetime) -> list[Thing]:
    """Things of a kind that hold something personal and are gone since then."""
    latest = t.claim_latest
    query = _latest().where(latest.c.kind == kind, latest.c.gone.is_(True), latest.c.last_seen < to_micros(before))
    found = _read(connection, [_Latest(*row) for row in connection.execute(query)])
    return [thing for thing in found if thing.says_personal]


def of_response(connection: sa.Connection, number: str) -> list[Thing]:
    """What was taken in for the response to an incident."""
    latest = t.claim_latest
    prefix = response_name(number, "")
    query = _latest().where(latest.c.source == HUB, latest.c.external_id.startswith(prefix, autoescape=True))
    found = _read(connection, [_Latest(*row) for row in connection.execute(query)])
    return [thing for thing in found if thing.says_personal]


def response_name(number: str, name: str) -> str:
    """What the hub calls a thing that is held for an incident's response alone."""
    return f"incident:{number}/{name}"


def _things(connection: sa.Connection, ids: Sequence[str]) -> Iterator[Thing]:
    query = _latest().where(within(connection, t.external.c.entity, ids))
    query = query.order_by(t.claim_latest.c.source, t.claim_latest.c.external_id)
    yield from _read(connection, [_Latest(*row) for row in connection.execute(query)])


class _Latest(NamedTuple):
    source: str
    external_id: str
    seq: int
    gone: bool
    entity: str


def _read(connection: sa.Connection, rows: Sequence[_Latest]) -> Iterator[Thing]:
    for some in chunks(rows):
        words = held.last_words(connection, [row.seq for row in some])
        for source, external_id, seq, gone, entity in some:
            kind, version, payload = words[seq]
            claim, targets = decode_resolved(kind, external_id, version, payload)
            about = frozenset({entity, *targets.values()})
            yield Thing(
                source=source, external_id=external_id, kind=kind, seq=seq, claim=claim, gone=gone, subjects=about
            )


def _live(connection: sa.Connection, ids: Sequence[str]) -> Iterator[Thing]:
    """What links to the person now."""
    target = t.external.alias("target")
    latest = t.claim_latest
    linking = (
        sa.select(t.link.c.source)
        .join(
            target,
            (target.c.source == t.link.c.target_source) & (target.c.external_id == t.link.c.target_external_id),
        )
        .where(
            t.link.c.source == latest.c.source,
            t.link.c.external_id == latest.c.external_id,
            t.link.c.relation.in_(_OF_PERSON),
            within(connection, target.c.entity, ids),
        )
    )
    query = _latest().where(latest.c.kind.in_(_DEPENDING), linking.exists())
    query = query.order_by(latest.c.source, latest.c.external_id)
    yield from _read(connection, [_Latest(*row) for row in connection.execute(query)])


def _gone(connection: sa.Connection, people: set[Pair]) -> Iterator[Thing]:
    """What linked to them when it was last there and holds something personal; links of what is gone are not kept, so
    that all such things are looked through."""
    kinds = sorted(kind for kind in _DEPENDING if personal_fields(kind))
    latest = t.claim_latest
    query = _latest().where(latest.c.kind.in_(kinds), latest.c.gone.is_(True))
    for thing in _read(connection, [_Latest(*row) for row in connection.execute(query)]):
        if any(
            link.relation in _OF_PERSON and (link.source or thing.source, link.target) in people
            for link in thing.claim.links
        ):
            yield thing


def person_of(connection: sa.Connection, source: str, external_id: str) -> str | None:
    """The living entity of a person whom a source calls so."""
    query = sa.select(LIVING).select_from(NAMED)
    return connection.scalar(
        query.where(t.external.c.source == source, t.external.c.external_id == external_id, t.external.c.kind == PERSON)
    )


def is_person(connection: sa.Connection, entity: str) -> bool:
    query = sa.select(t.external.c.source).where(
        t.external.c.entity.in_(members([entity])), t.external.c.kind == PERSON
    )
    return connection.execute(query.limit(1)).first() is not None


def letters(connection: sa.Connection, seals: Seals, words: Sequence[str]) -> list[int]:
    """The dead letters in which one of the words stands, in any of the encodings that sources use."""
    wanted = {form for word in words if len(word) >= _SHORTEST for form in _forms(word)}
    found: list[int] = []
    after = 0
    while wanted:
        query = sa.select(t.dead_letter).where(t.dead_letter.c.id > after).order_by(t.dead_letter.c.id).limit(_PAGE)
        rows = connection.execute(query).mappings().all()
        if not rows:
            break
        for row in rows:
            data = seals.unseal(row["source"], row["sealed_as"], bytes(row["data"])) or b""
            data += "\n".join((row["key"], row["reason"], row["where"])).encode()
            if any(form in data for form in wanted):
                found.append(row["id"])
        after = rows[-1]["id"]
    return found


def _forms(word: str) -> Iterator[bytes]:
    yield word.encode()
    for coding in ("gb18030", "utf-16-le", "utf-16-be"):
        yield word.encode(coding)
    escaped = orjson.dumps(word)[1:-1]
    yield escaped
    ascii_only = word.encode("ascii", "backslashreplace")
    yield ascii_only
    yield ascii_only.upper().replace(b"\\U", b"\\u")


def delete_letters(fold: Fold, ids: Iterable[int]) -> None:
    """Rows and keys. SQLite overwrites what is deleted: a reason or a name in it is plain text."""
    some = list(ids)
    if not some:
        return
    letter = t.dead_letter.c
    if fold.connection.dialect.name == "sqlite":
        fold.connection.exec_driver_sql("PRAGMA secure_delete = ON")
    query = sa.select(letter.source, letter.sealed_as).where(within(fold.connection, letter.id, some))
    fold.seals.discard([(row.source, row.sealed_as) for row in fold.connection.execute(query)])
    fold.connection.execute(sa.delete(t.dead_letter).where(within(fold.connection, letter.id, some)))
    if fold.connection.dialect.name == "sqlite":
        fold.connection.exec_driver_sql("PRAGMA secure_delete = OFF")


def emptied(thing: Thing) -> Claim:
    """That it is gone. A person leaves nothing; of a certificate or a shift stays what is about nobody."""
    personal = dict.fromkeys(personal_fields(thing.kind))
    kept = {} if thing.kind == PERSON else dict(thing.claim.values)
    return Claim(kind=thing.kind, external_id=thing.external_id, values={**kept, **personal}, gone=True)


def version(fold: Fold, stream: str = STREAM) -> int:
    """How many events the stream has, within the transaction."""
    query = sa.select(sa.func.max(t.record.c.stream_version)).where(t.record.c.stream == stream)
    return fold.connection.scalar(query) or 0


def empty(fold: Fold, things: Sequence[Thing], order: Order) -> Appended:
    """The event, then that all things are gone, each in its source's own name."""
    appended = fold.append(Draft(source=HUB, received_at=order.at, events=[order.event], command=order.command))
    if appended.repeated:
        return appended
    by_source: dict[str, list[Claim]] = {}
    for thing in things:
        by_source.setdefault(thing.source, []).append(emptied(thing))
    for source, claims in sorted(by_source.items()):
        last = fold.append(Draft(source=source, received_at=order.at, erases=claims))
        appended = replace(appended, seq=last.seq)
    return appended


def scrub(engines: Engines) -> bool:
    """Lets go of copies of pages that hold what was deleted: SQLite's log of writes, PostgreSQL's dead rows. False
    where a reader held SQLite back all the time."""
    if engines.dialect == "postgresql":
        with engines.read.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM FULL dead_letter"))
        return True
    raw = engines.read.raw_connection()  # without a transaction around it
    try:
        for _ in range(_SCRUBS):
            if raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                return True
            time.sleep(_AGAIN)
    finally:
        raw.close()
    return False


def told_again(connection: sa.Connection, found: Found) -> Mapping[Pair, datetime]:
    """Which things sources tell of still, or again, and when they last did."""
    latest = t.claim_latest
    told: dict[Pair, datetime] = {}
    for thing in found.things:
        at = connection.scalar(
            sa.select(latest.c.last_seen).where(
                latest.c.source == thing.source, latest.c.external_id == thing.external_id, latest.c.gone.is_(False)
            )
        )
        if at is not None:
            told[thing.source, thing.external_id] = from_micros(at)
    return told
