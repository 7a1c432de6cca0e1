"""Consents: on what basis fields of a person are used for a purpose, and what was taken back.

The log keeps who recorded which word of whom, with a reference to where it lies on paper. A consent that was withdrawn
closes its fields for its purpose, of that person, from the next answer on; what rests on a law or a contract cannot
be withdrawn here. In memory, by the log, so that a decision asks nobody.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hub.access.personal.desk import PersonalDesk, Word
from hub.clock import Clock
from hub.errors import BadRequest, CausewayError, Conflict, NotFound, Refused, nearest
from hub.journal.encoding import personal_fields
from hub.journal.log import Journal
from hub.journal.records import HUB, Command, Draft, EventEntry, NewEvent
from hub.telemetry import logger

STREAM = "consents"
GIVEN, WITHDRAWN = "consent.given", "consent.withdrawn"
LOOK_EVERY = 0.4  # seconds between two looks at what another process appended
_BACK_OFF = 2.0  # seconds
_LONGEST = 200  # characters of an evidence reference
_TRIES = 5
_log = logger(__name__)

FIELDS = tuple(f"{kind}.{name}" for kind in ("Person", "Qualification") for name in sorted(personal_fields(kind)))
"""What a consent can be about."""


class Basis(StrEnum):
    """Why it is lawful (PIPL art. 13)."""

    CONSENT = "CONSENT"
    CONTRACT = "CONTRACT"  # or the management of staff by lawful rules
    LEGAL_DUTY = "LEGAL_DUTY"
    EMERGENCY = "EMERGENCY"  # public health, life and property
    PUBLIC_INTEREST = "PUBLIC_INTEREST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The last word on a person's fields for a purpose. `evidence`: where it can be looked up, in clear."""

    person: str
    purpose: str
    fields: tuple[str, ...]
    basis: Basis
    evidence: str
    standing: bool  # False: withdrawn
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is to be recorded."""

    purpose: str
    fields: tuple[str, ...]
    basis: Basis
    evidence: str


class Consents:
    """`run` follows the log until it is cancelled; `refresh` before anything is answered."""

    def __init__(
        self, journal: Journal, clock: Clock, desk: PersonalDesk, purposes: Callable[[], Collection[str]]
    ) -> None:
        """`purposes`: those that the policies know."""
        self._journal = journal
        self._clock = clock
        self._desk = desk
        self._purposes = purposes
        self._version = 0
        self._last: dict[tuple[str, str], Consent] = {}  # (person, purpose)
        self._withheld: Mapping[str, Mapping[str, tuple[str, ...]]] = {}

    async def run(self) -> None:
        while True:
            try:
                await self.refresh()
                await asyncio.sleep(LOOK_EVERY)
            except CausewayError as error:
                _log.warning("consents.not_followed", reason=error.message)
                await asyncio.sleep(_BACK_OFF)

    async def refresh(self) -> None:
        entries = await self._journal.stream(STREAM, after=self._version)
        for entry in entries:
            if entry.stream_version > self._version:
                self._version = entry.stream_version
                consent = _consent(entry)
                self._last[consent.person, consent.purpose] = consent
        if entries:
            self._withheld = _withheld(self._last.values())

    @property
    def purposes(self) -> Collection[str]:
        return self._purposes()

    def withheld(self, purpose: str) -> Mapping[str, tuple[str, ...]]:
        """Field → the people who withdrew their consent to it for the purpose; the same object while nothing
        changes."""
        return self._withheld.get(purpose, _NOTHING)

    async def of(self, name: str) -> Sequence[Consent]:
        """The last word for each purpose, by its name, whatever the person was known as. Raises NotFound."""
        person = await self._desk.person(name)
        await self.refresh()
        ids = await self._journal.known_as(person)
        found: dict[str, Consent] = {}
        for consent in sorted((c for c in self._last.values() if c.person in ids), key=lambda c: c.recorded_at):
            found[consent.purpose] = consent
        return [found[purpose] for purpose in sorted(found)]

    async def give(self, name: str, given: Given, word: Word) -> Consent:
        """Raises NotFound, BadRequest, Conflict."""
        _check(given)
        if given.purpose not in (known := self._purposes()):
            raise BadRequest(f"there is no purpose {given.purpose!r}; {nearest(given.purpose, known)}")
        person = await self._desk.person(name)
        await self._desk.check_text(person, given.evidence)
        return await self._append(GIVEN, person, given, word)

    async def withdraw(self, name: str, purpose: str, evidence: str, word: Word) -> Consent:
        """Raises NotFound (no consent of theirs is recorded), Refused (it does not rest on consent), BadRequest,
        Conflict."""
        person = await self._desk.person(name)
        last = next((each for each in await self.of(name) if each.purpose == purpose), None)
        if last is None:
            raise NotFound(f"no basis for {purpose!r} is recorded of this person: there is nothing to withdraw")
        if last.basis is not Basis.CONSENT:
            raise Refused(f"for {purpose!r} it rests on {last.basis}, not on consent: it cannot be withdrawn")
        given = Given(purpose=purpose, fields=last.fields, basis=last.basis, evidence=evidence)
        _check(given)
        await self._desk.check_text(person, evidence)
        return await self._append(WITHDRAWN, person, given, word)

    async def _append(self, type_: str, person: str, given: Given, word: Word) -> Consent:
        data = {
            "person": person,
            "purpose": given.purpose,
            "fields": sorted(given.fields),
            "basis": given.basis.value,
            "evidence": given.evidence,
        }
        command = None if word.key is None else Command.of(word.actor, word.key, [type_, *data.values()], {})
        for _ in range(_TRIES):
            version = await self._journal.stream_version(STREAM)
            event = NewEvent(type=type_, version=1, stream=STREAM, expected=version, data=data, actor=word.actor)
            draft = Draft(source=HUB, received_at=self._clock(), events=[event], command=command)
            try:
                await self._journal.append(draft)
            except Conflict:
                if await self._journal.stream_version(STREAM) == version:
                    raise  # it is the key that was used for something else
                continue
            await self.refresh()
            return self._last[person, given.purpose]
        raise Conflict("others record consents too quickly: try again")


_NOTHING: Mapping[str, tuple[str, ...]] = {}


def _consent(entry: EventEntry) -> Consent:
    said: Any = entry.data
    return Consent(
        person=said["person"],
        purpose=said["purpose"],
        fields=tuple(said["fields"]),
        basis=Basis(said["basis"]),
        evidence=said["evidence"],
        standing=entry.type == GIVEN,
        recorded_at=entry.recorded_at,
        recorded_by=entry.actor,
    )


def _withheld(consents: Iterable[Consent]) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for consent in consents:
        if not consent.standing:
            for field in consent.fields:
                found.setdefault(consent.purpose, {}).setdefault(field, set()).add(consent.person)
    return {
        purpose: {field: tuple(sorted(people)) for field, people in sorted(fields.items())}
        for purpose, fields in found.items()
    }


def _check(given: Given) -> None:
    if not given.fields:
        raise BadRequest(f"name the fields: {', '.join(FIELDS)}")
    for field in given.fields:
        if field not in FIELDS:
            raise BadRequest(f"{field!r} is no personal field; {nearest(field, FIELDS)}")
    if not 0 < len(given.evidence.strip()) <= _LONGEST:
        raise BadRequest(f"say where the word can be looked up, in up to {_LONGEST} characters: a file's number")
