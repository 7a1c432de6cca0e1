"""The rules over the log, an entry whole or not at all: one that they stumble over leaves nothing behind.

The machine changes in many places while it takes an entry in, and an error may come at any of them. So what it was
is kept as bytes, with the entries since: after an error it is made anew from these, without the one at fault.
"""

from collections.abc import Callable

from hub.journal.records import ClaimEntry, Entry, EventEntry, ReadingsEntry
from hub.telemetry import logger
from hub.topology import Topology
from hub.warning import states
from hub.warning.alerts import Step
from hub.warning.machine import Machine

_log = logger(__name__)
_ENTRIES = 5_000  # held at most, before the state is kept anew
_ROWS = 20_000  # of readings in them

Fresh = Callable[[Topology], Machine]
"""Makes an empty machine over a topology."""


class Decider:
    """`decide` for every entry of the log once, in order. `machine` is another one after each error."""

    def __init__(self, machine: Machine, fresh: Fresh) -> None:
        self.machine = machine
        self._fresh = fresh
        self._since: list[tuple[Entry, str]] = []  # with the epoch in force
        self._rows = 0
        self._state = states.dump(machine)
        self._places = machine.topology.dump()
        self._places_moved = False

    def decide(self, entry: Entry) -> list[Step]:
        """What the entry brings: nothing where the rules stumble over it, which is logged; it must not silence the
        rest."""
        try:
            steps = self.machine.apply(entry)
        except Exception:  # noqa: BLE001 - the rule engine is one of the three places
            _log.exception("warning.entry-passed-by", seq=entry.seq)
            self._undo()
            return []
        self._since.append((entry, self.machine.epoch))
        if isinstance(entry, ReadingsEntry):
            self._rows += len(entry.rows)
        elif isinstance(entry, ClaimEntry) or (isinstance(entry, EventEntry) and entry.type.startswith("entity.")):
            self._places_moved = True
        if self._rows >= _ROWS or len(self._since) >= _ENTRIES:
            self._keep()
        return steps

    def _keep(self) -> None:
        self._state = states.dump(self.machine)
        if self._places_moved:
            self._places = self.machine.topology.dump()
        self._since.clear()
        self._rows = 0
        self._places_moved = False

    def _undo(self) -> None:
        broken = self.machine
        broken.topology.load(self._places)
        self.machine = machine = self._fresh(broken.topology)
        states.load(machine, self._state, broken.series.values())
        for entry, epoch in self._since:
            machine.epoch = epoch
            machine.apply(entry)
        machine.epoch = broken.epoch
        self._keep()
