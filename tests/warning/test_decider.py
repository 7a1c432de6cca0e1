"""An entry that the rules stumble over is passed by whole: what it half did is undone, and nothing else is lost."""

import pytest

from adapters.contract import Link
from hub.journal.records import HUB, Entry
from hub.topology import Topology
from hub.warning import decider, states
from hub.warning.alerts import Step
from hub.warning.decider import Decider
from hub.warning.machine import Machine
from tests.warning.script import SERIES, SMOKE, Script, limit, machine, run, silence, told


class Stumbling(Machine):
    """Falls at the very end of chosen entries, when all is done."""

    at: frozenset[int] = frozenset()

    def apply(self, entry: Entry) -> list[Step]:
        steps = super().apply(entry)
        if entry.seq in self.at:
            raise ZeroDivisionError("a bug of the rules")
        return steps


def deciding(*at: int) -> Decider:
    def empty(topology: Topology) -> Machine:
        made = Stumbling(topology, "epoch-1")
        made.at = frozenset(at)
        return made

    begun = empty(Topology({}))
    begun.know(SERIES)
    return Decider(begun, empty)


def state(of: Machine) -> tuple[bytes, bytes]:
    return states.dump(of), of.topology.dump()


def test_a_timer_that_a_broken_event_passed_fires_with_the_next_entry() -> None:
    log = Script()
    log.rules(silence())
    read = log.wait(1).readings(20.0)
    log.wait(600).event("source.recovered", "source:x", {})  # it names no source
    log.wait(1).readings(1.0, series=SMOKE.id)
    on = Decider(machine(), lambda topology: Machine(topology, "epoch-1"))
    steps = [on.decide(entry) for entry in log.entries]
    assert steps[2] == []
    assert told(steps[3]) == [("opened", "silent", read)]


def busy() -> Script:
    """Every kind of entry, with alerts that open and return."""
    log = Script()
    for code, entity, parent in (("B1", "e-b1", None), ("Z-A", "e-za", "B1")):
        links = (Link(relation="PART_OF", target=parent),) if parent else ()
        targets = {("PART_OF", "B1"): "e-b1"} if parent else {}
        log.claim(
            code, entity, type="Place", source=HUB, links=links, targets=targets, kind="ZONE", code=code, name=code
        )
    located = (Link(relation="LOCATED_IN", target="Z-A", source=HUB),)
    log.rules(limit(within=("B1",)), silence(), limit(id="smoke", quantity="smoke", limit=1.0))
    log.claim("c-1", "e-c1", links=located, targets={("LOCATED_IN", "Z-A"): "e-za"}, kind="SENSOR")
    log.wait(1).readings(70.0)
    log.wait(1).readings(2.0, series=SMOKE.id)
    log.wait(300).event("source.unavailable", "source:cabinets", {"source": "cabinets"})
    log.wait(1).event("source.recovered", "source:cabinets", {"source": "cabinets"})
    log.wait(1).readings(20.0)
    log.wait(1).claim("c-1", "e-c1", gone=True)
    log.wait(1).readings(0.0, series=SMOKE.id)
    log.wait(1).rules()
    return log


@pytest.mark.parametrize("at", range(len(busy().entries)))
@pytest.mark.parametrize("kept_every", [1, 3, 10_000])
def test_wherever_they_stumble_all_is_as_if_the_entry_were_not_there(
    monkeypatch: pytest.MonkeyPatch, at: int, kept_every: int
) -> None:
    monkeypatch.setattr(decider, "_ENTRIES", kept_every)
    entries = busy().entries
    on = deciding(entries[at].seq)
    steps = [step for entry in entries for step in on.decide(entry)]
    without = machine()
    assert steps == run([*entries[:at], *entries[at + 1 :]], without)
    assert state(on.machine) == state(without)


def test_one_error_after_the_other_costs_no_more_than_themselves() -> None:
    entries = busy().entries
    on = deciding(*(entry.seq for entry in entries[4:9]))
    steps = [step for entry in entries for step in on.decide(entry)]
    without = machine()
    assert steps == run([*entries[:4], *entries[9:]], without)
    assert state(on.machine) == state(without)
