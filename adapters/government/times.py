"""Times as issuers write them: ISO 8601, RFC 822, and China's forms."""

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

BEIJING = timezone(timedelta(hours=8))
"""China's one time, all year, since 1991."""

_LONGEST = 80
_SPELLED = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[T\s]*(\d{1,2})[:时](\d{1,2})[:分]?(?:(\d{1,2})(\.\d{1,6})?秒?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?"
)


def moment(text: str) -> datetime | None:
    """Naive where the text names no offset; None where it is no time that UTC can tell."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    for read in (datetime.fromisoformat, _spelled, parsedate_to_datetime):
        with contextlib.suppress(ValueError, TypeError, IndexError, OverflowError):
            found = read(text)
            found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=BEIJING).astimezone(UTC)
            return found
    return None


def _spelled(text: str) -> datetime:
    found = _SPELLED.fullmatch(text)
    if found is None:
        raise ValueError("none of the spelled forms")
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    plain = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second or '00':0>2}{fraction or ''}{offset or ''}"
    return datetime.fromisoformat(plain)


def from_millis(millis: object) -> datetime | None:
    """Of milliseconds since 1970, as GeoJSON feeds give them."""
    if isinstance(millis, bool) or not isinstance(millis, int | float):
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=millis)
    except (OverflowError, ValueError):
        return None
