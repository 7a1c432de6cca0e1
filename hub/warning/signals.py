"""Devices' own events under the rules: a panel in alarm, a line crossed; each opens an alert, and its end returns it.

A signal whose `state` is `active` holds until the same device says `inactive` of it. One without a state happened at a
moment: it holds for `clear_after`, as does an active one where the rule names that time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hub.journal.records import SignalEntry
from hub.topology import Topology
from hub.warning.alerts import Named
from hub.warning.cells import RuleBook
from hub.warning.episodes import Episodes
from hub.warning.rules import MOMENT, SignalRule
from hub.warning.selectors import selects_subject
from hub.warning.timers import Key, Timers

TIMER = "signal:"
_MICROSECOND = timedelta(microseconds=1)
_FIRST_MEMBER = -2  # members of other rules' episodes are series, or the source itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A signal that holds an alert open. `until` is in microseconds since 1970; 0: until the device says so."""

    alert: str
    rule: str
    source: str
    subject: str  # the external id
    type: str
    member: int
    seq: int  # of its latest record
    until: int


class Signals:
    """Part of the machine's fold: it is told of entries, and adds to the steps of `episodes`."""

    def __init__(self, topology: Topology, episodes: Episodes, timers: Timers) -> None:
        self._topology = topology
        self._episodes = episodes
        self._timers = timers
        self.held: dict[str, Held] = {}  # timer's name → signal

    def apply(self, entry: SignalEntry, book: RuleBook, now: int) -> None:
        signal = entry.signal
        for rule in book.by_signal.get(signal.type, ()):
            name = _name(rule.id, entry.source, signal.subject, signal.type)
            if signal.values.get("state") == "inactive":
                self._end(name, now, entry.seq)
                continue
            subject = self._subject(entry)
            external = f"{entry.source}/{signal.subject}"
            if subject is not None and selects_subject(rule, subject, external, self._topology):
                self._hold(name, rule, entry, subject, now)

    def _hold(self, name: str, rule: SignalRule, entry: SignalEntry, subject: str, now: int) -> None:
        lasting = entry.signal.values.get("state") == "active"
        span = rule.clear_after or (None if lasting else MOMENT)
        until = now + span // _MICROSECOND if span is not None else 0
        held = self.held.get(name)
        if held is not None:
            held = replace(held, seq=entry.seq, until=until)
        else:
            topology = self._topology
            named = Named(id=subject, kind=topology.kind(subject) or "EQUIPMENT", name=topology.name(subject))
            member = self._member(rule.id, subject)
            alert = self._episodes.begin(rule, named, member, entry.seq, now, None, str(entry.seq))
            held = Held(
                alert=alert,
                rule=rule.id,
                source=entry.source,
                subject=entry.signal.subject,
                type=entry.signal.type,
                member=member,
                seq=entry.seq,
                until=until,
            )
        self.held[name] = held
        self._await(name, held)

    def _member(self, rule: str, subject: str) -> int:
        """A number that no other signal of the episode has."""
        current = self._episodes.current.get((rule, subject))
        taken = self._episodes.open[current].members if current is not None else ()
        return min((_FIRST_MEMBER, *(number - 1 for number in taken if number <= _FIRST_MEMBER)))

    def _subject(self, entry: SignalEntry) -> str | None:
        found = self._topology.find(entry.source, entry.signal.subject)
        return found if found is not None or entry.entity is None else self._topology.resolve(entry.entity)

    def _end(self, name: str, now: int, cause: int) -> None:
        held = self.held.pop(name, None)
        if held is not None:
            self._timers.disarm((name, 0))
            self._episodes.leave(held.alert, held.member, now, cause)

    def fire(self, key: Key, deadline: int) -> None:
        """Nothing came again in the time that the signal holds."""
        held = self.held.get(key[0])
        if held is not None and held.until == deadline:
            self._end(key[0], deadline, held.seq)

    def retired(self, source: str, external_id: str, now: int, cause: int) -> None:
        """The source no longer has the thing: that is no word that all is well."""
        self._let_go(
            (name for name, held in self.held.items() if (held.source, held.subject) == (source, external_id)),
            now,
            cause,
        )

    def withdraw(self, book: RuleBook, now: int, cause: int) -> None:
        """Ends what the rules no longer ask for."""
        self._let_go((name for name, held in self.held.items() if not self._asked(held, book)), now, cause)

    def _asked(self, held: Held, book: RuleBook) -> bool:
        rule = book.by_id.get(held.rule)
        subject = self._topology.find(held.source, held.subject) or self._episodes.open[held.alert].subject
        external = f"{held.source}/{held.subject}"
        return (
            isinstance(rule, SignalRule)
            and held.type in rule.signals
            and selects_subject(rule, subject, external, self._topology)
        )

    def _let_go(self, names: Iterable[str], now: int, cause: int) -> None:
        for name in sorted(names):
            held = self.held.pop(name)
            self._timers.disarm((name, 0))
            self._episodes.let_go(held.alert, held.member, now, cause)

    def subject(self, key: Key) -> str:
        return f"{self.held[key[0]].source}/{self.held[key[0]].subject}" if key[0] in self.held else key[0]

    def arm(self) -> None:
        """Its timers, in an empty set of them."""
        for name, held in self.held.items():
            self._await(name, held)

    def _await(self, name: str, held: Held) -> None:
        if held.until:
            self._timers.arm((name, 0), held.until)
        else:
            self._timers.disarm((name, 0))

    # ---- keeping

    def dump(self) -> list[list[object]]:
        return [
            [held.alert, held.rule, held.source, held.subject, held.type, held.member, held.seq, held.until]
            for _, held in sorted(self.held.items())
        ]

    def load(self, data: Iterable[list[Any]]) -> None:
        fields = ("alert", "rule", "source", "subject", "type", "member", "seq", "until")
        for row in data:
            given: Mapping[str, Any] = dict(zip(fields, row, strict=True))
            held = Held(**given)
            self.held[_name(held.rule, held.source, held.subject, held.type)] = held


def rule_of(timer: str) -> str:
    """The rule whose timer has this name."""
    return timer.removeprefix(TIMER).split(":", 1)[0]


def _name(rule: str, source: str, subject: str, type_: str) -> str:
    return f"{TIMER}{rule}:{type_}:{source}/{subject}"
