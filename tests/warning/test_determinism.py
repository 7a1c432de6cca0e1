"""Whoever reads the log, however late and however often begun anew, comes to the same alerts."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Link
from hub.clock import from_micros, to_micros
from hub.journal.records import HUB, Entry, EventEntry
from hub.topology import Topology
from hub.warning import states
from hub.warning.alerts import Step
from hub.warning.machine import Machine
from tests.warning.script import SERIES, Script, limit, machine, run, seconds, signal_rule, silence, source_rule

RULES = (
    limit(on_delay=seconds(10), off_delay=seconds(10), hysteresis=5.0),
    limit(id="hotter", limit=80.0, severity="EXTREME"),
    limit(id="in-b1", limit=50.0, within=("B1",), off_delay=seconds(7)),
    limit(id="smoky", quantity="smoke", limit=10.0, on_delay=seconds(3)),
    silence(after=timedelta(seconds=30)),
    silence(id="smoke-silent", quantity="smoke", after=timedelta(seconds=20), within=("B1",)),
    signal_rule(),
    signal_rule(id="crossing", signals=("line_crossed", "intrusion"), severity="MINOR", clear_after=seconds(8)),
    signal_rule(id="fire-in-b1", within=("B1",), severity="MODERATE"),
    source_rule(),
)

acts = st.one_of(
    st.tuples(st.just("heat"), st.lists(st.sampled_from([20.0, 52.0, 57.0, 61.0, 85.0]), min_size=1, max_size=3)),
    st.tuples(st.just("smoke"), st.lists(st.sampled_from([1.0, 12.0]), min_size=1, max_size=2)),
    st.tuples(st.just("acknowledge"), st.integers(0, 5)),
    st.tuples(st.just("rules"), st.sets(st.integers(0, len(RULES) - 1))),
    st.tuples(st.just("move"), st.sampled_from(["B1", "B2"])),
    st.tuples(st.just("gone"), st.just(None)),
    st.tuples(
        st.just("signal"),
        st.tuples(
            st.sampled_from(["fire_alarm", "line_crossed", "intrusion"]), st.sampled_from(["active", "inactive", None])
        ),
    ),
    st.tuples(st.just("source"), st.booleans()),
)
scripts = st.lists(st.tuples(st.sampled_from([0, 0.5, 3, 10, 25, 60]), acts), min_size=3, max_size=25)


def written(script: list[tuple[float, tuple[str, object]]]) -> list[Entry]:
    """The log that comes of it; an acknowledgement is of an alert that is known by then."""
    log = Script()
    for code in ("B1", "B2"):
        log.claim(code, f"e-{code}", type="Place", source=HUB, kind="BUILDING", name=code)
    log.rules(*RULES)
    for pause, (act, what) in script:
        log.wait(pause)
        match act, what:
            case "heat", list(values):
                log.readings(*values)
            case "smoke", list(values):
                log.readings(*values, series=2)
            case "acknowledge", int(number):
                on = machine()
                run(log.entries, on)
                if on.episodes.open:
                    log.acknowledge(sorted(on.episodes.open)[number % len(on.episodes.open)])
            case "rules", set(chosen):
                log.rules(*(rule for number, rule in enumerate(RULES) if number in chosen))
            case "move", str(place):
                links = (Link(relation="LOCATED_IN", target=place, source=HUB),)
                targets = {("LOCATED_IN", place): f"e-{place}"}
                log.claim("c-1", "e-c1", links=links, targets=targets, kind="SENSOR", name="c-1")
            case "gone", None:
                log.claim("c-1", "e-c1", gone=True)
            case "signal", (str(type_), state):
                log.signal(type_, state)
            case "source", bool(up):
                name = "source.recovered" if up else "source.unavailable"
                log.event(name, "source:cabinets", {"source": "cabinets", "reason": "x"})
    log.wait(500).readings(1.0, series=2)
    return log.entries


def resumed(on: Machine) -> Machine:
    """The machine after a crash: its state and topology as they were stored."""
    topology = Topology({})
    topology.load(on.topology.dump())
    again = Machine(topology, "another epoch, until the state says which")
    states.load(again, states.dump(on), SERIES)
    return again


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_killed_and_resumed_at_every_entry_it_decides_as_if_it_had_gone_on(
    script: list[tuple[float, tuple[str, object]]],
) -> None:
    entries = written(script)
    whole = run(entries)
    on, found = machine(), list[Step]()
    for entry in entries:
        on = resumed(on)
        found += on.apply(entry)
    assert found == whole


@settings(max_examples=100, deadline=None)
@given(scripts, st.data())
def test_killed_once_anywhere_the_stored_state_is_the_same(
    script: list[tuple[float, tuple[str, object]]], data: st.DataObject
) -> None:
    entries = written(script)
    cut = data.draw(st.integers(0, len(entries)))
    on, other = machine(), machine()
    run(entries, on)
    run(entries[:cut], other)
    other = resumed(other)
    run(entries[cut:], other)
    assert states.dump(other) == states.dump(on)


@settings(max_examples=150, deadline=None)
@given(scripts, st.floats(0, 1))
def test_a_late_engine_decides_as_a_prompt_one(script: list[tuple[float, tuple[str, object]]], share: float) -> None:
    """A prompt engine writes `timer.fired` when the log is quiet; a late one finds the next record instead."""
    late = written(script)
    prompt, on, version = list[Entry](), machine(), 0
    for number, entry in enumerate(late):
        if number:
            extra = 0
            while (due := on.next_deadline()) is not None and due[0] < to_micros(entry.recorded_at):
                version += 1
                extra += 1
                gap = to_micros(entry.recorded_at) - due[0]
                fired = EventEntry(
                    seq=late[number - 1].seq + min(extra, 9),
                    batch=0,
                    recorded_at=from_micros(due[0] + int(gap * share)),
                    type="timer.fired",
                    version=1,
                    stream="timer",
                    stream_version=version,
                    data={"deadline": from_micros(due[0]).isoformat(), "rule": due[1][0], "subject": "x"},
                    actor="warning",
                    reason=None,
                    cause=None,
                )
                on.apply(fired)
                prompt.append(fired)
        on.apply(entry)
        prompt.append(entry)

    def facts(entries: list[Entry]) -> list[Step]:
        return [replace(step, decided=0) for step in run(entries)]

    assert facts(prompt) == facts(late)


@settings(max_examples=100, deadline=None)
@given(scripts)
def test_one_rule_and_subject_has_at_most_one_open_alert_and_no_id_twice(
    script: list[tuple[float, tuple[str, object]]],
) -> None:
    standing: dict[tuple[str, str], str] = {}
    opened: set[str] = set()
    for step in run(written(script)):
        key = (step.rule, step.subject)
        if step.type == "alert.opened":
            assert key not in standing and step.alert not in opened
            standing[key] = step.alert
            opened.add(step.alert)
        elif step.type == "alert.returned":
            assert standing.pop(key) == step.alert
        else:
            assert step.alert in opened and step.alert not in standing.values()
