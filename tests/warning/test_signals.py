"""What devices report themselves, under rules: when the alert opens, when it returns, and what keeps it open."""

import pytest

from adapters.contract import Link
from hub.journal.records import HUB
from hub.topology import Topology
from hub.warning import states
from hub.warning.machine import Machine
from tests.warning.script import SERIES, START, Script, machine, run, seconds, signal_rule, told


def test_a_panels_alarm_opens_and_its_end_returns() -> None:
    log = Script()
    log.rules(signal_rule())
    log.wait(1).signal("fault", "active")
    alarm = log.wait(1).signal("fire_alarm", "active")
    log.wait(600).signal("fire_alarm", "active")
    over = log.wait(1).signal("fire_alarm", "inactive")
    again = log.wait(1).signal("fire_alarm", "active")
    steps = run(log.entries)
    assert told(steps) == [("opened", "fire", alarm), ("returned", "fire", over), ("opened", "fire", again)]
    assert steps[0].alert == steps[1].alert != steps[2].alert
    assert steps[0].opening is not None
    assert (steps[0].opening["code"], steps[0].opening["severity"]) == ("fire_alarm", "EXTREME")


def test_the_end_of_what_never_began_is_nothing() -> None:
    log = Script()
    log.rules(signal_rule())
    log.wait(1).signal("fire_alarm", "inactive")
    assert run(log.entries) == []


def test_an_event_of_a_moment_holds_for_a_minute_from_the_last_one() -> None:
    log = Script()
    log.rules(signal_rule(signals=("line_crossed",), severity="MINOR"))
    first = log.wait(1).signal("line_crossed")
    last = log.wait(50).signal("line_crossed")
    log.wait(59).readings(1.0)
    assert told(run(log.entries)) == [("opened", "fire", first)]
    log.wait(2).readings(1.0)
    steps = run(log.entries)
    assert told(steps) == [("opened", "fire", first), ("returned", "fire", last)]
    assert steps[1].at == START + seconds(111)


def test_a_lasting_one_ends_where_its_rule_names_a_time_and_nothing_came_again() -> None:
    log, on = Script(), machine()
    log.rules(signal_rule(clear_after=seconds(20)))
    alarm = log.wait(1).signal("fire_alarm", "active")
    assert told(run(log.entries, on)) == [("opened", "fire", alarm)]
    due = on.next_deadline()
    assert due is not None
    log.wait(20).event("timer.fired", "timers", {"deadline": (START + seconds(21)).isoformat(), "rule": due[1][0]})
    assert told(run(log.entries[-1:], on)) == [("returned", "fire", alarm)]
    assert on.next_deadline() is None


def test_two_signals_of_one_rule_hold_one_alert_until_both_are_over() -> None:
    log = Script()
    log.rules(signal_rule(signals=("fire_alarm", "fault")))
    first = log.wait(1).signal("fire_alarm", "active")
    log.wait(1).signal("fault", "active")
    log.wait(1).signal("fire_alarm", "inactive")
    assert told(run(log.entries)) == [("opened", "fire", first)]
    over = log.wait(1).signal("fault", "inactive")
    assert told(run(log.entries)) == [("opened", "fire", first), ("returned", "fire", over)]


def test_each_detector_has_an_alert_of_its_own() -> None:
    log = Script()
    log.rules(signal_rule())
    log.wait(1).signal("fire_alarm", "active", subject="c-1")
    log.signal("fire_alarm", "active", subject="c-2")
    assert len({step.alert for step in run(log.entries)}) == 2


def test_a_rule_of_one_place_takes_the_devices_in_it_alone() -> None:
    log = Script()
    log.claim("B1", "e-B1", type="Place", source=HUB, kind="BUILDING", name="B1")
    links = (Link(relation="LOCATED_IN", target="B1", source=HUB),)
    log.claim("c-1", "e-c1", links=links, targets={("LOCATED_IN", "B1"): "e-B1"}, kind="SENSOR")
    log.claim("c-2", "e-c2", kind="SENSOR")
    log.rules(signal_rule(within=("B1",)))
    inside = log.wait(1).signal("fire_alarm", "active", subject="c-1")
    log.signal("fire_alarm", "active", subject="c-2")
    assert told(run(log.entries)) == [("opened", "fire", inside)]


GONE = {
    "its device vanished from the source's list": lambda log: log.claim("c-1", "e-c1", gone=True),
    "its rule was taken away": lambda log: log.rules(),
    "its rule is of other signals now": lambda log: log.rules(signal_rule(signals=("fault",))),
}


@pytest.mark.parametrize("why", GONE)
def test_a_grave_one_stays_until_a_person_has_seen_it_though(why: str) -> None:
    log, on = Script(), machine()
    log.rules(signal_rule())
    log.wait(1).signal("fire_alarm", "active")
    alert = run(log.entries, on)[0].alert
    GONE[why](log.wait(1))
    log.wait(3600).readings(1.0)
    assert run(log.entries[2:], on) == []
    seen = log.wait(1).acknowledge(alert)
    assert told(run(log.entries[-1:], on)) == [("returned", "fire", seen), ("closed", "fire", seen)]


def test_what_holds_is_kept_over_a_restart() -> None:
    log, on = Script(), machine()
    log.rules(signal_rule(clear_after=seconds(20)), signal_rule(id="fault", signals=("fault",)))
    log.wait(1).signal("fire_alarm", "active")
    fault = log.signal("fault", "active")
    run(log.entries, on)
    again = Machine(Topology({}), "epoch-1")
    states.load(again, states.dump(on), SERIES)
    assert states.dump(again) == states.dump(on)
    over = log.wait(30).signal("fault", "inactive")
    assert told(run(log.entries[-1:], again)) == [("returned", "fire", fault - 10), ("returned", "fault", over)]
