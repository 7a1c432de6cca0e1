"""How far a stock table was read: the pair (time of change, id), and where reading begins again before it.

A change gets its time before it commits, so a row may appear whose time lies behind rows that were read already:
reading begins `overlap` before the cursor. A row that says it was changed in the future does not move the cursor,
since all true changes would then lie behind it.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa

from adapters.contract import Cursor, SourceError

_ANY_ZONE = timedelta(hours=26)
"""A naive stamp may be of a zone 14 hours ahead of UTC; half a day more for a clock that is wrong."""
_MILLIS, _MICROS = 10**11, 10**14  # since 1970, a number from these on counts thousandths, or millionths, of a second
_DAY_LONG = len("2026-05-01")
Stamp = datetime | int | float | Decimal | str
Id = int | str | UUID | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    at: Stamp
    id: Id

    @classmethod
    def of(cls, at: object, id_: object) -> Self | None:
        """None where the row has no time or no id that can be compared."""
        if isinstance(at, date) and not isinstance(at, datetime):
            at = datetime(at.year, at.month, at.day)  # noqa: DTZ001 - as the database has it
        if isinstance(at, bool) or not isinstance(at, datetime | int | float | Decimal | str):
            return None
        if isinstance(id_, bool) or not isinstance(id_, int | str | UUID | Decimal):
            return None
        return cls(at=at, id=id_)

    def cursor(self) -> Cursor:
        return json.dumps([*_told(self.at), *_told(self.id)])

    @classmethod
    def read(cls, cursor: Cursor) -> Self:
        """Raises SourceError for a cursor that is none of ours."""
        try:
            at_kind, at, id_kind, id_ = json.loads(cursor)
            found = cls.of(_meant(at_kind, at), _meant(id_kind, id_))
        except (ValueError, TypeError, ArithmeticError, KeyError) as error:
            raise SourceError(
                f"the stored cursor {cursor!r} is none of this adapter's; give the source a new id"
            ) from error
        if found is None:
            raise SourceError(f"the stored cursor {cursor!r} holds no time and id; give the source a new id")
        return found

    def before(self, overlap: timedelta) -> Stamp:
        """Where reading begins again. Raises SourceError where the time cannot be understood."""
        at, seconds = self.at, overlap.total_seconds()
        if isinstance(at, datetime):
            return at - overlap
        if isinstance(at, str):
            layout = "%Y-%m-%d" if len(at) <= _DAY_LONG else f"%Y-%m-%d{at[10]}%H:%M:%S"
            return (_moment(at) - overlap).strftime(layout)
        steps = math.ceil(seconds * (1_000_000 if at >= _MICROS else 1000 if at >= _MILLIS else 1))
        return at - steps

    def is_believable(self, now: datetime) -> bool:
        at = self.at
        if isinstance(at, str):
            at = _moment(at)
        if isinstance(at, datetime):
            return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now < _ANY_ZONE
        return True


def bound(value: Stamp | Id) -> sa.ColumnElement[Any]:
    """The value as a parameter, of the type that the database compares it by."""
    return sa.bindparam(None, value, type_=_type(value))


def _type(value: Stamp | Id) -> sa.types.TypeEngine[Any]:
    if isinstance(value, datetime):
        return sa.DateTime(timezone=value.tzinfo is not None)
    if isinstance(value, int):
        return sa.BigInteger()
    if isinstance(value, float):
        return sa.Float()
    if isinstance(value, Decimal):
        return sa.Numeric()
    if isinstance(value, UUID):
        return sa.Uuid()
    return sa.types.NullType()  # an unknown literal: it may be compared with any kind of text


def _moment(written: str) -> datetime:
    """To the second, whatever stands behind it: what is compared as text must not grow."""
    try:
        return datetime.fromisoformat(written[:19])
    except ValueError as error:
        raise SourceError(
            f"the time of change {written!r} is none that sorts as text; let the query give it as 2026-05-01 10:00:00"
        ) from error


def _told(value: Stamp | Id) -> tuple[str, object]:
    if isinstance(value, datetime):
        return "time", value.isoformat()
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, Decimal):
        return "decimal", str(value)
    return ("uuid", str(value)) if isinstance(value, UUID) else ("text", value)


def _meant(kind: str, value: object) -> object:
    readers: Mapping[str, Callable[[str], object]] = {"time": datetime.fromisoformat, "decimal": Decimal, "uuid": UUID}
    return value if kind in {"number", "text"} else readers[kind](str(value))
