"""The one place that reads the machine's clock; everything else is handed a `Clock` or a moment."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND


class Clock(Protocol):
    def __call__(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


def now() -> datetime:
    return datetime.now(UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment: the form in which the journal stores times. A device may say one
    that only its own offset keeps within the years 1 to 9999: then it is the first or the last of UTC's."""
    return min(max((moment - EPOCH) // _MICROSECOND, _FIRST), _LAST)


def from_micros(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, start: datetime) -> None:
        self.moment = start

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment
