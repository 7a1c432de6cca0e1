"""The desk of break-glasses: opened with a fresh login and a reason, ended by hand or by time, told to a second person
at once, reviewed by another one. It needs the journal alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hub.access.break_glass import events
from hub.access.break_glass.events import BreakGlass, Finding, SealedCode
from hub.access.break_glass.telling import Teller
from hub.access.moment import BREAK_GLASS
from hub.access.rights import Rights
from hub.clock import Clock
from hub.errors import BadRequest, CausewayError, Conflict, Forbidden, NotFound, Unauthenticated
from hub.journal.ids import uuid7
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Command, Draft, EventEntry, NewEvent
from hub.telemetry import logger
from hub.viewer import Action, Viewer

LOOK_EVERY = 0.4
"""Seconds between two looks at what another process appended, and at whose time is over."""
LONGEST_REASON = 500
_WEIGHT = 16  # what a reason must weigh: a Han character 2, any other letter or digit 1
_DISTINCT = 6  # different letters in it
_BACK_OFF = 2.0  # seconds
_TRIES = 10
_log = logger(__name__)


class StepUpNeeded(Unauthenticated):
    """The login is too old for this (RFC 9470): log in again and come back with the new token."""


class NothingMore(Forbidden):
    """A policy forbids it always, or shows all of it already."""


class AlreadyBroken(Conflict):
    """One is in force; a second opens nothing more."""

    retry = False


class AlreadyOver(Conflict):
    """It has ended, or was reviewed, before; nothing is left to do."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`fresh`: how old a login may be. `longest`: minutes that one may last. `seconds_persons`: roles that are told,
    may end another's, and review."""

    fresh: timedelta = timedelta(minutes=5)
    longest: int = 60
    second_persons: frozenset[str] = frozenset({"privacy_officer", "commander"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`incident`: the id of one that is open; `case`: a number in the park's own books."""

    reason: str
    minutes: int
    incident: str | None = None
    case: str | None = None


class BreakGlasses:
    """`run` follows the log and ends what is over, until it is cancelled. What is in force is asked of memory."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        rights: Callable[[], Rights],
        teller: Teller | None = None,
        limits: Limits | None = None,
        step: Callable[[NewEvent], None] = lambda event: None,
    ) -> None:
        """`step` is told of each that this process took, once it is in the log."""
        self.limits = limits or Limits()
        self._journal = journal
        self._clock = clock
        self._rights = rights
        self._teller = teller
        self._step = step
        self._version = 0
        self._all: dict[str, BreakGlass] = {}
        self._going: dict[tuple[str | None, str], BreakGlass] = {}  # (issuer, subject) → the one in force
        self._codes: dict[str, SealedCode] = {}

    # ---- following the log

    async def run(self) -> None:
        while True:
            try:
                await self.refresh()
                await self._end_those_over()
                await asyncio.sleep(LOOK_EVERY)
            except CausewayError as error:
                _log.warning("break_glass.not_followed", reason=error.message)
                await asyncio.sleep(_BACK_OFF)

    async def refresh(self) -> None:
        for entry in await self._journal.stream(events.STREAM, after=self._version):
            self._take(entry)

    def _take(self, entry: EventEntry) -> None:
        if entry.stream_version <= self._version:
            return
        self._version = entry.stream_version
        if entry.type == events.CODES_MADE:
            self._codes = {code.id: code for code in events.codes_of(entry)}
            return
        told: Any = entry.data["breakGlass"]
        glass = events.glass_of(told)
        self._all[glass.id] = glass
        if entry.type == events.OPENED and glass.code is not None:
            self._codes.pop(glass.code, None)
        whose = (glass.issuer, glass.subject)
        if glass.ended_at is None:
            self._going[whose] = glass
        elif (going := self._going.get(whose)) is not None and going.id == glass.id:
            del self._going[whose]

    async def _end_those_over(self) -> None:
        now = self._clock()
        for glass in [each for each in self._going.values() if each.until <= now]:
            over = replace(glass, ended_at=glass.until, ended_by=events.BY_TIME)
            try:
                await self._append(events.event(events.ENDED, over, expected=self._version, actor=HUB))
            except Conflict:  # someone was quicker: it is looked at again
                await self.refresh()

    # ---- asking

    def broken(self, viewer: Viewer) -> str | None:
        """The id of the viewer's that is in force at this moment."""
        going = self._going.get((viewer.issuer, viewer.subject))
        return going.id if going is not None and going.holds(self._clock()) else None

    def get(self, id_: str) -> BreakGlass | None:
        return self._all.get(id_)

    def listed(self, first: int) -> list[BreakGlass]:
        """The newest first."""
        return sorted(self._all.values(), key=lambda glass: glass.opened_at, reverse=True)[:first]

    @property
    def codes(self) -> Sequence[SealedCode]:
        """Those of sealed envelopes that are left."""
        return tuple(self._codes.values())

    def is_second_person(self, viewer: Viewer) -> bool:
        """Who is told of others', may end them and reviews; the local administrator where the hub has no issuers."""
        known = viewer.issuer is not None and viewer.issuer != events.SEALED
        return bool(known and viewer.roles & self.limits.second_persons) or viewer.issuer is None

    # ---- doing

    async def open(self, viewer: Viewer, asked: Asked, key: str) -> tuple[BreakGlass, int]:
        """The break-glass and its number in the log. Once for each `key` of the viewer's.

        Raises BadRequest, StepUpNeeded, NothingMore, AlreadyBroken, Conflict.
        """
        check(asked, self.limits)
        now = self._clock()
        self._must_be_fresh(viewer, now)
        self._must_open_something(viewer)
        glass = BreakGlass(
            id=uuid7(now),
            subject=viewer.subject,
            issuer=viewer.issuer,
            client=viewer.client,
            roles=tuple(sorted(viewer.roles)),
            organization=viewer.organization,
            purpose=viewer.purpose,
            reason=asked.reason.strip(),
            incident=asked.incident,
            case=asked.case,
            opened_at=now,
            until=now + timedelta(minutes=asked.minutes),
        )
        given = ["breakGlass", glass.reason, asked.incident, asked.case, asked.minutes]
        command = Command.of(
            f"{viewer.issuer or ''} {viewer.subject}", key, given, {"breakGlass": events.snapshot(glass)}
        )
        appended = await self.store(glass, viewer.subject, command)
        answer: Any = appended.answer
        return events.glass_of(answer["breakGlass"]), appended.seq

    async def store(self, glass: BreakGlass, actor: str, command: Command | None = None) -> Appended:
        """Opens it, and has a second person told. Raises AlreadyBroken, Conflict."""
        for _ in range(_TRIES):
            await self.refresh()
            going = self._going.get((glass.issuer, glass.subject))
            another = going is not None and going.holds(self._clock())
            if glass.code is not None and glass.code not in self._codes:
                raise NotFound("this code is used or void")
            # With another in force the draft cannot be stored; the journal still knows a repeated key.
            seen = self._version
            expected = seen - 1 if another else seen
            try:
                appended = await self._append(
                    events.event(events.OPENED, glass, expected=expected, actor=actor), command
                )
            except Conflict:
                if another and going is not None:
                    raise AlreadyBroken(
                        f"yours is in force until {going.until.isoformat()}: it opens all of it"
                    ) from None
                if await self._journal.stream_version(events.STREAM) == seen:
                    raise  # nothing moved: it is the key that was used for something else
                continue
            if not appended.repeated:
                _log.warning("break_glass.opened", id=glass.id, until=glass.until.isoformat(), sealed=bool(glass.code))
                if self._teller is not None:
                    self._teller.tell(glass)
            return appended
        raise Conflict("too much happens at once: try again")

    async def end(self, viewer: Viewer, id_: str) -> BreakGlass:
        """One's own, or as a second person another's. Raises NotFound, AlreadyOver."""
        for _ in range(_TRIES):
            glass = await self._found(viewer, id_)
            if glass.ended_at is not None:
                raise AlreadyOver(f"it ended at {glass.ended_at.isoformat()}: nothing is left to do")
            over = replace(glass, ended_at=min(self._clock(), glass.until), ended_by=viewer.subject)
            try:
                await self._append(events.event(events.ENDED, over, expected=self._version, actor=viewer.subject))
            except Conflict:
                continue
            return over
        raise Conflict("too much happens at once: try again")

    async def review(self, viewer: Viewer, id_: str, finding: Finding, note: str | None) -> BreakGlass:
        """By a second person, of another's that is over. Raises NotFound, Forbidden, AlreadyOver, BadRequest."""
        for _ in range(_TRIES):
            glass = await self._found(viewer, id_)
            if not self.is_second_person(viewer) or self._is_own(viewer, glass):
                raise Forbidden("a second person reviews it, not who opened it")
            if glass.holds(self._clock()):
                raise BadRequest(f"it is in force until {glass.until.isoformat()}: review it when it is over")
            if glass.reviewed_at is not None:
                raise AlreadyOver(f"{glass.reviewed_by} reviewed it at {glass.reviewed_at.isoformat()}")
            seen = replace(
                glass,
                ended_at=glass.over_at,
                ended_by=glass.ended_by or events.BY_TIME,
                reviewed_at=self._clock(),
                reviewed_by=viewer.subject,
                finding=finding,
                note=note,
            )
            try:
                await self._append(events.event(events.REVIEWED, seen, expected=self._version, actor=viewer.subject))
            except Conflict:
                continue
            return seen
        raise Conflict("too much happens at once: try again")

    async def replace_codes(self, codes: Sequence[SealedCode], actor: str) -> None:
        """All earlier ones are void."""
        await self.refresh()
        await self._append(events.codes_made(codes, expected=self._version, actor=actor))

    async def _found(self, viewer: Viewer, id_: str) -> BreakGlass:
        await self.refresh()
        glass = self._all.get(id_)
        if glass is None or not (self._is_own(viewer, glass) or self.is_second_person(viewer)):
            raise NotFound(f"there is no break-glass {id_!r}")
        return glass

    def _is_own(self, viewer: Viewer, glass: BreakGlass) -> bool:
        return (viewer.issuer, viewer.subject) == (glass.issuer, glass.subject)

    def _must_be_fresh(self, viewer: Viewer, now: datetime) -> None:
        at = viewer.authenticated_at
        if viewer.issuer is not None and (at is None or now - at > self.limits.fresh):
            minutes = self.limits.fresh.total_seconds() / 60
            raise StepUpNeeded(
                f"Log in again (max_age=0) and come back with the new token within {minutes:g} min: "
                + ("this one does not say when you logged in (auth_time)." if at is None else "your login is too old.")
            )

    def _must_open_something(self, viewer: Viewer) -> None:
        rights = self._rights()
        plain = replace(viewer, flags=viewer.flags - {BREAK_GLASS}, break_glass=None)
        flagged = replace(plain, flags=plain.flags | {BREAK_GLASS})
        actions = (Action.READ, Action.SUBSCRIBE)
        if all(rights.mask(flagged, action) in (rights.mask(plain, action), ()) for action in actions):
            raise NothingMore("The policies show your roles and purpose nothing more for it.")

    async def _append(self, event: NewEvent, command: Command | None = None) -> Appended:
        draft = Draft(source=HUB, received_at=self._clock(), events=[event], command=command)
        appended = await self._journal.append(draft)
        if not appended.repeated:
            self._step(event)
        await self.refresh()
        return appended


def check(asked: Asked, limits: Limits) -> None:
    """Raises BadRequest."""
    reason = asked.reason.strip()
    letters = [each for each in reason if each.isalnum()]
    weight = sum(2 if "\u3400" <= each <= "\u9fff" else 1 for each in letters)
    if weight < _WEIGHT or len(set(letters)) < _DISTINCT:
        raise BadRequest("Say in a sentence why personal data is needed now: it is told, and reviewed.")
    if len(reason) > LONGEST_REASON:
        raise BadRequest(f"The reason has {len(reason)} characters; at most {LONGEST_REASON} are taken.")
    if not asked.incident and not (asked.case and asked.case.strip()):
        raise BadRequest("Name the incident, or the number of the case.")
    if asked.case is not None and len(asked.case) > 100:
        raise BadRequest("The number of the case has more than 100 characters.")
    if not 1 <= asked.minutes <= limits.longest:
        raise BadRequest(f"It may last 1 to {limits.longest} minutes, not {asked.minutes}.")
