"""Dates and times as people of a Chinese park write them, in the park's time zone."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.clock import EPOCH

_DATE = re.compile(
    r"(?P<year>[12]\d{3})\s*(?:年\s*(?P<m1>\d{1,2})\s*月\s*(?P<d1>\d{1,2})\s*[日号]?"
    r"|(?P<mark>[-/.])(?P<m2>\d{1,2})(?P=mark)(?P<d2>\d{1,2})|(?P<m3>\d\d)(?P<d3>\d\d)(?!\d))"
)
_TIME = re.compile(
    r"(?P<half>上午|早上|凌晨|中午|下午|晚上|am|pm)?\s*(?P<hour>\d{1,2})\s*"
    r"(?::(?P<m1>\d{2})(?::(?P<s1>\d{2})(?:\.0+)?)?|[时点]\s*(?:(?P<m2>\d{1,2})\s*分?|(?P<thirty>半)|整)?)\s*(?P<after>am|pm)?",
    re.IGNORECASE,
)
_LATE = frozenset({"下午", "晚上", "pm"})
_DAY = timedelta(days=1)


def read_date(text: str) -> tuple[date, str]:
    """The date that the text begins with, and what follows it. Raises ValueError."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _DATE.match(plain)
    if found is None:
        raise ValueError("it is no date, such as 2026-05-01 or 2026年5月1日")
    month, day = (found[f"m{n}"] for n in "123"), (found[f"d{n}"] for n in "123")
    try:
        parsed = date(int(found["year"]), int(next(filter(None, month))), int(next(filter(None, day))))
    except ValueError as error:
        raise ValueError("there is no such day") from error
    return parsed, plain[found.end() :].lstrip("Tt ,，").strip()


def read_time(text: str) -> timedelta:
    """Since midnight: 24:00 is the day's end. Raises ValueError."""
    found = _TIME.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        raise ValueError("it is no time, such as 20:00 or 晚上8点")
    hour, minute = int(found["hour"]), int(found["m1"] or found["m2"] or (30 if found["thirty"] else 0))
    second = int(found["s1"] or 0)
    half = (found["half"] or found["after"] or "").lower()
    if half in _LATE and hour < 12:
        hour += 12
    elif half in {"am", "凌晨"} and hour == 12:
        hour = 0
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second)):
        raise ValueError("there is no such time")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def at(day: date, since_midnight: timedelta, zone: ZoneInfo) -> datetime:
    """The moment in UTC. Raises ValueError for one that the clocks of the zone leap over."""
    try:
        if since_midnight >= _DAY:
            day, since_midnight = day + _DAY, since_midnight - _DAY
        local = datetime.combine(day, (EPOCH + since_midnight).time(), zone)
        moment = local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("there is no such moment") from error
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError(f"the clocks of {zone.key} leap over this time")
    return moment


def read_moment(text: str, zone: ZoneInfo, *, without_time: timedelta = timedelta(0)) -> datetime:
    """In UTC; a date alone is `without_time` past its midnight. Raises ValueError."""
    try:
        stamped = datetime.fromisoformat(text.strip())
        if stamped.tzinfo is not None:
            return stamped.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # most are written otherwise
    day, rest = read_date(text)
    return at(day, read_time(rest) if rest else without_time, zone)


THROUGH = _DAY
"""Of what holds until a day: it holds on it, and the first moment of the next is the end."""


def text(moment: datetime | None) -> str | None:
    """As times stand in claims in the log."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")
