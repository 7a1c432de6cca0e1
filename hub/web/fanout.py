"""One stream for all who watch the same under the same rights: an event is chosen, executed and encoded once, and goes
to each of them at once.

A subscriber begins by a stream of its own, from wherever it wants to begin, and joins the others where it has seen
what they have seen. One of them leads: its task reads the stream that all hear, and when it goes another one takes
over from the last event. Whoever cannot take an event at once, or whose rights have changed, parts from the rest
before that event and goes on by a stream of its own; nobody else notices.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from hub.web.answers import Made


@dataclass(slots=True, eq=False, kw_only=True)
class Member:
    """One subscription. `position` is the sequence number up to which it was told everything; None: not known yet."""

    take: Callable[[Made], bool]
    """Sends it without waiting; False where its rights are no more the group's, or there is no room for it: then
    nothing of it was sent."""

    record: Callable[[Made], Awaitable[None]]
    """Returns once it may be sent, if it shows something personal. Raises AuditUnavailable."""

    position: int | None = None
    telling: bool = False  # its own task has an event in hand
    joined: bool = False
    parted: bool = False
    _call: asyncio.Event = field(default_factory=asyncio.Event)

    def stands_between(self, before: int | None, seq: int) -> bool:
        """Whether it was told all until somewhere between the two, and has nothing in hand."""
        at = self.position
        return not (at is None or before is None or self.telling or self.parted) and before <= at < seq

    def part(self) -> None:
        self.joined, self.parted = False, True
        self._call.set()

    def call(self) -> None:
        self._call.set()

    async def called(self) -> None:
        """Returns where it may be the one to lead, or has parted."""
        await self._call.wait()
        self._call.clear()


class Group:
    """All who hear the same. `position` is the sequence number of the last event that it was told."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self.position: int | None = None
        self.leader: Member | None = None
        self._members: dict[Member, None] = {}
        self._leave = leave

    @property
    def hearing(self) -> int:
        return sum(1 for each in self._members if each.joined)

    def add(self, member: Member) -> None:
        """One that has a stream of its own so far."""
        self._members[member] = None

    def meets(self, member: Member) -> bool:
        """Joins it where it was told what the others were, or where there are no others yet."""
        if self.leader is None and not self.hearing:
            self.position = member.position
        if member.position is not None and member.position == self.position:
            member.joined, member.parted = True, False
        return member.joined

    def leads(self, member: Member) -> bool:
        """Whether the member's task is to read for all: there is no other one that does."""
        if self.leader is None:
            self.leader = member
        return self.leader is member

    async def tell(self, seq: int, made: Made) -> None:
        """To all who have heard what came before; whoever has not is left to its own stream. What is personal is
        recorded for each of them first."""
        recorded = await self._recorded(made) if made.ledger.personal else None
        before, self.position = self.position, seq
        for member in tuple(self._members):
            if not member.joined:
                if recorded is not None or not member.stands_between(before, seq):
                    continue
                member.joined = True  # what is next for the group is next for it
            elif member.position is not None and member.position >= seq:
                continue
            if (recorded is None or member in recorded) and member.take(made):
                member.position = seq
            else:
                member.part()

    async def _recorded(self, made: Made) -> set[Member]:
        """Those who may be sent it."""
        hearing = [each for each in self._members if each.joined]
        outcomes = await asyncio.gather(*(each.record(made) for each in hearing), return_exceptions=True)
        return {member for member, outcome in zip(hearing, outcomes, strict=True) if outcome is None}

    def remove(self, member: Member) -> None:
        """It goes, or has parted. Where nobody leads now, all are called: who was called alone might go as well."""
        self._members.pop(member, None)
        member.joined = False
        if self.leader is member:
            self.leader = None
        if self.leader is None:
            for other in self._members:
                if other.joined:
                    other.call()
        if not self._members:
            self._leave()


class Fanout:
    """The groups, each by what makes its subscribers hear the same."""

    def __init__(self) -> None:
        self._groups: dict[Hashable, Group] = {}

    def group(self, key: Hashable) -> Group:
        found = self._groups.get(key)
        if found is None:
            made = found = self._groups[key] = Group(lambda: self._left(key, made))
        return found

    def _left(self, key: Hashable, group: Group) -> None:
        if self._groups.get(key) is group:
            del self._groups[key]
