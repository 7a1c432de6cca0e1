"""The privacy officer's desk: what the hub holds of a person, its erasure, its correction.

An erasure survives the hub's death at any point: first nothing personal of the person is taken in any more, then the
log says that they are erased, then their keys go, then the graph's files. `settle`, at the next start, ends what was
begun; the same makes a restored log or key store honour it.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from adapters.contract import Claim, Value
from hub.access.personal import holds
from hub.clock import Clock, to_micros
from hub.errors import BadRequest, Conflict, NotFound, Refused
from hub.journal import erasing
from hub.journal.encoding import personal_fields
from hub.journal.erasing import Found, Thing
from hub.journal.fold import Fold
from hub.journal.ids import is_uuid, uuid7
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, EventEntry, HeldClaim, NewEvent
from hub.journal.sealing import Forgotten, Keyring
from hub.telemetry import logger

log = logger(__name__)

CORRECTABLE = ("name", "phone", "roles")
_PHONE = re.compile(r"\+?[\d\-() ]{3,24}")
_LONGEST = 200  # characters of a corrected value
_TRIES = 5


class GraphFiles(Protocol):
    """The files of the embedded engine, which hold what was once written to them."""

    def condemn(self) -> None:
        """They are deleted before they are used again, whatever happens now."""
        ...

    async def renew(self) -> None:
        """Deletes them now; the graph is written anew from the log."""
        ...


class Uploads(Protocol):
    """Tables that were sent lie in the state folder for an hour, as they are."""

    async def clear(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Who asks for it and why, under which idempotency key; None for an operator's command, which is not repeated."""

    actor: str
    reason: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What an erasure would reach. `letters` are numbers of dead letters that name the person."""

    person: str
    things: Sequence[Thing]
    letters: Sequence[int]
    erased: bool  # before; `things` that are not gone were told of again since


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """`seq`: the number that the graph must reach to show it."""

    person: str
    seq: int
    things: int = 0
    letters: int = 0
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a hold was placed on or taken from."""

    subject: str
    seq: int
    repeated: bool


class PersonalDesk:
    """`files`: None where the graph is a server's, whose files are its operator's."""

    def __init__(
        self,
        journal: Journal,
        keyring: Keyring,
        clock: Clock,
        files: GraphFiles | None = None,
        uploads: Uploads | None = None,
    ) -> None:
        self._journal = journal
        self._keyring = keyring
        self._clock = clock
        self._files = files
        self._uploads = uploads
        self._lock = asyncio.Lock()

    async def person(self, name: str) -> str:
        """The entity id of a person named by it, by an alias of it, by the code that the park gave them, or as
        SOURCE/EXTERNAL-ID. Raises NotFound."""
        if is_uuid(name):
            entity = (await self._journal.resolve([name])).get(name)
            if entity is not None and await self._journal.look_up(partial(erasing.is_person, entity=entity)):
                return entity
        else:
            source, _, rest = name.partition("/")
            for said_by, called in ((HUB, f"person:{name}"), (source, rest)):
                found = await self._journal.look_up(partial(erasing.person_of, source=said_by, external_id=called))
                if found is not None:
                    return found
        raise NotFound(f"there is no person {name!r}: name one by id, by the park's code, or as SOURCE/EXTERNAL-ID")

    async def footprint(self, name: str) -> Footprint:
        """Changes nothing. Raises NotFound."""
        person = await self.person(name)
        found = await self._journal.look_up(partial(erasing.find, person=person))
        words = await self._words(found)
        letters = await self._journal.look_up(partial(erasing.letters, seals=self._keyring, words=words))
        erased = bool(self._keyring.barred(found.pairs))
        return Footprint(person=person, things=found.things, letters=letters, erased=erased)

    async def erase(self, name: str, word: Word) -> Done:
        """For good, in the log, the graph and the key store. Raises NotFound, Refused (on legal hold), BadRequest (a
        reason that names the person), Conflict, StorageFull."""
        async with self._lock:
            person = await self.person(name)
            if (first := await self._first(word, ["erase", person])) is not None:
                return _told(person, first)
            found = await self._journal.look_up(partial(erasing.find, person=person))
            if (hold := (await holds.standing(self._journal)).get(person)) is not None:
                raise Refused(
                    f"{person} is on legal hold since {hold.placed_at:%Y-%m-%d} ({hold.reason}): release that first"
                )
            words = await self._words(found)
            _check_reason(word.reason, words)
            letters = await self._journal.look_up(partial(erasing.letters, seals=self._keyring, words=words))
            if self._files is not None:
                self._files.condemn()
            if self._uploads is not None:  # before the log says that they are erased: whoever ends it looks no more
                await self._uploads.clear()
            await asyncio.to_thread(self._keyring.bar, found.pairs)
            done = await self._record(found, letters, word)
            await asyncio.to_thread(self._keyring.erase, found.pairs, bar=True)
            if not await self._journal.maintain(erasing.scrub):
                log.warning("erasure.log_of_writes_kept", person=person)
            if self._files is not None:
                await self._files.renew()
            log.info("person.erased", person=person, things=len(found.things), dead_letters=len(letters))
            return done

    async def _record(self, found: Found, letters: Sequence[int], word: Word) -> Done:
        answer = {"things": len(found.things), "letters": len(letters)}
        command = self._command(word, ["erase", found.person], answer)
        at = self._clock()
        data = {
            "person": found.person,
            "holders": [holder.hex() for holder in self._keyring.holders(found.pairs)],
            "things": len(found.things),
            "deadLetters": len(letters),
        }

        def work(fold: Fold) -> Appended:
            event = NewEvent(
                type="person.erased",
                version=1,
                stream=erasing.STREAM,
                expected=erasing.version(fold),
                data=data,
                actor=word.actor,
                reason=word.reason,
            )
            erasing.delete_letters(fold, letters)
            return erasing.empty(fold, found.things, erasing.Order(event=event, command=command, at=at))

        return replace(
            _told(found.person, await self._journal.carry_out(work)), things=len(found.things), letters=len(letters)
        )

    async def readmit(self, name: str, word: Word) -> Done:
        """What sources say of them is taken in again, from their next word on. Raises NotFound, Refused."""
        async with self._lock:
            person = await self.person(name)
            standing = _standing(await self._journal.stream(erasing.STREAM)).get(person, ())
            found = await self._journal.look_up(partial(erasing.find, person=person))
            if not standing and not self._keyring.barred(found.pairs):  # a restored log may not know of it
                raise Refused(f"{person} was not erased: nothing is withheld of them")
            holders = {*standing, *self._keyring.holders(found.pairs)}
            data = {"person": person, "holders": sorted(holder.hex() for holder in holders)}
            command = self._command(word, ["readmit", person], {})

            def work(fold: Fold) -> Appended:
                event = NewEvent(
                    type="person.readmitted",
                    version=1,
                    stream=erasing.STREAM,
                    expected=erasing.version(fold),
                    data=data,
                    actor=word.actor,
                    reason=word.reason,
                )
                # A restored log still has what was erased, unreadable: emptied, so that the same word counts as new.
                unreadable = [thing for thing in found.things if thing.says_personal]
                order = erasing.Order(event=event, command=command, at=fold.recorded_at)
                return erasing.empty(fold, unreadable, order)

            appended = await self._journal.carry_out(work)
            await asyncio.to_thread(self._keyring.admit, holders)
            return Done(person=person, seq=appended.seq, repeated=appended.repeated)

    async def correct(self, name: str, values: Mapping[str, Value], word: Word) -> Done:
        """What a person had put right stands above what any source says. Raises NotFound, BadRequest, Refused (they
        were erased), Conflict."""
        said = _checked(values)
        person = await self.person(name)
        if self._keyring.barred([(HUB, person)]):
            raise Refused(f"{person} was erased: readmit them before anything is put right")
        _check_reason(word.reason, [str(value) for value in said.values()])
        command = self._command(word, ["correct", person, said], {})
        stream = f"person:{person}"
        for _ in range(_TRIES):
            version = await self._journal.stream_version(stream)
            before = await self._own(person)
            claim = Claim(kind=erasing.PERSON, external_id=person, values={**before, **said})
            event = NewEvent(
                type="person.corrected",
                version=1,
                stream=stream,
                expected=version,
                data={"person": person, "fields": sorted(said)},
                actor=word.actor,
                reason=word.reason,
                claims=[claim],
            )
            draft = Draft(source=HUB, received_at=self._clock(), events=[event], command=command)
            try:
                appended = await self._journal.append(draft)
            except Conflict:
                if await self._journal.stream_version(stream) == version:
                    raise  # it is the key that was used for something else
            else:
                return Done(person=person, seq=appended.seq, repeated=appended.repeated)
        raise Conflict("others correct the same person too quickly: try again")

    async def hold(self, name: str, word: Word, *, place: bool) -> Held:
        """Places or releases a legal hold on a person, or on what was taken in for the response to the incident of
        this number: it is neither erased nor does its time run out. Raises NotFound, Refused, BadRequest, Conflict."""
        try:
            subject = await self.person(name)
        except NotFound:
            if not await self._journal.stream_version(f"incident:{name}"):
                raise NotFound(f"there is neither a person nor an incident {name!r}") from None
            subject = name
        command = self._command(word, ["hold", subject, place], {})
        order = holds.Order(subject=subject, place=place, actor=word.actor, reason=word.reason, command=command)
        appended = await holds.change(self._journal, order, self._clock())
        return Held(subject=subject, seq=appended.seq, repeated=appended.repeated)

    async def register(self, number: str, values: Mapping[str, Value], word: Word) -> Done:
        """A person who is known for an incident's response alone, such as one who was evacuated or came to help: what
        is personal goes when the incident was closed for [privacy] response_retention. Raises NotFound, BadRequest,
        Conflict."""
        said = _checked(values)
        stream = f"incident:{number}"
        if not (events := await self._journal.stream(stream)):
            raise NotFound(f"there is no incident {number!r}")
        if events[-1].type == "incident.closed":
            raise Refused(f"the incident {number} is closed: nobody is taken in for its response any more")
        called = erasing.response_name(number, uuid7(self._clock()))
        claim = Claim(kind=erasing.PERSON, external_id=called, values=said)
        command = self._command(word, ["register", number, {name: str(value) for name, value in said.items()}], {})
        draft = Draft(source=HUB, received_at=self._clock(), claims=[claim], command=command)
        appended = await self._journal.append(draft)
        return Done(
            person=next(iter(appended.entities.values())), seq=appended.seq, things=1, repeated=appended.repeated
        )

    async def settle(self) -> int:
        """Ends erasures that were begun, and honours here what a restored log says of them; the number of keys that
        were deleted by it."""
        deleted = 0
        for event in await self._journal.stream(erasing.STREAM):
            holders = _holders(event)
            if event.type == "person.erased":
                gone = [Forgotten(holder, to_micros(event.recorded_at)) for holder in holders]
                deleted += await asyncio.to_thread(self._keyring.honour, gone, bar=True)
            else:
                await asyncio.to_thread(self._keyring.admit, holders)
        if deleted:
            log.warning("erasure.settled", keys=deleted)
        return deleted

    # ---- what is known of them

    async def _own(self, person: str) -> Mapping[str, Value]:
        """What was put right before, in clear."""
        held = (await self._journal.claims_of([person])).get(person, ())
        own = [each for each in held if each.source == HUB and each.claim.external_id == person]
        return {
            name: value
            for each in await self._journal.unseal(own)
            for name, value in each.claim.values.items()
            if value is not None
        }

    async def _words(self, found: Found) -> Sequence[str]:
        """By which a dead letter, or a reason, names them."""
        held = [
            HeldClaim(
                seq=thing.seq,
                source=thing.source,
                entity=found.person,
                claim=thing.claim,
                targets={},
                recorded_at=self._clock(),
                last_seen=self._clock(),
            )
            for thing in found.things
        ]
        clear = await self._journal.unseal(held)
        return sorted(
            {
                str(value)
                for each in clear
                for name, value in each.claim.values.items()
                if value is not None and name in personal_fields(each.claim.kind)
            }
        )

    async def check_text(self, person: str, text: str) -> None:
        """Raises BadRequest for what names the person and would stand in the log in clear."""
        found = await self._journal.look_up(partial(erasing.find, person=person))
        _check_reason(text, await self._words(found))

    async def _first(self, word: Word, said: Sequence[object]) -> Appended | None:
        """What the same command was answered before. Raises Conflict where its key was used for another."""
        command = self._command(word, said, {})
        return None if command is None else await self._journal.carry_out(lambda fold: fold.first_answer(command))

    def _command(self, word: Word, said: Sequence[object], answer: Mapping[str, object]) -> Command | None:
        """The fingerprint is keyed: a telephone number's plain hash can be guessed."""
        if word.key is None:
            return None
        plain = Command.of(word.actor, word.key, [*said, word.reason], answer)
        return replace(plain, fingerprint=self._keyring.hmac(plain.fingerprint))


def _told(person: str, appended: Appended) -> Done:
    answer = appended.answer or {}
    things, letters = (answer.get(name) for name in ("things", "letters"))
    return Done(
        person=person,
        seq=appended.seq,
        things=things if isinstance(things, int) else 0,
        letters=letters if isinstance(letters, int) else 0,
        repeated=appended.repeated,
    )


def _standing(events: Sequence[EventEntry]) -> Mapping[str, Sequence[bytes]]:
    """Who is erased and was not readmitted, with the keyed hashes."""
    standing: dict[str, Sequence[bytes]] = {}
    for event in events:
        if event.type == "person.erased":
            standing[str(event.data["person"])] = _holders(event)
        else:
            standing.pop(str(event.data["person"]), None)
    return standing


def _holders(event: EventEntry) -> Sequence[bytes]:
    held = event.data["holders"]
    return [bytes.fromhex(each) for each in held] if isinstance(held, list) else []


def _check_reason(reason: str, words: Sequence[str]) -> None:
    if not reason.strip():
        raise BadRequest("give a reason: who asked for it, or which rule")
    if any(len(word) > 1 and word in reason for word in words):
        raise BadRequest("the reason names the person, and reasons are kept in clear: leave name and numbers out")


def _checked(values: Mapping[str, Value]) -> Mapping[str, Value]:
    if not values:
        raise BadRequest(f"say what to put right: {', '.join(CORRECTABLE)}")
    if unknown := sorted(values.keys() - set(CORRECTABLE)):
        raise BadRequest(f"{unknown[0]!r} of a person cannot be put right here; known are {', '.join(CORRECTABLE)}")
    for name, value in values.items():
        texts = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(text, str) and 0 < len(text.strip()) <= _LONGEST for text in texts):
            raise BadRequest(f"{name} is empty or too long: give up to {_LONGEST} characters")
    phone = values.get("phone")
    if phone is not None and not _PHONE.fullmatch(str(phone)):
        raise BadRequest("the phone is no telephone number: digits, spaces, - ( ) and a leading + are taken")
    return values
