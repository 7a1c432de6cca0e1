"""One row's cells by column, read as what they should be; whatever is not says which column, and what it takes."""

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.contract import Position
from hub.coordinates import to_wgs84
from hub.errors import nearest
from hub.ingest.imports import moments
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Words

LARGEST = 1e9
LONGEST_CODE = 200  # characters
LONGEST_TEXT = 2000  # characters; what is shown of a field in the graph ends there
_SEPARATORS = re.compile(r"[;；、\n|]")
_YES = ("yes", "y", "true", "1", "是", "有", "对", "√", "✓")
_NO = ("no", "n", "false", "0", "否", "无", "不", "×", "x")
_TRUTHS = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_BROKEN = re.compile(r"[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d[\d,]*(\.\d+)?([eE][+-]?\d+)?|[+-]?\.\d+")


class Cells:
    """`None` stands for an empty cell, and for a column that the file does not have. Everything raises BadRow."""

    def __init__(self, columns: Mapping[str, Column], texts: Mapping[str, str]) -> None:
        self._columns = columns
        self._texts = texts

    def text(self, name: str, *, longest: int = LONGEST_TEXT) -> str | None:
        found = self._texts.get(name, "").strip()
        if not found:
            return None
        if _BROKEN.search(found):
            raise self._bad(name, found, "holds a character that cannot be stored")
        if len(found) > longest:
            raise BadRow(f"the {name} has {len(found)} characters; at most {longest} are taken")
        return found

    def due(self, name: str) -> str:
        found = self.text(name)
        if found is None:
            raise BadRow(f"the {name} is empty")
        return found

    def code(self, name: str = "code") -> str:
        """What a thing is called by in other tables."""
        return self._code(name, self.due(name))

    def codes(self, name: str) -> tuple[str, ...]:
        """Several, with `;` or 、 between, each once."""
        given = [part.strip() for part in _SEPARATORS.split(self._texts.get(name, ""))]
        return tuple(dict.fromkeys(self._code(name, part) for part in given if part))

    def maybe_code(self, name: str) -> str | None:
        found = self.text(name)
        return None if found is None else self._code(name, found)

    def number(self, name: str, *, low: float = -LARGEST, high: float = LARGEST) -> float | None:
        found = self.text(name)
        if found is None:
            return None
        if not _NUMBER.fullmatch(found):
            raise self._bad(name, found, "is no number")
        value = float(found.replace(",", ""))
        if not math.isfinite(value) or not low <= value <= high:
            raise self._bad(name, found, f"cannot be: it must be from {low:g} to {high:g}")
        return value

    def integer(self, name: str, *, low: int = -(10**6), high: int = 10**6) -> int | None:
        value = self.number(name, low=low, high=high)
        if value is None:
            return None
        if value != int(value):
            raise self._bad(name, self._texts[name], "is no whole number")
        return int(value)

    def truth(self, name: str) -> bool | None:
        found = self.text(name)
        if found is None:
            return None
        if found.lower() not in _TRUTHS:
            raise self._bad(name, found, "is neither yes nor no (是, 否)")
        return _TRUTHS[found.lower()]

    def word(self, name: str, known: Words) -> str | None:
        found = self.text(name)
        if found is None:
            return None
        if found.lower() not in known:
            raise self._bad(name, found, f"is not known; {nearest(found.upper(), set(known.values()))}")
        return known[found.lower()]

    def moment(self, name: str, zone: ZoneInfo, *, without_time: timedelta = timedelta(0)) -> datetime | None:
        found = self.text(name)
        if found is None:
            return None
        try:
            return moments.read_moment(found, zone, without_time=without_time)
        except ValueError as error:
            raise self._bad(name, found, str(error)) from error

    def day(self, name: str) -> date | None:
        """A time that is written behind it is not looked at."""
        found = self.text(name)
        if found is None:
            return None
        try:
            return moments.read_date(found)[0]
        except ValueError as error:
            raise self._bad(name, found, str(error)) from error

    def position(self, circumstances: Circumstances) -> Position | None:
        """Of `latitude` and `longitude`, in WGS-84."""
        latitude, longitude = self.number("latitude"), self.number("longitude")
        if latitude is None and longitude is None:
            return None
        if latitude is None or longitude is None:
            raise BadRow(f"the {'latitude' if latitude is None else 'longitude'} is empty and the other is not")
        try:
            found = to_wgs84(latitude, longitude, circumstances.coordinates)
        except ValueError as error:
            raise BadRow(f"{error} Latitude comes first, in degrees") from error
        return Position(latitude=found[0], longitude=found[1])

    def _code(self, name: str, text: str) -> str:
        if _CONTROL.search(text) or len(text) > LONGEST_CODE:
            raise self._bad(name, text[:LONGEST_CODE], f"is no code: one line of at most {LONGEST_CODE} characters")
        return text

    def _bad(self, name: str, text: str, why: str) -> BadRow:
        shown = "" if self._columns[name].personal else f" {text[:60]!r}"
        return BadRow(
            f"the {name}{shown} {why}" if not why.startswith(("it ", "there ", "the ")) else f"the {name}{shown}: {why}"
        )
