"""The identifiers of China's warnings, GB/T 35965.1-2018: `ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N`, and without the last part.

Known from a secondary source: six digits of the place, three of the department, three of the unit, two more; the time
of issue in Beijing time; a number.
"""

import re
from datetime import datetime

from adapters.government.times import BEIJING

PLACES = "GB/T 2260"
"""The scheme of a place's code: province, city and county, two digits each; longer ones go on with GB/T 10114."""

_FORM = re.compile(r"([0-9]{6})[0-9]{8}_([0-9]{14})(_[0-9])?")


def is_identifier(text: str) -> bool:
    """31 characters as the standard says, or the 29 that are in use."""
    return _FORM.fullmatch(text) is not None


def issued_at(identifier: str) -> datetime | None:
    """None where it is no such identifier, or where its digits are no time."""
    found = _FORM.fullmatch(identifier)
    if found is None:
        return None
    try:
        return datetime.strptime(found[2], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None


def place_of(identifier: str) -> str | None:
    """The six digits of the issuer's place."""
    found = _FORM.fullmatch(identifier)
    return found[1] if found else None
