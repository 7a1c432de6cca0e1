"""Lots, items, duty and qualifications in memory: a fold over the log's claims that asks no graph.

Only what nearest asks for is kept, and nothing personal: no name, no telephone, no certificate's number.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.contract import Value
from graph_models.entities import LotSharing
from hub.clock import from_micros, to_micros
from hub.journal.records import ClaimEntry, Entry, EventEntry
from hub.topology import Joined, Said, discard

VERSION = 2
_KINDS = {
    "SupplyItem": ("code", "unit", "name"),
    "SupplyLot": ("name", "item_code", "quantity", "unit", "expires_at", "sharing", "agreed_quantity"),
    "Shift": ("role", "starts_at", "ends_at"),
    "Qualification": ("skill", "expires_at"),
    "Person": (),
}
_RELATIONS = ("STORED_IN", "OWNED_BY", "SERVED_BY", "POSTED_AT", "HELD_BY", "EMPLOYED_BY")
_KEPT = timedelta(days=1)
"""So long after its end a shift is held: a roster of years must not fill the memory."""
_NEVER = 1 << 62
_DAY = 86_400_000_000  # microseconds
_MONTH = 31  # days
_LONG = -(1 << 62)

_Key = tuple[str, str | int]


@dataclass(frozen=True, slots=True)
class Item:
    """A coded item; `unit` is UCUM."""

    id: str
    code: str
    unit: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Lot:
    """Some of an item in one place. `expires` is in microseconds since 1970."""

    id: str
    item: str
    name: str | None
    quantity: float | None
    unit: str | None
    expires: int
    sharing: LotSharing
    agreed: float | None
    place: str | None
    owner: str | None

    @property
    def counted(self) -> float:
        """What others may count on, in `unit`: never more than there is."""
        if self.sharing is LotSharing.OWN:
            return self.quantity or 0.0
        if self.sharing is LotSharing.AGREED and self.agreed is not None:
            return self.agreed if self.quantity is None else min(self.agreed, self.quantity)
        return 0.0


@dataclass(frozen=True, slots=True)
class Shift:
    """A time on duty, from `starts` to just before `ends`, in microseconds since 1970."""

    id: str
    person: str
    place: str | None
    role: str | None
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Qualification:
    id: str
    person: str
    skill: str
    expires: int


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    employer: str | None


Thing = Item | Lot | Shift | Qualification | Person


class Stock:
    """`apply` each entry of the log in order, then ask. Ids that were merged away are understood everywhere."""

    def __init__(self, precedence: Mapping[str, int]) -> None:
        self._joined = Joined(precedence, _KINDS, _RELATIONS, VERSION)
        self._clear()

    def _clear(self) -> None:
        self.changes = 0  # of who serves when
        self.names = 0  # what may have changed by which name people are known,
        self.organizations = 0  # and organizations
        self._things: dict[str, Thing] = {}
        self._under: dict[_Key, set[str]] = {}  # → ids

    def apply(self, entry: Entry) -> None:
        self.names += _names(entry, "Person")
        self.organizations += _names(entry, "Organization")
        for entity in self._joined.apply(entry):
            self._show(entity)

    def _show(self, entity: str) -> None:
        said = self._joined.said(entity)
        before = self._things.get(entity)
        now = self._see(entity, said) if said else None
        if now == before:
            return
        if isinstance(before, Shift) or isinstance(now, Shift):
            self.changes += 1
        if before is not None:
            del self._things[entity]
            for key in _keys(before):
                discard(self._under, key, entity)
        if now is not None:
            self._things[entity] = now
            for key in _keys(now):
                self._under.setdefault(key, set()).add(entity)

    def _see(self, entity: str, said: list[Said]) -> Thing | None:
        """None for what lacks what nearest needs of it."""
        values = {name: self._joined.value(said, name) for name in _KINDS[said[0].kind]}
        match said[0].kind:
            case "SupplyItem":
                code = _text(values["code"])
                return None if code is None else Item(entity, code, _text(values["unit"]), _text(values["name"]))
            case "SupplyLot":
                return self._lot(entity, said, values)
            case "Shift":
                person = self._target(said, "SERVED_BY")
                starts, ends = _micros(values["starts_at"]), _micros(values["ends_at"])
                if person is None or starts is None or ends is None:
                    return None
                return Shift(entity, person, self._target(said, "POSTED_AT"), _text(values["role"]), starts, ends)
            case "Person":
                return Person(entity, self._target(said, "EMPLOYED_BY"))
            case _:
                person, skill = self._target(said, "HELD_BY"), _text(values["skill"])
                if person is None or skill is None:
                    return None
                expires = _micros(values["expires_at"])
                return Qualification(entity, person, skill, _NEVER if expires is None else expires)

    def _lot(self, entity: str, said: list[Said], values: Mapping[str, Value]) -> Lot | None:
        item, sharing = _text(values["item_code"]), _text(values["sharing"])
        if item is None:
            return None
        expires = _micros(values["expires_at"])
        return Lot(
            entity,
            item,
            _text(values["name"]),
            _number(values["quantity"]),
            _text(values["unit"]),
            _NEVER if expires is None else expires,
            LotSharing.__members__.get(sharing or "", LotSharing.NOT_SHARED),
            _number(values["agreed_quantity"]),
            self._target(said, "STORED_IN"),
            self._target(said, "OWNED_BY"),
        )

    def _target(self, said: list[Said], relation: str) -> str | None:
        return next((found for one in said for found in self._joined.targets(one, relation)), None)

    def sweep(self, now: datetime) -> None:
        """Lets go of duty that is long over."""
        before = to_micros(now - _KEPT)
        over = [id_ for id_, thing in self._things.items() if isinstance(thing, Shift) and thing.ends < before]
        for shift in over:
            self._joined.forget(shift)
            self._show(shift)

    # ---- asking

    def item(self, code: str) -> Item | None:
        """The item of the code; the one first made where there are several."""
        found = self._all("code", code)
        return next((thing for thing in found if isinstance(thing, Item)), None)

    def lots(self, code: str) -> list[Lot]:
        """The lots of an item, expired ones and those that are not shared too, in the order of their ids."""
        return [thing for thing in self._all("item", code) if isinstance(thing, Lot)]

    def qualified(self, skill: str, now: datetime) -> frozenset[str]:
        """Who has the skill, with nothing expired that proves it."""
        at = to_micros(now)
        found = self._all("skill", skill)
        return frozenset(thing.person for thing in found if isinstance(thing, Qualification) and thing.expires > at)

    def skilled(self, skill: str) -> frozenset[str]:
        """Who has, or had, the skill."""
        return frozenset(thing.person for thing in self._all("skill", skill) if isinstance(thing, Qualification))

    def on_duty(self, now: datetime) -> Mapping[str, list[Shift]]:
        """Who is on duty, each with their shifts in the order of the shifts' ids."""
        at, found = to_micros(now), dict[str, list[Shift]]()
        for thing in [*self._all("day", at // _DAY), *self._all("day", _LONG)]:
            if isinstance(thing, Shift) and thing.starts <= at < thing.ends:
                found.setdefault(thing.person, []).append(thing)
        return found

    def duty_stands_until(self, now: datetime) -> datetime:
        """The next moment at which somebody's duty begins or ends, or the day (UTC) is over."""
        at = to_micros(now)
        until = (at // _DAY + 1) * _DAY
        for thing in [*self._all("day", at // _DAY), *self._all("day", _LONG)]:
            if isinstance(thing, Shift):
                until = min([until, *(edge for edge in (thing.starts, thing.ends) if edge > at)])
        return from_micros(until)

    def resolve(self, id_: str) -> str:
        """The id that lives."""
        return self._joined.resolve(id_)

    def shifts(self, person: str) -> list[Shift]:
        """All that the person serves, as far as duty is kept."""
        return [thing for thing in self._all("person", person) if isinstance(thing, Shift)]

    def employer(self, person: str) -> str | None:
        thing = self._things.get(self._joined.resolve(person))
        return thing.employer if isinstance(thing, Person) else None

    def lot(self, id_: str) -> Lot | None:
        thing = self._things.get(self._joined.resolve(id_))
        return thing if isinstance(thing, Lot) else None

    def _all(self, index: str, key: str | int) -> Collection[Thing]:
        return [self._things[id_] for id_ in sorted(self._under.get((index, key), ()))]

    # ---- keeping

    def dump(self) -> bytes:
        return self._joined.dump()

    def freeze(self) -> Callable[[], bytes]:
        """`dump` of now, which may be called on another thread while the fold goes on."""
        return self._joined.freeze()

    def load(self, state: bytes) -> None:
        """Takes up what `dump` gave, in place of what was folded so far; raises ValueError for another version."""
        self._joined.load(state)
        self._clear()
        for entity in self._joined.entities():
            self._show(entity)


def _keys(thing: Thing) -> Iterable[_Key]:
    """By what it is found: a shift by each day (UTC) that it touches, or as a long one."""
    match thing:
        case Person():
            return []
        case Item():
            return [("code", thing.code)]
        case Lot():
            return [("item", thing.item)]
        case Qualification():
            return [("skill", thing.skill)]
        case Shift():
            first, last = thing.starts // _DAY, thing.ends // _DAY
            days = range(first, last + 1) if last - first < _MONTH else (_LONG,)
            return [("person", thing.person), *(("day", day) for day in days)]


def _names(entry: Entry, kind: str) -> bool:
    if isinstance(entry, ClaimEntry):
        return entry.claim.kind == kind
    return isinstance(entry, EventEntry) and entry.type in ("entity.merged", "entity.split")


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _micros(value: Value) -> int | None:
    return to_micros(datetime.fromisoformat(value)) if isinstance(value, str) else None
