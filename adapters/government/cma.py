"""China's warnings as weather.com.cn lists them: a list of all that hold, and a page of details for each."""

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

import orjson
from pydantic import Field

from adapters.contract import Batch, Claim, Cursor, Definition, Health, Raw, Record, Source, Unreadable
from adapters.government import cma_message
from adapters.government.cap_feed import Piece
from adapters.government.draft import all_of
from adapters.government.poller import Poller
from adapters.government.web import Page, Web, WebConfig, too_long


class CmaConfig(WebConfig):
    url: str = Field(default="https://product.weather.com.cn/alarm/grepalarm_cn.php", pattern=r"^https?://[^\s/]+\S*$")
    headers: dict[str, str] = Field(default_factory=lambda: {"Referer": "https://www.weather.com.cn/"})
    detail_url: str | None = Field(
        default="https://product.weather.com.cn/alarm/webdata/{file}", pattern=r"^https?://[^\s/]+/\S*\{file\}\S*$"
    )  # None: the list is all that is read
    places: tuple[
        str, ...
    ] = ()  # the beginning of a name (重庆) or of a GB/T 2260 code (5001); none: the whole country
    max_messages: int = Field(default=2000, ge=1)  # of one list, after `places`


class Cma:
    """The adapter."""

    def __init__(self, source: Source, config: CmaConfig) -> None:
        self._config = config
        self._web = Web(config)
        self._poller = Poller(
            self._web,
            self._pieces,
            lambda raw: self.decode(raw),
            most=config.max_messages,
            follow=config.detail_url is not None,
            join=cma_message.joined,
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
        """Nothing: a warning shows itself in the list, and one that has left it is past, not gone."""
        for claim in list[Claim]():
            yield claim

    def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll: all that the list holds now, each with its details, which are fetched once."""
        return self._poller.read(cursor)

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A list, a row of it, or a page of details."""
        if len(raw.data) > self._config.max_bytes:
            raise Unreadable(too_long(len(raw.data), self._config.max_bytes))
        return all_of(cma_message.items(cma_message.document(raw.data)), cma_message.claim_of)

    def _pieces(self, page: Page) -> list[Piece]:
        """Raises Unreadable."""
        if not page.whole:
            raise Unreadable(too_long(len(page.data), self._config.max_bytes))
        parts: list[Piece] = []
        for number, item in enumerate(cma_message.items(cma_message.document(page.data)), 1):
            if page.address == self._config.url and not cma_message.is_of(item, self._config.places):
                continue
            key = f"{page.address}#{number}"
            raw = Raw(key=key, received_at=page.received_at, data=orjson.dumps(item))
            file, detail = cma_message.file_of(item), self._config.detail_url
            parts.append(Piece(raw=raw, link=detail.replace("{file}", file) if file and detail else None))
        return parts


ADAPTER = Definition(
    name="cma",
    version="1",
    summary="China's weather warnings as weather.com.cn lists them, with colour, issuer and area.",
    config=CmaConfig,
    factory=Cma,
    polls=True,
    discovers_all=False,
)
