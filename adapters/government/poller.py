"""One poll of a page of warnings, and of the messages that it links to; what CAP, China's and the earthquakes' adapters
share. Between polls it keeps what the page lists, so that a message is fetched once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from adapters.contract import (
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Fault,
    Health,
    HealthState,
    Raw,
    Record,
    SourceError,
    Unreachable,
    Unreadable,
    guarded,
)
from adapters.government.cap_feed import Piece
from adapters.government.draft import repeated
from adapters.government.endings import Memory
from adapters.government.web import Page, Web
from hub.clock import now

PAGE = 500
"""Claims of one batch."""

_AT_ONCE = 6
_MOST_FAULTS = 50


_Decoded = tuple[Raw, list[Claim] | Unreadable]


@dataclass(slots=True)
class _Poll:
    """What one poll has gathered."""

    claims: list[Claim] = field(default_factory=list)
    gone: list[Claim] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: set[bytes] = field(default_factory=set)  # digests
    unanswered: int = 0  # linked messages, one after the other, whose server did not answer
    silent: bool = False  # it is not asked again before the next poll: each would wait as long

    def fault(self, where: str, reason: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(where=where, reason=reason))


class Poller:
    """`pieces` parts a page into messages and entries, in a thread; raises Unreadable. `decode` is the adapter's."""

    def __init__(
        self,
        web: Web,
        pieces: Callable[[Page], list[Piece]],
        decode: Callable[[Raw], Sequence[Record]],
        *,
        most: int,
        follow: bool = True,
        join: Callable[[Claim, Claim], Claim] | None = None,
    ) -> None:
        """`join`: what becomes of an entry's claim and its message's, where both are needed."""
        self._web = web
        self._pieces = pieces
        self._decode = decode
        self._most = most
        self._follows = follow
        self._join = join
        self._listed: Sequence[Piece] = ()
        self._unlisted = 0
        self._held: Sequence[_Decoded] = ()  # of the messages that the page itself holds
        self._read_before: dict[str, list[Claim]] = {}  # by a linked entry's digest
        self._told: set[bytes] = set()  # digests of what became a dead letter already

    async def check(self) -> Health:
        page = await self._web.get(self._web.home, afresh=True)
        if page is None:
            return Health(state=HealthState.OK)
        try:
            listed = await asyncio.to_thread(guarded(self._pieces), page)
        except Unreadable as unreadable:
            text = f"{self._web.home} answers, and what it gives cannot be read: {unreadable.reason}"
            return Health(state=HealthState.DEGRADED, text=text)
        return Health(state=HealthState.OK, text=f"{self._web.home} lists {len(listed)} messages")

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll: all that the feed lists now, whether it is new or not."""
        memory, poll = Memory.of(cursor), _Poll()
        page = await self._web.get(self._web.home)
        if page is not None:
            try:
                self._listed = (listed := await asyncio.to_thread(guarded(self._pieces), page))[: self._most]
                self._unlisted = len(listed) - len(self._listed)
                alone = [piece.raw for piece in self._listed if not self._is_linked(piece)]
                self._held = await asyncio.to_thread(self._decoded, alone)
            except Unreadable as unreadable:
                self._web.forget()  # so that it is told at each poll until it is mended
                self._unread(poll, page.raw, unreadable)
        self._hold(poll)
        linked = [piece for piece in self._listed if self._is_linked(piece)]
        if poll.claims and any(_digest(piece) not in self._read_before for piece in linked):
            # What is at hand does not wait for servers that may be slow.
            early = memory.ending(repeated(poll.claims), now())
            for start in range(0, len(early), PAGE):
                yield Batch(records=early[start : start + PAGE], received_at=now())
        await self._messages(linked, poll, memory)
        received_at = now()
        claims = [*memory.ending(repeated(poll.claims), received_at), *poll.gone]
        for start in range(0, max(len(claims), 1), PAGE):
            yield Batch(
                records=claims[start : start + PAGE],
                unreadable=() if start else poll.letters,
                faults=() if start else poll.faults,
                received_at=received_at,
                cursor=memory.cursor(),
            )

    def _hold(self, poll: _Poll) -> None:
        """What the page itself holds."""
        if self._unlisted:
            total = len(self._listed) + self._unlisted
            reason = f"it lists {total} messages, and the first {self._most} are read: raise max_messages"
            poll.fault(self._web.home, reason)
        for raw, found in self._held:
            if isinstance(found, Unreadable):
                self._unread(poll, raw, found)
            else:
                poll.claims += found

    async def _messages(self, linked: Sequence[Piece], poll: _Poll, memory: Memory) -> None:
        kept: dict[str, list[Claim]] = {}
        for start in range(0, len(linked), _AT_ONCE):
            group = linked[start : start + _AT_ONCE]
            poll.silent = poll.silent or poll.unanswered >= _AT_ONCE
            found = await asyncio.gather(*(self._follow(one, poll) for one in group))
            for piece, claims in zip(group, found, strict=True):
                await self._take(piece, claims, poll, memory)
                if claims is not None:
                    kept[_digest(piece)] = claims
        self._read_before = kept
        self._told &= poll.unread

    async def _follow(self, piece: Piece, poll: _Poll) -> list[Claim] | None:
        """The message that the entry links to; None where it is not to be had."""
        address = piece.link or ""
        known = self._read_before.get(_digest(piece))
        if known is not None:
            return known
        if not self._web.may_go(address):
            poll.fault(address, "the feed links to another host: name it in `hosts`, or set follow_links = false")
            return None
        if poll.silent:
            poll.fault(address, "not asked for in this poll, since others did not answer; its entry stands for it")
            return None
        try:
            page = await self._web.get(address, afresh=True)
            poll.unanswered = 0
        except SourceError as error:
            poll.unanswered += isinstance(error, Unreachable)
            poll.fault(address, f"the message cannot be had, and the feed's entry stands for it: {error}")
            return None
        claims: list[Claim] = []
        if page is not None:
            try:
                parts = await asyncio.to_thread(guarded(self._pieces), page)
            except Unreadable as unreadable:
                self._unread(poll, page.raw, unreadable)
                return None
            for raw, found in await asyncio.to_thread(self._decoded, [part.raw for part in parts]):
                if isinstance(found, Unreadable):
                    self._unread(poll, raw, found)
                else:
                    claims += found
        if self._join is not None and claims:
            [(_, entry)] = await asyncio.to_thread(self._decoded, [piece.raw])
            if not isinstance(entry, Unreadable):
                claims = [self._join(entry[0], claim) for claim in claims]
        return claims or None

    async def _take(self, piece: Piece, claims: list[Claim] | None, poll: _Poll, memory: Memory) -> None:
        """A message takes the place of the entry that stood for it; without one the entry stands."""
        if claims is not None and not memory.stand_ins:
            poll.claims += claims
            return
        [(_, entry)] = await asyncio.to_thread(self._decoded, [piece.raw])
        stand_ins = [] if isinstance(entry, Unreadable) else entry
        if claims is None:
            poll.claims += stand_ins
            memory.stand_ins |= {claim.external_id for claim in stand_ins}
            return
        poll.claims += claims
        names = {claim.external_id for claim in claims}
        for claim in stand_ins:
            if claim.external_id in memory.stand_ins:
                memory.stand_ins.discard(claim.external_id)
                if claim.external_id not in names:
                    poll.gone.append(Claim(kind="Warning", external_id=claim.external_id, gone=True))

    def _is_linked(self, piece: Piece) -> bool:
        return piece.link is not None and self._follows

    def _decoded(self, raws: Sequence[Raw]) -> list[_Decoded]:
        """In a thread, so that the event loop goes on."""
        decode, results = guarded(self._decode), list[_Decoded]()
        for raw in raws:
            try:
                results.append((raw, [record for record in decode(raw) if isinstance(record, Claim)]))
            except Unreadable as unreadable:
                results.append((raw, unreadable))
        return results

    def _unread(self, poll: _Poll, raw: Raw, unreadable: Unreadable) -> None:
        """A dead letter at its first time; as long as the server gives it, a fault."""
        digest = _digest_of(raw)
        poll.unread.add(digest)
        if digest not in self._told:
            self._told.add(digest)
            poll.letters.append(DeadLetter.of(raw, unreadable))
        else:
            poll.fault(unreadable.where or raw.key, f"still cannot be read: {unreadable.reason}")


def _digest(piece: Piece) -> str:
    return f"{piece.link} {_digest_of(piece.raw).hex()}"


def _digest_of(raw: Raw) -> bytes:
    return sha256(raw.data).digest()
