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


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a personal field is held, by the names of the policies' purposes, and how many days it stays readable after
    no source tells of its thing any more. What holds for a park can be less: erase it then."""

    purposes: tuple[str, ...]
    days: int


KEY, INDEXED, SEARCH, LONG = Key(), Indexed(), Search(), Long()
