"""The reserve standard: how its codes are built, and those of its classes that can be cited, each with its source."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyClass:
    code: str
    name: str
    name_en: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """`digits`: of each level; `other`: the code, on each level below the first, of what has no class of its own."""

    name: str
    title: str
    title_en: str
    digits: tuple[int, ...]
    other: str
    source: str
    not_sourced: str
    classes: tuple[SupplyClass, ...]

    @property
    def lengths(self) -> tuple[int, ...]:
        """How long a code of each level is: 1, 3, 5, 7."""
        return tuple(sum(self.digits[: level + 1]) for level in range(len(self.digits)))

    def problem(self, code: str) -> str | None:
        """Why this cannot be a code of the standard; None where it can."""
        tops = "".join(one.code for one in self.classes)
        if not re.fullmatch(r"[0-9]+", code) or len(code) not in self.lengths:
            return f"{code!r} is no code of {self.name}: it has {', '.join(map(str, self.lengths))} digits"
        if code[0] not in tops:
            return f"{code!r} begins with {code[0]}, and {self.name} has {', '.join(tops)} alone"
        return None

    def level(self, code: str) -> int:
        """1 the top. A code of full length may name an upper class by zeros at its end."""
        shown = self._shown(code)
        return self.lengths.index(len(shown)) + 1

    def above(self, code: str) -> str | None:
        """The code of the class above, written as short as it can be; None at the top."""
        level = self.level(code)
        return None if level == 1 else self._shown(code)[: self.lengths[level - 2]]

    def _shown(self, code: str) -> str:
        shown = code
        for length, digits in zip(reversed(self.lengths), reversed(self.digits), strict=True):
            if len(shown) == length and length > self.lengths[0] and shown.endswith("0" * digits):
                shown = shown[:-digits]
        return shown


@cache
def reserve_standard() -> Standard:
    with Path(__file__).with_suffix(".toml").open("rb") as stream:
        given = tomllib.load(stream)
    classes = tuple(SupplyClass(**one) for one in given.pop("class"))
    return Standard(**{**given, "digits": tuple(given["digits"]), "classes": classes})
