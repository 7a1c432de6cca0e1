from datetime import timedelta

import pytest

from adapters.contract import Link
from hub.journal.readings import Flag
from hub.journal.records import HUB, Series
from hub.topology import Topology
from hub.warning import states
from hub.warning.alerts import alert_id
from hub.warning.machine import Machine
from tests.warning.script import (
    SERIES,
    SMOKE,
    START,
    TEMPERATURE,
    Script,
    limit,
    machine,
    run,
    seconds,
    silence,
    source_rule,
    told,
)


def test_a_rise_opens_one_alert_and_a_new_rise_after_the_return_is_a_new_one() -> None:
    log = Script()
    log.rules(limit())
    first = log.wait(1).readings(61.0)
    log.wait(1).readings(65.0)
    back = log.wait(1).readings(40.0)
    second = log.wait(1).readings(70.0)
    steps = run(log.entries)
    assert told(steps) == [("opened", "hot", first), ("returned", "hot", back), ("opened", "hot", second)]
    assert steps[0].alert == steps[1].alert == alert_id("epoch-1", "hot", "e-c1", str(first))
    assert steps[2].alert != steps[0].alert


def test_two_episodes_within_one_batch_are_two_alerts() -> None:
    log = Script()
    log.rules(limit())
    seq = log.wait(1).readings(61.0, 20.0, 62.0)
    steps = run(log.entries)
    assert told(steps) == [("opened", "hot", seq), ("returned", "hot", seq), ("opened", "hot", seq)]
    assert len({step.alert for step in steps}) == 2


def test_readings_before_the_rules_were_recorded_open_nothing() -> None:
    log = Script()
    log.readings(90.0)
    assert run(log.entries) == []
    log.wait(1).rules(limit())
    log.wait(1).readings(50.0)
    assert run(log.entries) == []


def test_a_bad_reading_opens_nothing_and_an_uncertain_one_may_be_a_fire() -> None:
    log = Script()
    log.rules(limit())
    log.wait(1).readings(500.0, flags=Flag.BAD)
    uncertain = log.wait(1).readings(500.0, flags=Flag.UNCERTAIN)
    log.wait(1).readings(20.0, flags=Flag.BAD)
    assert told(run(log.entries)) == [("opened", "hot", uncertain)]


def test_a_delay_that_ran_out_fires_before_the_record_that_passed_it() -> None:
    log = Script()
    log.rules(limit(on_delay=seconds(10), off_delay=seconds(10)))
    rise = log.wait(1).readings(61.0)
    log.wait(15).readings(20.0)
    calm = log.entries[-1].seq
    log.wait(30).readings(20.0, series=SMOKE.id)
    steps = run(log.entries)
    assert told(steps) == [("opened", "hot", rise), ("returned", "hot", calm)]
    assert steps[0].at == START + seconds(11)
    assert steps[1].at == START + seconds(26)


def test_a_sensor_fallen_silent_opens_and_its_next_reading_returns_it() -> None:
    log = Script()
    log.rules(silence())
    last = log.wait(1).readings(20.0)
    log.wait(119).readings(1.0, series=SMOKE.id)
    assert run(log.entries) == []
    log.wait(1).readings(1.0, series=SMOKE.id)
    heard = log.wait(100).readings(20.0, flags=Flag.BAD)
    steps = run(log.entries)
    assert told(steps) == [("opened", "silent", last), ("returned", "silent", heard)]
    assert steps[0].at == START + seconds(121)
    log.wait(200).readings(1.0, series=SMOKE.id)
    assert told(run(log.entries))[2:] == [("opened", "silent", heard)]


def test_a_silence_rule_that_comes_later_finds_the_sensor_that_is_silent_already() -> None:
    log = Script()
    last = log.readings(20.0)
    log.wait(600).rules(silence())
    log.wait(1).readings(1.0, series=SMOKE.id)
    assert told(run(log.entries)) == [("opened", "silent", last)]


def test_a_retired_sensor_is_not_waited_for() -> None:
    log = Script()
    log.rules(silence())
    log.wait(1).readings(20.0)
    log.claim("c-1", "e-c1", gone=True)
    log.wait(600).readings(1.0, series=SMOKE.id)
    assert run(log.entries) == []


def test_an_acknowledged_alert_closes_with_its_return_and_a_returned_one_with_its_acknowledgement() -> None:
    log = Script()
    log.rules(limit())
    log.wait(1).readings(61.0)
    on = machine()
    first = run(log.entries, on)[0].alert
    log.acknowledge(first)
    back = log.wait(1).readings(20.0)
    log.wait(1).readings(61.0)
    steps = run(log.entries[2:], on)
    assert told(steps[:2]) == [("returned", "hot", back), ("closed", "hot", back)]
    second = steps[2].alert
    log.wait(1).readings(20.0)
    seen = log.acknowledge(second)
    steps = run(log.entries[5:], on)
    assert told(steps) == [("returned", "hot", log.entries[-2].seq), ("closed", "hot", seen)]
    assert not on.episodes.open and not on.episodes.current


def test_a_rule_that_is_taken_away_returns_its_alerts() -> None:
    log = Script()
    log.rules(limit(severity="MODERATE"), silence())
    log.wait(1).readings(61.0)
    log.wait(200).readings(1.0, series=SMOKE.id)
    taken = log.rules()
    assert sorted(told(run(log.entries))[2:]) == [("returned", "hot", taken), ("returned", "silent", taken)]


GONE = {
    "its sensor vanished from the source's list": lambda log: log.claim("c-1", "e-c1", gone=True),
    "its rule was taken away": lambda log: log.rules(),
    "its rule is of another quantity now": lambda log: log.rules(limit(quantity="smoke")),
    "its rule is of other sensors now": lambda log: log.rules(limit(assets=("cabinets/c-2",))),
}


@pytest.mark.parametrize("why", GONE)
@pytest.mark.parametrize("severity", ["EXTREME", "SEVERE"])
def test_a_grave_alert_stays_open_until_a_person_has_seen_it_though(why: str, severity: str) -> None:
    log, on = Script(), machine()
    log.rules(limit(severity=severity))
    log.wait(1).readings(90.0)
    alert = run(log.entries, on)[0].alert
    GONE[why](log.wait(1))
    log.wait(3600).readings(1.0, series=SMOKE.id)
    assert run(log.entries[2:], on) == []
    seen = log.wait(1).acknowledge(alert)
    steps = run(log.entries[-1:], on)
    assert told(steps) == [("returned", "hot", seen), ("closed", "hot", seen)]
    assert not on.episodes.open and not on.episodes.current


def test_a_grave_alert_that_was_acknowledged_ends_with_its_sensor() -> None:
    log, on = Script(), machine()
    log.rules(limit())
    log.wait(1).readings(90.0)
    log.acknowledge(run(log.entries, on)[0].alert)
    gone = log.wait(1).claim("c-1", "e-c1", gone=True)
    assert told(run(log.entries[2:], on)) == [("returned", "hot", gone), ("closed", "hot", gone)]


def test_a_sensor_that_comes_back_burning_is_of_the_alert_that_was_held() -> None:
    log, on = Script(), machine()
    log.rules(limit())
    log.wait(1).readings(90.0)
    alert = run(log.entries, on)[0].alert
    log.wait(1).claim("c-1", "e-c1", gone=True)
    log.wait(1).claim("c-1", "e-c1", kind="SENSOR")
    log.wait(1).readings(95.0)
    log.acknowledge(alert)
    assert run(log.entries[2:], on) == [], "it burns still, and nobody opens a second alert"
    back = log.wait(1).readings(20.0)
    assert told(run(log.entries[-1:], on)) == [("returned", "hot", back), ("closed", "hot", back)]


def test_a_held_alert_stays_held_over_a_restart() -> None:
    log, on = Script(), machine()
    log.rules(limit())
    log.wait(1).readings(90.0)
    log.wait(1).rules()
    alert = run(log.entries, on)[0].alert
    again = Machine(Topology({}), "epoch-1")
    states.load(again, states.dump(on), SERIES)
    assert states.dump(again) == states.dump(on)
    seen = log.wait(1).acknowledge(alert)
    assert told(run(log.entries[-1:], again)) == [("returned", "hot", seen), ("closed", "hot", seen)]


def test_a_lower_limit_is_in_force_from_its_record_on() -> None:
    log = Script()
    log.rules(limit())
    log.wait(1).readings(55.0)
    log.rules(limit(limit=50.0))
    now = log.wait(1).readings(55.0)
    assert told(run(log.entries)) == [("opened", "hot", now)]


def test_rules_choose_by_place_kind_and_asset() -> None:
    log = Script()
    for code, entity, parent in (("B1", "e-b1", None), ("Z-A", "e-za", "B1"), ("B2", "e-b2", None)):
        links = (Link(relation="PART_OF", target=parent),) if parent else ()
        targets = {("PART_OF", "B1"): "e-b1"} if parent else {}
        log.claim(
            code, entity, type="Place", source=HUB, links=links, targets=targets, kind="ZONE", code=code, name=code
        )
    located = (Link(relation="LOCATED_IN", target="Z-A", source=HUB),)
    log.claim("c-1", "e-c1", links=located, targets={("LOCATED_IN", "Z-A"): "e-za"}, kind="SENSOR", name="柜")
    log.rules(
        limit(id="in-b1", within=("B1",), severity="MODERATE"),
        limit(id="in-b2", within=("B2",)),
        limit(id="this", assets=("cabinets/c-1",)),
        limit(id="other", assets=("cabinets/c-2",)),
        limit(id="cameras", kinds=("CAMERA",)),
    )
    seq = log.wait(1).readings(61.0)
    steps = run(log.entries)
    assert told(steps) == [("opened", "in-b1", seq), ("opened", "this", seq)]
    assert steps[0].opening is not None
    assert [place["name"] for place in steps[0].opening["path"]] == ["Z-A", "B1"]
    assert steps[0].opening["subject"] == {"id": "e-c1", "kind": "SENSOR", "name": "柜"}
    moved = (Link(relation="LOCATED_IN", target="B2", source=HUB),)
    at = log.claim("c-1", "e-c1", links=moved, targets={("LOCATED_IN", "B2"): "e-b2"}, kind="SENSOR")
    again = log.wait(1).readings(62.0)
    assert told(run(log.entries))[2:] == [("returned", "in-b1", at), ("opened", "in-b2", again)]


def test_two_sources_of_one_sensor_share_one_alert() -> None:
    log = Script()
    other = Series(id=3, source="panel", external_id="p-1", quantity="temperature", unit="Cel", sensor="e-c1")
    on = machine()
    on.know([other])
    log.rules(limit())
    first = log.wait(1).readings(61.0)
    log.wait(1).readings(62.0, series=3)
    log.wait(1).readings(20.0)
    last = log.wait(1).readings(20.0, series=3)
    assert told(run(log.entries, on)) == [("opened", "hot", first), ("returned", "hot", last)]


def test_a_source_that_is_gone_is_one_alert_and_its_sensors_silence_waits() -> None:
    log = Script()
    log.rules(silence(), source_rule())
    log.wait(1).readings(20.0)
    lost = log.wait(10).event("source.unavailable", "source:cabinets", {"source": "cabinets", "reason": "no answer"})
    log.wait(500).readings(1.0, series=SMOKE.id)
    found = log.wait(1).event("source.recovered", "source:cabinets", {"source": "cabinets", "reason": ""})
    steps = run(log.entries)
    assert told(steps) == [("opened", "gone", lost), ("returned", "gone", found)]
    assert steps[0].opening is not None
    assert steps[0].opening["subject"] == {"id": "source:cabinets", "kind": "SOURCE", "name": "cabinets"}
    log.wait(121).readings(1.0, series=SMOKE.id)
    assert [step.rule for step in run(log.entries)[2:]] == ["silent"]


def test_the_clock_never_goes_back() -> None:
    log = Script()
    log.rules(limit(on_delay=seconds(10)))
    log.wait(20).readings(61.0)
    log.wait(-15).readings(62.0)
    log.wait(20).readings(63.0, series=SMOKE.id)
    assert run(log.entries) == []
    log.wait(6).readings(1.0, series=SMOKE.id)
    steps = run(log.entries)
    assert [step.at for step in steps] == [START + seconds(30)]


def test_a_unit_that_the_rule_does_not_mean_is_not_compared() -> None:
    log = Script()
    on = Machine(Topology({}), "e")
    on.know([Series(id=1, source="s", external_id="x", quantity="temperature", unit="K", sensor="e-x")])
    log.rules(limit(unit="Cel"))
    log.wait(1).readings(300.0)
    assert run(log.entries, on) == []


def test_timers_in_order_come_from_the_machine() -> None:
    log = Script()
    log.rules(limit(on_delay=timedelta(seconds=10)), silence())
    log.wait(1).readings(61.0)
    on = machine()
    run(log.entries, on)
    first = on.next_deadline()
    assert first is not None and first[1] == ("hot", TEMPERATURE.id)
    assert on.subject(first[1]) == "e-c1"
