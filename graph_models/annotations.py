"""What a declaration's field can say of itself beside its type: key, unit, search, privacy."""

from dataclasses import dataclass
from enum import StrEnum


class Privacy(StrEnum):
    """PERSONAL values are sealed in journal and graph alike, and unsealed after the read for what the mask shows."""

    PERSONAL = "PERSONAL"


@dataclass(frozen=True, slots=True)
class Unit:
    """The field's UCUM unit."""

    code: str


@dataclass(frozen=True, slots=True)
class Key:
    """The field is the node's key: unique, present."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """Reads find or order by this field."""


@dataclass(frozen=True, slots=True)
class Search:
    """The field's text can be found by `search`; it stays plain in the graph even where it is personal."""


@dataclass(frozen=True, slots=True)
class Long:
    """The field's text may be as long as it comes; no index could hold it."""


KEY, INDEXED, SEARCH, LONG = Key(), Indexed(), Search(), Long()
