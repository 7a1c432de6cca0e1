"""What one answer showed: noted while it is loaded, then one record of the audit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

import orjson

from hub.viewer import Viewer


@dataclass(slots=True)
class Shown:
    """Of one type: how many rows, which fields, and of which of these a mask may have hidden something."""

    rows: int = 0
    fields: set[str] = field(default_factory=set)
    masked: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Personal:
    """Of one personal field, `Type.field`: the ids of those whose value was shown, and shown in part."""

    shown: dict[str, None] = field(default_factory=dict)
    masked: dict[str, None] = field(default_factory=dict)


class Ledger:
    """One an operation, or one an event of a subscription. `withholding`: the audit cannot be written, so whatever
    loads shows no personal value."""

    def __init__(self, *, withholding: bool = False) -> None:
        self.withholding = withholding
        self.withheld: set[str] = set()
        self.types: dict[str, Shown] = {}
        self.fields: dict[str, Personal] = {}

    @property
    def personal(self) -> bool:
        return bool(self.fields)

    def rows(self, type_: str, count: int, fields: Iterable[str] = (), masked: Iterable[str] = ()) -> None:
        if not count:
            return
        if (shown := self.types.get(type_)) is None:
            shown = self.types[type_] = Shown()
        shown.rows += count
        shown.fields.update(fields)
        shown.masked.update(masked)

    def saw(self, field_: str, id_: str, *, in_part: bool = False) -> None:
        """A personal value of `id_` is in the answer."""
        if (personal := self.fields.get(field_)) is None:
            personal = self.fields[field_] = Personal()
        (personal.masked if in_part else personal.shown)[id_] = None

    def named(self, type_: str, id_: str) -> None:
        """The answer has a person's id, or that of what they hold, outside of rows; an id alone is never withheld."""
        self.saw(f"{type_}.id", id_)

    def kept_back(self, field_: str) -> None:
        self.withheld.add(field_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An operation as the audit knows it; `document` is the SHA-256 of its normalised text, in hex; `roots` are the
    fields that it begins with."""

    kind: str  # query, mutation or subscription
    name: str | None
    document: str
    transport: str
    roots: tuple[str, ...] = ()


class Entry(Protocol):
    """What the audit's writer takes: an answer's record, or something else that happened."""

    at: datetime
    deliveries: int
    missed: int
    personal: bool
    subjects: set[str]

    def body(self) -> bytes:
        """JSON."""
        ...


class Record:
    """One answer to one viewer, as its ledger stands when this is made: what still runs of an answer that failed may
    note more. `code` is the answer's first error's. `deliveries`: how often the same event went to the same viewer's
    streams; `missed`: how many records before this one were dropped, for want of a place."""

    __slots__ = ("_said", "at", "deliveries", "missed", "personal", "subjects")

    def __init__(self, *, viewer: Viewer, asked: Asked, ledger: Ledger, at: datetime, code: str | None = None) -> None:
        self.at = at
        self.deliveries = 1
        self.missed = 0
        self.personal = ledger.personal
        self.subjects = {id_ for each in ledger.fields.values() for ids in (each.shown, each.masked) for id_ in ids}
        """Everyone of whom something personal was shown."""
        self._said: dict[str, object] = {
            "viewer": who(viewer),
            "transport": asked.transport,
            "kind": asked.kind,
            "name": asked.name,
            "document": asked.document,
            "roots": list(asked.roots),
            "types": {name: _shown(each) for name, each in ledger.types.items()},
            "personal": {
                name: without_nothing({"shown": list(each.shown), "masked": list(each.masked)})
                for name, each in ledger.fields.items()
            },
            "withheld": sorted(ledger.withheld),
            "code": code,
        }

    def body(self) -> bytes:
        """JSON; what is empty is left out."""
        said = self._said | {
            "deliveries": self.deliveries if self.deliveries != 1 else None,
            "missed": self.missed or None,
        }
        return orjson.dumps(without_nothing(said))


def subjects_of(body: Mapping[str, Any]) -> set[str]:
    """A record's subjects, by its body."""
    return {id_ for each in body.get("personal", {}).values() for ids in each.values() for id_ in ids}


@lru_cache(4096)
def who(viewer: Viewer) -> Mapping[str, object]:
    """An event goes to thousands, again and again."""
    return without_nothing(
        {
            "subject": viewer.subject,
            "issuer": viewer.issuer,
            "client": viewer.client,
            "roles": sorted(viewer.roles),
            "organization": viewer.organization,
            "purpose": viewer.purpose,
            "flags": sorted(viewer.flags),
            "breakGlass": viewer.break_glass,
        }
    )


def _shown(each: Shown) -> Mapping[str, object]:
    return without_nothing({"rows": each.rows, "fields": sorted(each.fields), "masked": sorted(each.masked)})


def without_nothing(said: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in said.items() if value not in (None, [], {})}
