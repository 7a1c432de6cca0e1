"""CAP over HTTP: Atom and RSS feeds whose entries link to messages or hold them, single messages, NWS' GeoJSON."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from types import TracebackType
from typing import Self, TypeVar

from pydantic import Field

from adapters.contract import (
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Definition,
    Fault,
    Health,
    HealthState,
    Raw,
    Record,
    Source,
    SourceError,
    Unreadable,
    guarded,
)
from adapters.government import cap_feed, feed_entry, markup, nws
from adapters.government.cap_feed import Found, Piece
from adapters.government.cap_message import claim_of
from adapters.government.draft import repeated
from adapters.government.endings import Memory
from adapters.government.web import Page, Web, WebConfig, too_long
from hub.clock import now

T = TypeVar("T")

PAGE = 500
"""Claims of one batch."""

_AT_ONCE = 6
_MOST_FAULTS = 50
_JSON = (b"{", b"[")


class CapConfig(WebConfig):
    languages: tuple[str, ...] = ("zh", "en")  # of a message's texts, the first that there is
    follow_links: bool = True  # False: what the feed itself says is all that is read
    max_messages: int = Field(default=2000, ge=1)  # of one feed; the first that it lists


@dataclass(slots=True)
class _Poll:
    """What one poll has gathered."""

    claims: list[Claim] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: set[bytes] = field(default_factory=set)  # digests

    def fault(self, where: str, reason: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(where=where, reason=reason))


class Cap:
    """The adapter. Between polls it keeps what the feed lists, so that a message is fetched once."""

    def __init__(self, source: Source, config: CapConfig) -> None:
        self._config = config
        self._web = Web(config)
        self._listed: Sequence[Piece] = ()
        self._read_before: dict[str, list[Claim]] = {}  # by a linked entry's digest
        self._told: set[bytes] = set()  # digests of what became a dead letter already

    async def __aenter__(self) -> Self:
        await self._web.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web.__aexit__(kind, error, trace)

    async def check(self) -> Health:
        page = await self._web.get(self._config.url, afresh=True)
        if page is None:
            return Health(state=HealthState.OK)
        try:
            listed = await asyncio.to_thread(guarded(self._pieces), page)
        except Unreadable as unreadable:
            text = f"{self._config.url} answers, and what it gives cannot be read: {unreadable.reason}"
            return Health(state=HealthState.DEGRADED, text=text)
        return Health(state=HealthState.OK, text=f"{self._config.url} lists {len(listed)} messages")

    async def discover(self) -> AsyncIterator[Claim]:
        """Nothing: a warning shows itself in the feed, and one that has left it is past, not gone."""
        for claim in list[Claim]():
            yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll: all that the feed lists now, whether it is new or not."""
        memory, poll = Memory.of(cursor), _Poll()
        page = await self._web.get(self._config.url)
        if page is not None:
            try:
                self._listed = await asyncio.to_thread(guarded(self._pieces), page)
            except Unreadable as unreadable:
                self._web.forget()  # so that it is told at each poll until it is mended
                self._unread(poll, page.raw, unreadable)
        await self._messages(poll, memory)
        received_at = now()
        claims = memory.ending(poll.claims, received_at)
        for start in range(0, max(len(claims), 1), PAGE):
            yield Batch(
                records=claims[start : start + PAGE],
                unreadable=() if start else poll.letters,
                faults=() if start else poll.faults,
                received_at=received_at,
                cursor=memory.cursor(),
            )

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A message, or all that a feed holds. `read` takes each message of a feed by itself, so that a bad one becomes
        a dead letter of its own; here it is left out, if there is a good one."""
        config = self._config
        if len(raw.data) > config.max_bytes:
            raise Unreadable(too_long(len(raw.data), config.max_bytes))
        if _is_json(raw.data):
            return _all(nws.features(nws.document(raw.data)), nws.claim_of)
        root, flags = markup.read(raw.data, most=config.max_bytes)

        def claim(one: Found) -> Claim:
            if one.is_alert:
                return claim_of(one.element, config.languages, [*flags, *one.flags])
            return feed_entry.claim_of(one.element)

        return _all(list(cap_feed.found_in(root, most=config.max_bytes)), claim)

    def _pieces(self, page: Page) -> list[Piece]:
        """Raises Unreadable."""
        most = self._config.max_bytes
        if not page.whole:
            raise Unreadable(too_long(len(page.data), most))
        if _is_json(page.data):
            return nws.pieces(page.raw)
        root, flags = markup.read(page.data, most=most)
        return cap_feed.pieces(page.raw, root, flags, most=most)

    async def _messages(self, poll: _Poll, memory: Memory) -> None:
        most = self._config.max_messages
        if len(self._listed) > most:
            reason = f"it lists {len(self._listed)} messages, and the first {most} are read: raise max_messages"
            poll.faults.append(Fault(where=self._config.url, reason=reason))
        listed = self._listed[:most]
        linked = [piece for piece in listed if piece.link is not None and self._config.follow_links]
        alone = [piece.raw for piece in listed if piece.link is None or not self._config.follow_links]
        for raw, found in await asyncio.to_thread(self._decoded, alone):
            if isinstance(found, Unreadable):
                self._unread(poll, raw, found)
            else:
                poll.claims += found
        kept: dict[str, list[Claim]] = {}
        for start in range(0, len(linked), _AT_ONCE):
            group = linked[start : start + _AT_ONCE]
            for piece, claims in zip(
                group, await asyncio.gather(*(self._follow(one, poll) for one in group)), strict=True
            ):
                await self._take(piece, claims, poll, memory)
                if claims is not None:
                    kept[_digest(piece)] = claims
        self._read_before = kept
        self._told &= {_digest_of(letter) for letter in [*alone, *(piece.raw for piece in linked)]} | poll.unread

    async def _follow(self, piece: Piece, poll: _Poll) -> list[Claim] | None:
        """The message that the entry links to; None where it is not to be had."""
        address = piece.link or ""
        known = self._read_before.get(_digest(piece))
        if known is not None:
            return known
        if not self._web.may_go(address):
            poll.fault(address, "the feed links to another host: name it in `hosts`, or set follow_links = false")
            return None
        try:
            page = await self._web.get(address, afresh=True)
        except SourceError as error:
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
        return claims or None

    async def _take(self, piece: Piece, claims: list[Claim] | None, poll: _Poll, memory: Memory) -> None:
        """A message takes the place of the entry that stood for it; without one the entry stands."""
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
                    poll.claims.append(Claim(kind="Warning", external_id=claim.external_id, gone=True))

    def _decoded(self, raws: Sequence[Raw]) -> list[tuple[Raw, list[Claim] | Unreadable]]:
        """In a thread, so that the event loop goes on."""
        decode, results = guarded(self.decode), list[tuple[Raw, list[Claim] | Unreadable]]()
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


def _all(parts: Sequence[T], claim: Callable[[T], Claim]) -> list[Claim]:
    """Raises the first part's Unreadable where none can be read."""
    claims: list[Claim] = []
    first: Unreadable | None = None
    for part in parts:
        try:
            claims.append(claim(part))
        except Unreadable as unreadable:
            first = first or unreadable
    if first is not None and not claims:
        raise first
    return repeated(claims)


def _is_json(data: bytes) -> bool:
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in _JSON


def _digest(piece: Piece) -> str:
    return f"{piece.link} {_digest_of(piece.raw).hex()}"


def _digest_of(raw: Raw) -> bytes:
    return sha256(raw.data).digest()


ADAPTER = Definition(
    name="cap",
    version="1",
    summary="CAP warnings over HTTP: Atom, RSS and GeoJSON feeds, EDXL-DE, single messages; GDACS and GeoRSS.",
    config=CapConfig,
    factory=Cap,
    polls=True,
    discovers_all=False,
)
