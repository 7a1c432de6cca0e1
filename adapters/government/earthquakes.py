"""Earthquakes over HTTP: USGS' GeoJSON feeds, QuakeML 1.2 of any observatory, CENC's lists."""

import math
from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import orjson
from lxml import etree
from pydantic import Field

from adapters.contract import (
    AdapterConfig,
    Batch,
    Claim,
    Cursor,
    Definition,
    Health,
    Raw,
    Record,
    Source,
    Unreadable,
)
from adapters.government import areas, cma_message, markup, quake
from adapters.government.cap_feed import Piece
from adapters.government.draft import all_of
from adapters.government.poller import Poller
from adapters.government.web import Page, Web, WebConfig, too_long
from adapters.xml import Element, name

_EARTH = 6371.0
"""km, the mean radius."""


class Reach(AdapterConfig):
    """From this magnitude on, so far around the epicentre counts."""

    magnitude: float
    km: float = Field(ge=0)


class Near(AdapterConfig):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    km: float = Field(gt=0)


class EarthquakesConfig(WebConfig):
    min_magnitude: float | None = None  # smaller ones are left out; those without a magnitude stay
    near: Near | None = None  # those farther away are left out; those without a place stay
    reach: tuple[Reach, ...] = ()  # the circle that is warned of; none: the epicentre alone
    max_messages: int = Field(default=20_000, ge=1)  # of one feed; the first that it lists


class Earthquakes:
    """The adapter."""

    def __init__(self, source: Source, config: EarthquakesConfig) -> None:
        self._config = config
        self._reach = sorted(((each.magnitude, each.km) for each in config.reach), reverse=True)
        self._web = Web(config)
        self._poller = Poller(self._web, self._pieces, lambda raw: self.decode(raw), most=config.max_messages)

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
        """Nothing: an earthquake shows itself in the feed, and one that has left it is past, not gone."""
        for claim in list[Claim]():
            yield claim

    def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll: all that the feed lists now."""
        return self._poller.read(cursor)

    def decode(self, raw: Raw) -> Sequence[Record]:
        """A feed, or one event of it."""
        if len(raw.data) > self._config.max_bytes:
            raise Unreadable(too_long(len(raw.data), self._config.max_bytes))
        found = all_of(_events(raw.data, self._config.max_bytes), self._claim)
        return [claim for claim in found if self._is_wanted(claim)]

    def _claim(self, event: Any) -> Claim:
        if isinstance(event, etree._Element):
            return quake.of_quakeml(event, self._reach)
        if isinstance(event, dict) and "properties" not in event:
            return quake.of_cenc(event, self._reach)
        return quake.of_usgs(event, self._reach)

    def _pieces(self, page: Page) -> list[Piece]:
        """Raises Unreadable."""
        if not page.whole:
            raise Unreadable(too_long(len(page.data), self._config.max_bytes))
        return [
            Piece(raw=Raw(key=f"{page.address}#{number}", received_at=page.received_at, data=_bytes(event)))
            for number, event in enumerate(_events(page.data, self._config.max_bytes), 1)
        ]

    def _is_wanted(self, claim: Claim) -> bool:
        config, size = self._config, claim.values.get("magnitude")
        if config.min_magnitude is not None and isinstance(size, float) and size < config.min_magnitude:
            return False
        said = claim.values.get("areas")
        if config.near is None or not isinstance(said, str):
            return True
        return any(_km(config.near, circle) <= config.near.km for circle in areas.loads(said).circles)


def _events(data: bytes, most: int) -> Sequence[Any]:
    """Raises Unreadable where it is neither GeoJSON, QuakeML nor a list of CENC's."""
    if not data[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return _listed(cma_message.document(data))
    root, _ = markup.read(data, most=most)
    if name(root) == "event":
        return [root]
    if name(root) not in {"quakeml", "eventParameters"}:
        raise Unreadable(f"the document <{name(root)}> is no QuakeML", where=name(root))
    return list(_quakeml(root))


def _quakeml(root: Element) -> Iterator[Element]:
    for element in root.iter():
        if name(element) == "event":
            yield element


def _listed(read: object) -> Sequence[object]:
    if isinstance(read, dict):
        for key in ("features", "shuju", "data"):
            if isinstance(read.get(key), list):
                return list(read[key])
        if "CATA_ID" in read or isinstance(read.get("properties"), dict):
            return [read]
        rows = [row for row in read.values() if isinstance(row, dict) and "CATA_ID" in row]
        if rows:
            return rows
    if isinstance(read, list):
        return read
    raise Unreadable("neither GeoJSON nor a list of earthquakes: nothing stands at 'features'", where="features")


def _bytes(event: Any) -> bytes:
    if isinstance(event, etree._Element):
        return etree.tostring(event, with_tail=False, encoding="UTF-8")
    return orjson.dumps(event)


def _km(near: Near, circle: areas.Circle) -> float:
    """Along the great circle."""
    one, other = math.radians(near.latitude), math.radians(circle.latitude)
    apart = math.radians(circle.longitude - near.longitude)
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(apart / 2) ** 2
    return 2 * _EARTH * math.asin(min(1.0, math.sqrt(half)))


ADAPTER = Definition(
    name="earthquakes",
    version="1",
    summary="Earthquakes: USGS GeoJSON feeds, QuakeML 1.2 and CENC's lists, with magnitude, depth and place.",
    config=EarthquakesConfig,
    factory=Earthquakes,
    polls=True,
    discovers_all=False,
)
