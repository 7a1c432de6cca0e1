"""CAP over HTTP: Atom and RSS feeds whose entries link to messages or hold them, single messages, NWS' GeoJSON."""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from pydantic import Field

from adapters.contract import Batch, Claim, Cursor, Definition, Health, Raw, Record, Source, Unreadable
from adapters.government import cap_feed, feed_entry, markup, nws
from adapters.government.cap_feed import Found, Piece
from adapters.government.cap_message import claim_of
from adapters.government.draft import all_of
from adapters.government.poller import Poller
from adapters.government.web import Page, Web, WebConfig, too_long

_JSON = (b"{", b"[")


class CapConfig(WebConfig):
    languages: tuple[str, ...] = ("zh", "en")  # of a message's texts, the first that there is
    follow_links: bool = True  # False: what the feed itself says is all that is read
    max_messages: int = Field(default=2000, ge=1)  # of one feed; the first that it lists


class Cap:
    """The adapter."""

    def __init__(self, source: Source, config: CapConfig) -> None:
        self._config = config
        self._web = Web(config)
        self._poller = Poller(
            self._web,
            self._pieces,
            lambda raw: self.decode(raw),
            most=config.max_messages,
            follow=config.follow_links,
        )

    async def __aenter__(self) -> Self:
        await self._web.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._web.__aexit__(kind, error, trace)

    async def check(self) -> Health:
        return await self._poller.check()

    async def discover(self) -> AsyncIterator[Claim]:
        """Nothing: a warning shows itself in the feed, and one that has left it is past, not gone."""
        for claim in list[Claim]():
            yield claim

    def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll: all that the feed lists now, whether it is new or not."""
        return self._poller.read(cursor)

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A message, or all that a feed holds. `read` takes each message of a feed by itself, so that a bad one becomes
        a dead letter of its own; here it is left out, if there is a good one."""
        config = self._config
        if len(raw.data) > config.max_bytes:
            raise Unreadable(too_long(len(raw.data), config.max_bytes))
        if _is_json(raw.data):
            return all_of(nws.features(nws.document(raw.data)), nws.claim_of)
        root, flags = markup.read(raw.data, most=config.max_bytes)

        def claim(one: Found) -> Claim:
            if one.is_alert:
                return claim_of(one.element, config.languages, [*flags, *one.flags])
            return feed_entry.claim_of(one.element)

        return all_of(list(cap_feed.found_in(root, most=config.max_bytes)), claim)

    def _pieces(self, page: Page) -> list[Piece]:
        """Raises Unreadable."""
        most = self._config.max_bytes
        if not page.whole:
            raise Unreadable(too_long(len(page.data), most))
        if _is_json(page.data):
            return nws.pieces(page.raw)
        root, flags = markup.read(page.data, most=most)
        return cap_feed.pieces(page.raw, root, flags, most=most)


def _is_json(data: bytes) -> bool:
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in _JSON


ADAPTER = Definition(
    name="cap",
    version="1",
    summary="CAP warnings over HTTP: Atom, RSS and GeoJSON feeds, EDXL-DE, single messages; GDACS and GeoRSS.",
    config=CapConfig,
    factory=Cap,
    polls=True,
    discovers_all=False,
)
