"""What a cell of a stock list says: texts, numbers and days as people, databases and spreadsheets write them."""

import calendar
import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from adapters.contract import Unreadable

Cell = str | int | float | bool | datetime | date | None

LONGEST = 10_000
"""Characters of a cell; no name or code of a thing in stock comes near it."""
_EMPTY = frozenset({"", "-", "--", "—", "/", "n/a", "na", "null", "none", "无", "空"})
_NEVER = frozenset({"长期", "永久", "长期有效", "无限期", "无期限", "不过期", "never", "no expiry"})
_TIMES = {"百": 100.0, "千": 1_000.0, "万": 10_000.0, "萬": 10_000.0, "亿": 100_000_000.0, "k": 1_000.0, "w": 10_000.0}
_NUMBER = re.compile(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[+-]?\d{1,3})?)\s*(.*)", re.I | re.S)
_HAN_DIGITS = {
    "〇": 0,
    "零": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_HAN_STEPS = {"十": 10, "百": 100, "千": 1_000}
_HAN = re.compile(r"([〇零一二两三四五六七八九十百千万亿]+)\s*(.*)", re.S)
_DAY = re.compile(
    r"(\d{4})\s*(?:年|-|/|\.)\s*(\d{1,2})\s*(?:月|-|/|\.)\s*(\d{1,2})\s*[日号]?"
    r"(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
)
_MONTH = re.compile(r"(\d{4})\s*(?:年|-|/|\.)\s*(\d{1,2})\s*月?")
_EIGHT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_SERIALS_FROM = datetime.fromisoformat("1899-12-30")  # Excel's day 0, after its 29 February 1900 that never was
_LAST_SERIAL = 109_574  # the last day of 2199
_DAY_LONG = timedelta(days=1)


class Amount(NamedTuple):
    """A number, and what stands behind it (a unit, as a rule)."""

    value: float
    rest: str


def text(cell: Cell) -> str | None:
    """The cell as text; None where it is empty or says that there is nothing. Raises Unreadable."""
    if cell is None:
        return None
    if isinstance(cell, str):
        found = unicodedata.normalize("NFKC", cell).strip() if not cell.isascii() else cell.strip()
        if len(found) > LONGEST:
            raise Unreadable(f"a cell of {len(found)} characters is no name or code; at most {LONGEST} are read")
        if "\x00" in found:
            raise Unreadable("a cell holds a NUL character; clear it and type it anew")
        return None if found.casefold() in _EMPTY else found
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))  # a spreadsheet keeps the code 20260501 as 20260501.0
    return str(cell)


def amount(cell: Cell) -> Amount | None:
    """`1,200 箱`, `1.2万`, `十二` or a plain number; None where it is empty. Raises Unreadable."""
    if isinstance(cell, bool):
        raise Unreadable(f"{cell} is no number")
    if isinstance(cell, int | float):
        return Amount(_finite(cell), "")
    if isinstance(cell, datetime | date):
        raise Unreadable(f"{cell} is a day, where a number is due; format the cell as a number")
    written = text(cell)
    if written is None:
        return None
    return _amount(written)


def _amount(written: str) -> Amount:
    found = _NUMBER.fullmatch(written)
    if found is not None and any(c.isdigit() for c in found[1]):
        value, rest = float(found[1].replace(",", "")), found[2].strip()
    elif (han := _HAN.fullmatch(written)) is not None:
        value, rest = float(_han(han[1])), han[2].strip()
    else:
        raise Unreadable(f"{written!r} is no number; write digits, such as 1200")
    if rest and rest[0].lower() in _TIMES and not _is_unit(rest):
        value, rest = value * _TIMES[rest[0].lower()], rest[1:].strip()
    if rest[:1] in {",", ".", "+", "~", "-"} or any(c.isdigit() for c in rest):
        raise Unreadable(f"{written!r} is no single number; write digits, such as 1200")
    return Amount(_finite(value), rest)


def _is_unit(rest: str) -> bool:
    """千克 and 千米 begin like a thousand."""
    return rest[:2] in {"千克", "千米", "千瓦", "千帕", "百米", "千升"} or (rest.isascii() and len(rest) > 1)


def _finite(value: float) -> float:
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise Unreadable(f"{value} is no finite number")
    return found


def _han(digits: str) -> int:
    """三百二十, 十二, 一万二千, 二〇二六. Raises Unreadable."""
    if not set(digits) & {*_HAN_STEPS, "万", "亿"}:
        return int("".join(str(_HAN_DIGITS[c]) for c in digits))
    total = section = digit = 0
    for c in digits:
        if c in _HAN_DIGITS:
            digit = _HAN_DIGITS[c]
        elif c in _HAN_STEPS:
            section += (digit or 1) * _HAN_STEPS[c]
            digit = 0
        else:
            total = (total + section + digit) * (10_000 if c == "万" else 100_000_000)
            section = digit = 0
    return total + section + digit


def end_of(cell: Cell, formats: Sequence[str] = ()) -> datetime | None:
    """The first moment at which what is good until `cell` is good no more: a day counts to its end, a month to the
    end of its last day. Naive, unless the cell has an offset. None where it is empty or says never. Raises Unreadable.
    """
    if isinstance(cell, bool):
        raise Unreadable(f"{cell} is no date")
    if isinstance(cell, datetime):
        return _until(cell)
    if isinstance(cell, date):
        return _until(datetime(cell.year, cell.month, cell.day))  # noqa: DTZ001 - of the source's zone
    if isinstance(cell, int | float):
        return _until(_serial(cell))
    written = text(cell)
    if written is None or written.casefold() in _NEVER:
        return None
    for each in formats:
        try:
            return _until(datetime.strptime(written, each))  # noqa: DTZ007 - of the source's zone
        except ValueError:
            continue
    return _until_text(written)


def _until_text(written: str) -> datetime:
    if not written.isascii():
        written = "".join(str(_HAN_DIGITS[c]) if c in "〇零一二三四五六七八九" else c for c in _tens(written))
    try:
        if (found := _DAY.fullmatch(written)) is not None:
            parts = [int(part) for part in found.groups() if part is not None]
            return _until(datetime(*parts))  # type: ignore[arg-type]  # noqa: DTZ001 - of the source's zone
        if (found := _EIGHT.fullmatch(written)) is not None:
            return _until(datetime(int(found[1]), int(found[2]), int(found[3])))  # noqa: DTZ001 - as above
        if (found := _MONTH.fullmatch(written)) is not None:
            year, month = int(found[1]), int(found[2])
            return _until(datetime(year, month, calendar.monthrange(year, month)[1]))  # noqa: DTZ001 - as above
        return _until(datetime.fromisoformat(written))
    except (ValueError, calendar.IllegalMonthError, OverflowError) as error:
        raise Unreadable(f"{written!r} is no date; write 2026-05-01 or 2026年5月1日") from error


def _tens(written: str) -> str:
    """十二月二十一日 as 12月21日."""
    return re.sub(r"[一二三四五六七八九]?十[一二三四五六七八九]?", lambda found: str(_han(found[0])), written)


def _serial(number: float) -> datetime:
    """A number in a date's column: Excel's day, or a day written with eight digits."""
    if float(number).is_integer() and (found := _EIGHT.fullmatch(str(int(number)))) is not None:
        try:
            return datetime(int(found[1]), int(found[2]), int(found[3]))  # noqa: DTZ001 - of the source's zone
        except ValueError as error:
            raise Unreadable(f"{number} is no date; write 2026-05-01 or 2026年5月1日") from error
    if not 1 <= number <= _LAST_SERIAL:  # not a number is not between either
        raise Unreadable(f"{number} is no date; write 2026-05-01 or 2026年5月1日")
    return _SERIALS_FROM + timedelta(days=float(number))


def _until(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
        raise Unreadable(f"{moment:%Y-%m-%d} cannot be: a year from {_FIRST_YEAR} to {_LAST_YEAR - 1} is due")
    whole_day = moment.tzinfo is None and not (moment.hour or moment.minute or moment.second or moment.microsecond)
    return moment + _DAY_LONG if whole_day else moment
