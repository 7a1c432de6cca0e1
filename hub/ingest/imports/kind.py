"""What a kind of table is: its columns in English and Chinese, and how one of its rows becomes a claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from adapters.contract import Claim
from hub.coordinates import CoordinateSystem

if TYPE_CHECKING:
    from hub.ingest.imports.cells import Cells
    from hub.ingest.imports.standing import Standing

POSITION = "position"
IDENTIFIERS = "identifiers"
LANGUAGES = ("zh", "en")


class BadRow(ValueError):
    """The row cannot be taken: says what to change, and never a personal value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`feeds`: what of the claim it says (fields, relations in capitals, POSITION, IDENTIFIERS); what no column of a
    file says stays as it was."""

    name: str
    zh: str
    meaning: str  # for the documentation and the templates
    feeds: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # other headers by which it is known
    due: bool = False
    personal: bool = False  # what stands in it is told to nobody


GONE = Column(
    name="gone", zh="撤销", meaning="yes: the thing is no longer there, and is retired", also=("retired", "删除")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a row is read by. `extent`: metres within which all places of the park lie."""

    timezone: ZoneInfo
    now: datetime
    coordinates: CoordinateSystem = CoordinateSystem.WGS84
    extent: float = 50_000.0


Check = Callable[[Mapping[str, Claim], "Standing", Circumstances], Mapping[str, str]]
"""Claims of a file by external id → the reason of each that cannot stand beside the others."""


def no_check(claims: Mapping[str, Claim], standing: "Standing", circumstances: Circumstances) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`called` is the external id of what a row is about, also of one that `claim` cannot take; both raise BadRow.
    `examples`: language → rows, cells in the order of `columns`."""

    name: str
    entity: str  # a declaration's name in graph_models
    title: str
    title_zh: str
    columns: tuple[Column, ...]
    called: Callable[["Cells", Circumstances], str]
    claim: Callable[["Cells", Circumstances], Claim]
    examples: Mapping[str, Sequence[tuple[str, ...]]]
    check: Check = field(default=no_check)
    of_entity: bool = False  # it says more of a thing that is there, so its claims stand under that entity's own id
    unique: str = "code"  # what a row of it is called where two of a file are the same
    shapes: tuple[str, ...] = ()  # the GeoJSON geometries that it takes; none: no GeoJSON

    @property
    def all_columns(self) -> tuple[Column, ...]:
        return self.columns if self.of_entity else (*self.columns, GONE)


Words = Mapping[str, str]
"""Lower-case spellings → the declared word."""


def words(given: Mapping[str, tuple[str, ...]]) -> Words:
    """Declared word → its other spellings, turned round."""
    return MappingProxyType(
        {spelling.lower(): word for word, spellings in given.items() for spelling in (word, *spellings)}
    )
