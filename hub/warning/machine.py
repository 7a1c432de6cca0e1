"""What the rules make of the log: a fold over its entries, in order, that decides what happens to which alert.

It knows no clock but the greatest recorded time that it has read, so the same log gives the same decisions,
whoever reads it and however late. Due delays fire before the record that passed them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from hub.clock import to_micros
from hub.journal.readings import Flag
from hub.journal.records import ClaimEntry, Entry, EventEntry, ReadingRow, ReadingsEntry, Series, SignalEntry
from hub.topology import Topology
from hub.warning import alerts, limits, silence
from hub.warning.alerts import Measured, Named, Step
from hub.warning.cells import NOTHING, Cell, RuleBook, Watch
from hub.warning.episodes import Episodes
from hub.warning.limits import Change, Phase
from hub.warning.official import RULE as OFFICIAL
from hub.warning.official import Officials
from hub.warning.rules import LimitRule, RuleSet, SilenceRule, SourceRule
from hub.warning.selectors import selects, subject_of
from hub.warning.signals import TIMER as SIGNAL
from hub.warning.signals import Signals
from hub.warning.timers import Key, Timers

_BAD = int(Flag.BAD)
_AT_REST = limits.NORMAL
_SOURCE = 0
"""Stands for the source itself where an episode's members are series."""


class Machine:
    """Feed `apply` every entry of the log once, in order; its series must be known before (`know`)."""

    def __init__(self, topology: Topology, epoch: str) -> None:
        self.topology = topology
        self.epoch = epoch
        self.book = RuleBook(RuleSet())
        self.clock = 0  # microseconds since 1970, as all times here
        self.timer_version = 0  # of the stream of `timer.fired`
        self.series: dict[int, Series] = {}
        self.seen: dict[int, tuple[int, int]] = {}  # series → when and under which number it was last read
        self.active: dict[Key, Cell] = {}  # cells in another phase than NORMAL
        self.silent: dict[Key, str] = {}  # → the alert
        self.episodes = Episodes(self.identify, topology)
        self._timers = Timers()
        self.signals = Signals(topology, self.episodes, self._timers)
        self.officials = Officials(topology, self.episodes, self._timers)
        self.down: set[str] = set()  # sources
        self.recovered: dict[str, int] = {}  # source → when
        self._watches: dict[int, Watch] = {}
        self._by_thing: dict[tuple[str, str], list[int]] = {}
        self._stale = False  # the rules' selectors must be looked at anew
        self._seq = 0

    def identify(self, rule: str, subject: str, opening: str) -> str:
        return alerts.alert_id(self.epoch, rule, subject, opening)

    # ---- what it is told beside the log

    def know(self, series: Iterable[Series]) -> None:
        for one in series:
            if one.id not in self.series:
                self._by_thing.setdefault((one.source, one.external_id), []).append(one.id)
                self._watches.pop(one.id, None)
            self.series[one.id] = one

    def unknown(self, entries: Sequence[Entry]) -> bool:
        """Whether the entries name a series that was not told of."""
        known = self.series.keys()
        return any(not {row[0] for row in entry.rows} <= known for entry in entries if isinstance(entry, ReadingsEntry))

    # ---- the fold

    def apply(self, entry: Entry) -> list[Step]:
        """The decisions that the entry brought, in order."""
        self.episodes.next_entry(entry.seq)
        self._seq = entry.seq
        self.officials.next_entry(entry.seq)
        to = to_micros(entry.recorded_at)
        if isinstance(entry, EventEntry) and entry.type == "timer.fired":
            to = max(to, to_micros(datetime.fromisoformat(str(entry.data["deadline"]))))
            self.timer_version = entry.stream_version
        self._advance(to)
        if isinstance(entry, ReadingsEntry):
            self._readings(entry)
        elif isinstance(entry, ClaimEntry):
            self._claim(entry)
        elif isinstance(entry, SignalEntry):
            self.signals.apply(entry, self.book, self.clock)
        elif isinstance(entry, EventEntry):
            self._event(entry)
        return self.episodes.steps

    def next_deadline(self) -> tuple[int, Key] | None:
        """The first delay that will run out if nothing more happens, and whose it is."""
        self._refresh()
        while (first := self._timers.first()) is not None:
            deadline, key = first
            rule = self.book.by_id.get(key[0])
            if isinstance(rule, SilenceRule):
                due = self._silent_at(rule, key[1])
                if due != deadline:
                    self._timers.disarm(key)
                    if due is not None:
                        self._timers.arm(key, due)
                    continue
            return first
        return None

    def subject(self, key: Key) -> str:
        if key[0].startswith(SIGNAL):
            return self.signals.subject(key)
        if key[0].startswith(OFFICIAL):
            return key[0]
        return subject_of(self.series[key[1]], self.topology)

    def rebuild(self) -> None:
        """Makes anew what follows from rules, topology and series: which rules concern which series, and the timers."""
        self._stale = False
        self._watches.clear()
        self._timers.clear()
        for key, cell in self.active.items():
            if cell.track.deadline is not None:
                self._timers.arm(key, cell.track.deadline)
        for series in self.seen:
            self._watch(series)
        self.signals.arm()
        self.officials.arm()

    def _refresh(self) -> None:
        if self._stale:
            self.rebuild()

    def _advance(self, to: int) -> None:
        self._refresh()
        while (first := self._timers.first()) is not None and first[0] <= to:
            self._timers.pop()
            self.clock = max(self.clock, first[0])
            self._fire(first[0], first[1])
        self.clock = max(self.clock, to)

    def _fire(self, deadline: int, key: Key) -> None:
        if key[0].startswith(SIGNAL):
            self.signals.fire(key, deadline)
            return
        if key[0].startswith(OFFICIAL):
            self.officials.fire(key, deadline)
            return
        rule = self.book.by_id.get(key[0])
        if isinstance(rule, LimitRule):
            cell = self.active.get(key)
            if cell is not None and cell.track.deadline == deadline:
                self._move(cell, limits.on_deadline(cell.track), deadline)
        elif isinstance(rule, SilenceRule):
            due = self._silent_at(rule, key[1])
            if due is not None and due > deadline:
                self._timers.arm(key, due)
            elif due is not None:
                series = self.series[key[1]]
                measured = Measured(quantity=series.quantity, unit=series.unit)
                seen = self.seen[series.id][1]
                origin = str(seen) if seen > self.book.seq else f"{self.book.seq}.{seen}"
                self.silent[key] = self._open(rule, series, seen, deadline, measured, origin)

    def _silent_at(self, rule: SilenceRule, series_id: int) -> int | None:
        """When the series counts as silent; None where nobody waits for it."""
        seen, series = self.seen.get(series_id), self.series.get(series_id)
        if seen is None or series is None or (rule.id, series_id) in self.silent:
            return None
        if series.source in self.down and self.book.watches(series.source):
            return None
        return silence.deadline(rule.after_micros, seen[0], self.recovered.get(series.source, 0), self.book.at)

    # ---- readings

    def _readings(self, entry: ReadingsEntry) -> None:
        mark = (self.clock, entry.seq)
        seen, watches = self.seen, self._watches
        for row in entry.rows:
            seen[row[0]] = mark
            watch = watches.get(row[0])
            if watch is None:
                watch = self._watch(row[0])
            if watch is not NOTHING:
                self._reading(watch, row)

    def _reading(self, watch: Watch, row: ReadingRow) -> None:
        if self.silent:
            for rule in watch.silences:
                if (alert := self.silent.pop((rule.id, row.series), None)) is not None:
                    self.episodes.leave(alert, row.series, self.clock, self._seq)
                    self._await_silence(rule, row.series)
        if row[3] & _BAD:
            return
        for cell in watch.cells:
            if cell.track is _AT_REST and row[2] * cell.sign < cell.breach:
                continue  # nearly all readings
            self._move(cell, limits.on_value(cell.bounds, cell.track, row.value, self.clock, self._seq), self.clock)

    def _watch(self, series_id: int) -> Watch:
        series = self.series.get(series_id)
        if series is None:
            return NOTHING
        found = [
            rule for rule in self.book.by_quantity.get(series.quantity, ()) if selects(rule, series, self.topology)
        ]
        if found:
            watch = Watch(
                tuple(
                    self.active.get((rule.id, series_id)) or Cell(rule, series)
                    for rule in found
                    if isinstance(rule, LimitRule)
                ),
                tuple(rule for rule in found if isinstance(rule, SilenceRule)),
            )
        else:
            watch = NOTHING
        self._watches[series_id] = watch
        for rule in watch.silences:
            self._await_silence(rule, series_id)
        return watch

    def _await_silence(self, rule: SilenceRule, series_id: int) -> None:
        key = (rule.id, series_id)
        due = self._silent_at(rule, series_id)
        if due is not None and key not in self._timers:
            self._timers.arm(key, due)

    def _move(self, cell: Cell, moved: limits.Moved, at: int) -> None:
        cell.track = moved.track
        if moved.track.phase is Phase.NORMAL:
            self.active.pop(cell.key, None)
        else:
            self.active[cell.key] = cell
        if moved.track.deadline is None:
            self._timers.disarm(cell.key)
        else:
            self._timers.arm(cell.key, moved.track.deadline)
        if moved.change is Change.OPENED:
            measured = Measured(
                quantity=cell.rule.quantity, unit=cell.series.unit, value=moved.track.value, limit=cell.rule.limit
            )
            cell.alert = self._open(cell.rule, cell.series, moved.cause, at, measured, str(moved.cause))
        elif moved.change is Change.RETURNED and cell.alert is not None:
            alert, cell.alert = cell.alert, None
            self.episodes.leave(alert, cell.series.id, at, moved.cause)

    # ---- episodes

    def _open(
        self, rule: LimitRule | SilenceRule, series: Series, cause: int, at: int, measured: Measured, origin: str
    ) -> str:
        subject = subject_of(series, self.topology)
        named = Named(id=subject, kind=self.topology.kind(subject) or "SENSOR", name=self.topology.name(subject))
        return self.episodes.begin(rule, named, series.id, cause, at, measured, origin)

    # ---- events and claims

    def _event(self, entry: EventEntry) -> None:
        if entry.type == alerts.ACKNOWLEDGED:
            self.episodes.acknowledge(entry.stream.removeprefix("alert:"), self.clock, entry.seq)
        elif entry.type == "rules.replaced":
            self.book = RuleBook(RuleSet.of(entry.data), entry.seq, self.clock)
            self._withdraw_unselected()
            self.rebuild()
            for source in sorted(self.down):
                self._source_down(source)
        elif entry.type == "source.unavailable":
            self.down.add(str(entry.data["source"]))
            self._source_down(str(entry.data["source"]))
        elif entry.type == "source.recovered":
            self._source_up(str(entry.data["source"]))
        elif entry.type in ("entity.merged", "entity.split"):
            self._topology_moved(entry)
            self.officials.merged(str(entry.data["alias"]), self.clock, entry.seq)
        elif entry.type == "park.located":
            codes, takes = entry.data["geocodes"], entry.data["takesUnlocated"] is True
            self.officials.located(codes if isinstance(codes, list) else (), takes, self.clock, entry.seq)

    def _source_down(self, source: str) -> None:
        for rule in self.book.of_sources:
            if rule.covers(source) and (rule.id, _subject(source)) not in self.episodes.current:
                named = Named(id=_subject(source), kind=alerts.SOURCE_KIND, name=source)
                self.episodes.begin(rule, named, _SOURCE, self._seq, self.clock, None, str(self._seq))

    def _source_up(self, source: str) -> None:
        if source not in self.down:
            return
        self.down.discard(source)
        self.recovered[source] = self.clock
        for rule in self.book.of_sources:
            if (alert := self.episodes.current.get((rule.id, _subject(source)))) is not None:
                self.episodes.leave(alert, _SOURCE, self.clock, self._seq)
        for series in self.seen:
            if (one := self.series.get(series)) is not None and one.source == source:
                self._watch(series)

    def _claim(self, entry: ClaimEntry) -> None:
        if entry.claim.kind == "Warning":
            self.officials.claim(entry, self.clock)
        if entry.claim.kind in ("Route", "Organization"):  # no rule asks for them, but others ask the same topology
            self.topology.apply(entry)
        if entry.claim.kind not in ("Place", "Asset"):
            return
        if entry.claim.gone:
            for series in self._by_thing.get((entry.source, entry.claim.external_id), ()):
                self._retire(series)
            self.signals.retired(entry.source, entry.claim.external_id, self.clock, entry.seq)
        self._topology_moved(entry)

    def _topology_moved(self, entry: Entry) -> None:
        before = self.topology.changes
        self.topology.apply(entry)
        if self.topology.changes != before:
            self.officials.places_moved(self.clock, entry.seq)
        if self.book.selective:
            self._withdraw_unselected()
            self._stale = True

    def _retire(self, series: int) -> None:
        """The source says that the thing is no longer there: nobody waits for it, until it is read again."""
        self.seen.pop(series, None)
        self._watches.pop(series, None)
        for rule in self.book.by_id:
            self._timers.disarm((rule, series))
            self._withdraw((rule, series))

    def _withdraw_unselected(self) -> None:
        """Ends what the rules no longer ask for."""
        for key in sorted({*self.active, *self.silent}):
            rule = self.book.by_id.get(key[0])
            if not isinstance(rule, LimitRule | SilenceRule) or not selects(rule, self.series[key[1]], self.topology):
                self._withdraw(key)
            elif (cell := self.active.get(key)) is not None and isinstance(rule, LimitRule) and cell.rule != rule:
                self.active[key] = renewed = Cell(rule, cell.series)
                renewed.track, renewed.alert = cell.track, cell.alert
        self.signals.withdraw(self.book, self.clock, self._seq)
        for (rule_id, subject), alert in sorted(self.episodes.current.items()):
            asked = self.book.by_id.get(rule_id)
            kept = isinstance(asked, SourceRule) and asked.covers(subject.removeprefix("source:"))
            if _SOURCE in self.episodes.open[alert].members and not kept:
                self.episodes.let_go(alert, _SOURCE, self.clock, self._seq)

    def _withdraw(self, key: Key) -> None:
        self._timers.disarm(key)
        cell = self.active.pop(key, None)
        alert = cell.alert if cell is not None else self.silent.pop(key, None)
        if cell is not None:
            cell.track, cell.alert = limits.NORMAL, None
        if alert is not None:
            self.episodes.let_go(alert, key[1], self.clock, self._seq)


def _subject(source: str) -> str:
    return f"source:{source}"
