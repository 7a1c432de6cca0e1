"""Personal data that was given away beside the hub: a list on paper, a file handed over. What the hub itself showed an
organization stands in the audit, and is not recorded here a second time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.access.personal.consents import FIELDS
from hub.access.personal.desk import Word
from hub.clock import Clock
from hub.errors import BadRequest, Conflict, NotFound, nearest
from hub.journal.log import Journal
from hub.journal.records import HUB, Command, Draft, EventEntry, NewEvent

STREAM = "provisions"
_LONGEST = 200  # characters
_MOST = 1_000_000_000  # people
_SKEW = timedelta(minutes=5)
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """`recipient`: an organization's entity id; `agreement`: a sharing agreement's. `people`: how many."""

    recipient: str
    purpose: str
    agreement: str | None
    fields: tuple[str, ...]
    people: int
    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """`by`: who recorded it."""

    provision: Provision
    by: str


async def recorded(journal: Journal) -> Sequence[Recorded]:
    """The latest first."""
    return [_read(entry) for entry in reversed(await journal.stream(STREAM))]


async def record(
    journal: Journal, clock: Clock, provision: Provision, word: Word, purposes: Collection[str]
) -> Recorded:
    """Once for each key. Raises NotFound, BadRequest, Conflict, StorageFull."""
    _check(provision, clock(), purposes)
    agreement = provision.agreement
    recipient = await _entity(journal, provision.recipient, "Organization")
    data = {
        "recipient": recipient,
        "purpose": provision.purpose,
        "agreement": None if agreement is None else await _entity(journal, agreement, "SharingAgreement"),
        "fields": sorted(provision.fields),
        "people": provision.people,
        "at": provision.at.isoformat(),
        "evidence": provision.evidence,
    }
    command = Command.of(word.actor, word.key or "", [STREAM, *data.values()], {}) if word.key else None
    for _ in range(_TRIES):
        version = await journal.stream_version(STREAM)
        event = NewEvent(
            type="personal_data.shared", version=1, stream=STREAM, expected=version, data=data, actor=word.actor
        )
        try:
            await journal.append(Draft(source=HUB, received_at=clock(), events=[event], command=command))
        except Conflict:
            if await journal.stream_version(STREAM) == version:
                raise  # it is the key that was used for something else
            continue
        return Recorded(provision=_provision(data), by=word.actor)
    raise Conflict("others record at the same time: try again")


async def _entity(journal: Journal, id_: str, kind: str) -> str:
    """The id by which it lives. Raises NotFound for what is none of the kind."""
    living = (await journal.resolve([id_])).get(id_, id_)
    held = (await journal.claims_of([living])).get(living, ())
    if not any(each.claim.kind == kind for each in held):
        raise NotFound(f"there is no {kind} of the id {id_!r}: name it as queries show it")
    return living


def _read(entry: EventEntry) -> Recorded:
    return Recorded(provision=_provision(entry.data), by=entry.actor)


def _provision(said: Any) -> Provision:
    return Provision(
        recipient=said["recipient"],
        purpose=said["purpose"],
        agreement=said["agreement"],
        fields=tuple(said["fields"]),
        people=said["people"],
        at=datetime.fromisoformat(said["at"]),
        evidence=said["evidence"],
    )


def _check(provision: Provision, now: datetime, purposes: Collection[str]) -> None:
    if provision.purpose not in purposes:
        raise BadRequest(f"there is no purpose {provision.purpose!r}; {nearest(provision.purpose, purposes)}")
    if not provision.fields:
        raise BadRequest(f"name the fields: {', '.join(FIELDS)}")
    for field in provision.fields:
        if field not in FIELDS:
            raise BadRequest(f"{field!r} is no personal field; {nearest(field, FIELDS)}")
    if not 0 < provision.people <= _MOST:
        raise BadRequest("say of how many people it was: one or more")
    if provision.at.tzinfo is None:
        raise BadRequest("the time has no zone: write 2026-05-04T08:00:00+08:00")
    if provision.at > now + _SKEW:
        raise BadRequest("it lies in the future: record what was given, not what is planned")
    if not 0 < len(provision.evidence.strip()) <= _LONGEST:
        raise BadRequest(f"say where it can be looked up, in up to {_LONGEST} characters: a file's number")
