"""A warning while it is being read: its values, and beside them what was wrong and borne with."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from adapters.contract import Claim, Identifier, Link, Unreadable, Value
from adapters.government.areas import Areas, Circle, Geocode, Point
from adapters.government.times import BEIJING, moment
from graph_models.entities import Severity, WarningColour

T = TypeVar("T")
W = TypeVar("W", bound=StrEnum)
SCHEME = "warning_identifier"
_MOST_FLAGS = 40
_LONGEST_FLAG = 120
_LONGEST_NAME = 500
"""Characters of an identifier; a longer one is no name, and is stored by its digest."""

COLOURS: Mapping[str, WarningColour] = {
    "红": WarningColour.RED,
    "橙": WarningColour.ORANGE,
    "黄": WarningColour.YELLOW,
    "蓝": WarningColour.BLUE,
}
SEVERITIES: Mapping[WarningColour, Severity] = {
    WarningColour.RED: Severity.EXTREME,
    WarningColour.ORANGE: Severity.SEVERE,
    WarningColour.YELLOW: Severity.MODERATE,
    WarningColour.BLUE: Severity.MINOR,
}
"""China's four levels, gravest first, beside CAP's; from memory of the national platform's guide, not verified."""

_COLOUR = re.compile("([红橙黄蓝])色")


def colour_in(text: str) -> WarningColour | None:
    """The colour that a Chinese text names, such as 暴雨红色预警信号."""
    found = _COLOUR.search(text)
    return COLOURS[found[1]] if found else None


@dataclass(slots=True, kw_only=True)
class Draft:
    """Setters keep what can be kept; an empty text is as if it were not there."""

    values: dict[str, Value] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)  # identifiers of earlier messages
    polygons: list[tuple[Point, ...]] = field(default_factory=list)
    circles: list[Circle] = field(default_factory=list)
    geocodes: list[Geocode] = field(default_factory=list)

    def flag(self, code: str, said: str | None = None) -> None:
        self.flags.append(code if said is None else f"{code}: {said}")

    def text(self, name: str, given: object) -> None:
        if isinstance(given, str) and (found := given.replace("\0", "").strip()):
            self.values[name] = found

    def word(
        self, name: str, given: object, words: type[W], *, needed: bool, also: Mapping[str, W] | None = None
    ) -> None:
        """An enumeration's value, however it is capitalised. `also`: what else is said for some of them."""
        said = given.strip() if isinstance(given, str) else ""
        if not said:
            if needed:
                self.flag(f"{name}_missing")
            return
        try:
            self.values[name] = str(words(said.upper()))
        except ValueError:
            known = (also or {}).get(said.lower())
            if known is not None:
                self.values[name] = str(known)
            else:
                self.flag(f"{name}_unknown", said)

    def time(self, name: str, given: object, *, needed: bool = False) -> None:
        """Of text. A naive one is told, and read in the source's zone by intake."""
        said = given.strip() if isinstance(given, str) else ""
        if not said:
            if needed:
                self.flag(f"{name}_missing")
            return
        found = moment(said)
        if found is None:
            self.flag(f"{name}_unreadable", said)
            return
        if found.tzinfo is None:
            self.flag(f"{name}_without_offset")
        self.values[name] = found

    def claim(self, identifier: str) -> Claim:
        """The whole; `identifier` is the issuer's, as it stands."""
        name = named(identifier)
        if name != identifier:
            self.flag("identifier_too_long")
        values = {**self.values, "identifier": name}
        areas = Areas(polygons=tuple(self.polygons), circles=tuple(self.circles), geocodes=tuple(self.geocodes))
        if areas:
            values["areas"] = areas.dumps()
        targets = [reference for reference in dict.fromkeys(map(named, self.references)) if reference]
        if name in targets:
            self.flag("references_itself")
        if told := _told(self.flags):
            values["flags"] = told
        sent = values.get("sent")
        return Claim(
            kind="Warning",
            external_id=name,
            identifiers=(Identifier(scheme=SCHEME, value=name),),
            values=values,
            links=tuple(Link(relation="REFERS_TO", target=target) for target in targets if target != name),
            observed_at=sent if isinstance(sent, datetime) else None,
        )


def named(identifier: str) -> str:
    """What the hub calls a message of that identifier."""
    plain = identifier.replace("\0", "").strip()
    if len(plain) <= _LONGEST_NAME:
        return plain
    return f"{plain[:100]}…{hashlib.sha256(plain.encode()).hexdigest()}"


def nameless(data: bytes) -> str:
    """A name for a message without one: the same bytes have the same."""
    return f"unnamed-{hashlib.sha256(data).hexdigest()[:32]}"


def _told(flags: Iterable[str]) -> tuple[str, ...]:
    told = dict.fromkeys(flag.replace("\0", "")[:_LONGEST_FLAG] for flag in flags)
    return tuple(told)[:_MOST_FLAGS]


def flagged(claim: Claim, *flags: str) -> Claim:
    """The claim with more flags."""
    given = claim.values.get("flags")
    return replace(
        claim, values={**claim.values, "flags": _told([*(given if isinstance(given, tuple) else ()), *flags])}
    )


def repeated(claims: Sequence[Claim]) -> list[Claim]:
    """One payload may name a message twice with different words: the one sent last stands, and says so."""
    last: dict[str, Claim] = {}
    differing = set[str]()
    for claim in claims:
        other = last.get(claim.external_id)
        if other is not None and other.values != claim.values:
            differing.add(claim.external_id)
            if _sent(other) > _sent(claim):
                continue
        last[claim.external_id] = claim
    return [flagged(claim, "identifier_repeated") if name in differing else claim for name, claim in last.items()]


def _sent(claim: Claim) -> float:
    sent = claim.values.get("sent")
    if not isinstance(sent, datetime):
        return 0.0
    return (sent if sent.tzinfo else sent.replace(tzinfo=BEIJING)).timestamp()


def all_of(parts: Sequence[T], claim: Callable[[T], Claim]) -> list[Claim]:
    """Raises the first part's Unreadable where none can be read."""
    claims: list[Claim] = []
    first: Unreadable | None = None
    for part in parts:
        try:
            claims.append(claim(part))
        except Unreadable as unreadable:
            first = first or unreadable
    if first is not None and not claims:
        raise first
    return repeated(claims)
