"""Official warnings passed on: what begins an alert, what ends it, and that the same log always says the same."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Claim, Identifier, Link, Position
from adapters.government.areas import Areas, Circle, Geocode
from hub.clock import ManualClock, from_micros, to_micros
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, Entry, EventEntry
from hub.topology import Topology
from hub.viewer import LOCAL_ADMINISTRATOR
from hub.warning import notices, replay, states, words
from hub.warning.alerts import Step
from hub.warning.engine import Engine
from hub.warning.machine import Machine
from hub.warning.warning_desk import WarningAlreadyAcknowledged, WarningDesk, locate
from tests.warning.script import START, Script, machine, open_journal, run, seconds

WEST = Areas(circles=(Circle(latitude=29.5, longitude=106.5, radius=1.0),)).dumps()
ALL = Areas(circles=(Circle(latitude=29.5, longitude=106.5, radius=100.0),)).dumps()
CHONGQING = Areas(geocodes=(Geocode(scheme="GB/T 2260", value="500000"),)).dumps()


def park() -> Script:
    """Two buildings ten kilometres apart."""
    log = Script()
    log.place("park", kind="PARK", name="园区")
    log.place("west", "park", kind="BUILDING", name="西楼", latitude=29.5, longitude=106.5)
    log.place("east", "park", kind="BUILDING", name="东楼", latitude=29.5, longitude=106.6)
    return log


def at(log: Script, after: float) -> str:
    return (log.now + seconds(after)).isoformat(timespec="microseconds")


def told(steps: list[Step]) -> list[tuple[str, str]]:
    """Type and subject of what happens to alerts."""
    return [(s.type.removeprefix("alert."), s.subject) for s in steps if s.type.startswith("alert.")]


def covers(steps: list[Step]) -> list[list[str]]:
    return [[p["id"] for p in s.opening["places"]] for s in steps if s.type == notices.COVERED and s.opening]


def test_an_alert_for_each_covered_place_with_the_warning_as_it_was_sent() -> None:
    log = park()
    seq = log.warn("w1", areas=WEST, headline="暴雨红色预警")
    steps = run(log.entries)
    assert told(steps) == [("opened", "west")]
    assert covers(steps) == [["west"]]
    opening = steps[0].opening
    assert opening is not None
    assert (opening["code"], opening["severity"], opening["rule"]) == ("official_warning", "SEVERE", "official-warning")
    assert opening["warning"] == {
        "id": "w1",
        "identifier": "w1",
        "event": "暴雨",
        "headline": "暴雨红色预警",
        "issuer": "重庆市气象台",
        "sent": START.isoformat(timespec="microseconds"),
        "colour": "RED",
    }
    assert {step.cause for step in steps} == {seq}
    assert words.text(opening, "zh") == "园区 · 西楼:重庆市气象台发布红色暴雨预警:暴雨红色预警"
    assert words.text(opening, "en") == "园区 · 西楼: 重庆市气象台 warns: 暴雨红色预警"


def test_a_storm_over_the_whole_park_is_one_alert() -> None:
    log = park()
    log.warn("w1", areas=ALL)
    assert told(run(log.entries)) == [("opened", "park")]


def test_a_division_that_the_park_lies_in_covers_it_from_when_the_log_knows() -> None:
    log = park()
    log.warn("w1", areas=CHONGQING)
    assert told(run(log.entries)) == []
    log.located("500112")
    assert told(run(log.entries)) == [("opened", "park")]


@pytest.mark.parametrize(
    "values",
    [
        {"status": "EXERCISE"},
        {"status": "TEST"},
        {"status": "DRAFT"},
        {"status": "SYSTEM"},
        {"message_type": "CANCEL"},
        {"message_type": "ACK"},
        {"ended_at": START.isoformat()},
        {"expires": START.isoformat()},
    ],
)
@pytest.mark.parametrize("areas", [WEST, None])
def test_what_is_not_in_force_raises_nothing(values: dict[str, Any], areas: str | None) -> None:
    log = park()
    log.located()
    log.warn("w1", **({"areas": areas} | values))
    assert run(log.entries) == []


@pytest.mark.parametrize("areas", [None, "", "no JSON", Areas().dumps(), "[]"])
def test_one_without_an_area_that_can_be_read_is_taken_for_the_whole_park_and_says_so(areas: str | None) -> None:
    log = park()
    log.located("500112")
    log.warn("w1", areas=areas, headline="大风蓝色预警", colour="BLUE")
    steps = run(log.entries)
    assert (told(steps), covers(steps)) == ([("opened", "park")], [["park"]])
    opening = steps[0].opening
    assert opening is not None
    assert opening["code"] == "official_warning_unlocated"
    assert words.text(opening, "zh").endswith("(未给出区域或区域无法读取,按整个园区处理)")
    assert words.text(opening, "en").endswith("(area not given or not readable: taken as the whole park)")


@pytest.mark.parametrize(
    "areas",
    [
        Areas(circles=(Circle(latitude=10.0, longitude=106.5, radius=1.0),)),
        Areas(geocodes=(Geocode(scheme="GB/T 2260", value="650000"),)),
        Areas(geocodes=(Geocode(scheme="UGC", value="COZ001"),)),
    ],
)
def test_one_whose_area_lies_elsewhere_or_has_a_code_that_the_park_does_not_have_raises_nothing(areas: Areas) -> None:
    log = park()
    log.located("500112")
    log.warn("w1", areas=areas.dumps())
    assert run(log.entries) == []


def test_one_without_an_area_ends_as_others_do() -> None:
    for ending in ("expires", "UPDATE", "CANCEL", "ended"):
        log = park()
        log.located()
        log.warn("w1", **({"expires": at(log, 60)} if ending == "expires" else {}))
        if ending == "ended":
            log.warn("w1", ended_at=at(log, 0))
        elif ending != "expires":
            log.wait(10).warn("w2", message_type=ending, refers_to=["w1"], areas=WEST)
        log.wait(90).place("elsewhere", "park", kind="BUILDING")
        found = told(run(log.entries))
        assert found[0] == ("opened", "park") and ("returned", "park") in found, ending


def test_an_area_that_is_told_later_takes_the_place_of_the_whole_park_and_the_other_way_round() -> None:
    log = park()
    log.located()
    log.warn("w1")
    log.warn("w1", areas=ALL)
    log.warn("w1", areas=WEST)
    log.warn("w1")
    steps = run(log.entries)
    opened = [(s.opening["code"], s.subject) for s in steps if s.type == "alert.opened" and s.opening]
    assert opened == [
        ("official_warning_unlocated", "park"),
        ("official_warning", "park"),
        ("official_warning", "west"),
        ("official_warning_unlocated", "park"),
    ]
    assert told(steps).count(("returned", "park")) == 2
    assert covers(steps) == [["park"], ["west"], ["park"]]


def test_a_log_from_before_says_nothing_of_one_without_an_area_until_it_is_told_to() -> None:
    log = park()
    log.located("500112", takes_unlocated=False)
    log.warn("w1")
    assert run(log.entries) == []
    seq = log.located("500112")
    steps = run(log.entries)
    assert (told(steps), steps[0].cause) == ([("opened", "park")], seq)


def test_it_is_taken_for_a_park_that_is_entered_later() -> None:
    log = Script()
    log.located()
    log.warn("w1")
    log.wait(1).place("park", kind="PARK", name="园区")
    log.wait(10).place("west", "park", kind="BUILDING")
    assert told(run(log.entries)) == [("opened", "park")]


def test_it_returns_when_it_expires_by_its_own_time_however_late_one_reads() -> None:
    log = park()
    log.warn("w1", areas=WEST, expires=at(log, 60))
    log.wait(300).place("elsewhere", kind="PARK")
    steps = run(log.entries)
    assert told(steps) == [("opened", "west"), ("returned", "west")]
    assert steps[-1].at == START + seconds(60)


@pytest.mark.parametrize("message_type", ["UPDATE", "CANCEL"])
def test_a_later_message_ends_the_earlier_one(message_type: str) -> None:
    log = park()
    log.warn("w1", areas=WEST)
    log.wait(10).warn("w2", areas=ALL, message_type=message_type, refers_to=["w1"])
    expected = [("opened", "west"), ("returned", "west")]
    if message_type == "UPDATE":
        expected.insert(1, ("opened", "park"))
    assert sorted(told(run(log.entries))) == sorted(expected)


def test_one_that_arrives_after_what_ended_it_raises_nothing() -> None:
    log = park()
    log.warn("w2", message_type="CANCEL", refers_to=["w1"], sent=at(log, 10))
    log.warn("w1", areas=WEST)
    assert told(run(log.entries)) == []


def test_messages_that_refer_to_themselves_and_to_each_other_do_not_loop_and_the_later_one_stands() -> None:
    log = park()
    log.warn("w1", areas=WEST, message_type="UPDATE", refers_to=["w1", "w2"])
    log.warn("w2", areas=WEST, message_type="UPDATE", refers_to=["w2", "w1"], sent=at(log, 5))
    assert told(run(log.entries)) == [("opened", "west"), ("opened", "west"), ("returned", "west")]


def test_an_exercise_that_cancels_ends_nothing() -> None:
    log = park()
    log.warn("w1", areas=WEST)
    log.wait(5).warn("w2", status="EXERCISE", message_type="CANCEL", refers_to=["w1"])
    assert told(run(log.entries)) == [("opened", "west")]


def test_its_source_says_that_it_ended() -> None:
    log = park()
    log.warn("w1", areas=WEST)
    log.wait(5).warn("w1", areas=WEST, ended_at=at(log, 0))
    assert told(run(log.entries)) == [("opened", "west"), ("returned", "west")]


def test_one_that_no_source_tells_of_any_more_is_held_open_where_it_is_grave() -> None:
    for severity, ends in (("SEVERE", False), ("MINOR", True)):
        log = park()
        log.warn("w1", areas=WEST, severity=severity)
        log.wait(5).claim("w1", "w1", type="Warning", source="cap", gone=True)
        steps = run(log.entries)
        assert (("returned", "west") in told(steps)) is ends
        assert covers(steps) == [["west"], []]


def test_a_place_that_is_built_or_moved_later_is_taken_up() -> None:
    log = park()
    log.warn("w1", areas=WEST)
    log.wait(10).place("hut", "park", kind="BUILDING", name="岗亭", latitude=29.501, longitude=106.5)
    log.place("west", "park", kind="BUILDING", name="西楼", latitude=29.9, longitude=106.5)
    log.wait(10).place("far", "park", kind="BUILDING", latitude=20.0, longitude=100.0)
    log.wait(10).place("far", "park", kind="BUILDING", latitude=20.0, longitude=100.0)
    steps = run(log.entries)
    assert told(steps) == [("opened", "west"), ("returned", "west"), ("opened", "hut")]
    assert covers(steps) == [["west"], ["hut"]]


def test_two_warnings_of_one_place_are_two_alerts() -> None:
    log = park()
    log.warn("w1", areas=WEST)
    log.warn("w2", areas=WEST, message_type="ALERT")
    log.wait(1).warn("w1", areas=WEST, message_type="CANCEL")
    steps = run(log.entries)
    assert told(steps) == [("opened", "west"), ("opened", "west"), ("returned", "west")]
    assert steps[0].alert == steps[-1].alert


AREAS = (WEST, ALL, CHONGQING, None)
acts = st.one_of(
    st.tuples(
        st.just("warn"),
        st.sampled_from(["w1", "w2", "w3"]),
        st.sampled_from(AREAS),
        st.sampled_from(["ALERT", "UPDATE", "CANCEL"]),
        st.lists(st.sampled_from(["w1", "w2", "w3"]), max_size=2),
        st.sampled_from([None, 0.5, 20, 90]),
    ),
    st.tuples(st.just("gone"), st.sampled_from(["w1", "w2", "w3"])),
    st.tuples(st.just("move"), st.sampled_from(["west", "east", "hut"]), st.sampled_from([106.5, 106.6, 100.0])),
    st.tuples(st.just("located"), st.sampled_from([["500112"], []]), st.booleans()),
    st.tuples(st.just("acknowledge"), st.integers(0, 5)),
)
scripts = st.lists(st.tuples(st.sampled_from([0, 0.4, 3, 30]), acts), min_size=2, max_size=16)


def written(script: list[tuple[float, tuple[Any, ...]]]) -> list[Entry]:
    log = park()
    for pause, act in script:
        log.wait(pause)
        match act:
            case "warn", name, areas, type_, refers, expires:
                more = {} if expires is None else {"expires": at(log, expires)}
                log.warn(name, areas=areas, message_type=type_, refers_to=refers, severity="MINOR", **more)
            case "gone", name:
                log.claim(name, name, type="Warning", source="cap", gone=True)
            case "move", place, longitude:
                log.place(place, "park", kind="BUILDING", latitude=29.5, longitude=longitude)
            case "located", codes, takes:
                log.located(*codes, takes_unlocated=takes)
            case "acknowledge", number:
                on = machine()
                run(log.entries, on)
                if on.episodes.open:
                    log.acknowledge(sorted(on.episodes.open)[number % len(on.episodes.open)])
    log.wait(500).place("end", kind="PARK")
    return log.entries


def resumed(on: Machine) -> Machine:
    topology = Topology({})
    topology.load(on.topology.dump())
    again = Machine(topology, "")
    states.load(again, states.dump(on), ())
    return again


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_killed_and_resumed_at_every_entry_it_decides_as_if_it_had_gone_on(script: list[Any]) -> None:
    entries = written(script)
    on, found = machine(), list[Step]()
    for entry in entries:
        on = resumed(on)
        found += on.apply(entry)
    assert found == run(entries)


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_a_late_engine_decides_as_a_prompt_one(script: list[Any]) -> None:
    late = written(script)
    prompt, on, version = list[Entry](), machine(), 0
    for number, entry in enumerate(late):
        extra = 0
        while number and (due := on.next_deadline()) is not None and due[0] < to_micros(entry.recorded_at):
            version, extra = version + 1, extra + 1
            fired = EventEntry(
                seq=late[number - 1].seq + min(extra, 9),
                batch=0,
                recorded_at=from_micros(due[0]),
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
    assert [replace(s, decided=0) for s in run(prompt)] == [replace(s, decided=0) for s in run(late)]


@settings(max_examples=150, deadline=None)
@given(scripts)
def test_at_the_end_what_is_open_is_what_is_in_force(script: list[Any]) -> None:
    """Told anew, of all that happened only by what stands last."""
    on = machine()
    steps = run(written(script), on)
    state = {s.alert: s.type for s in steps if s.type.startswith("alert.") and s.type != "alert.acknowledged"}
    open_now = {alert for alert, type_ in state.items() if type_ == "alert.opened"}
    assert open_now == {alert for held in on.officials.alerts.values() for alert in held.values()}
    assert all(one.actual and not one.ended for w in on.officials.alerts for one in on.officials._of(w)[-1:])


# ---- on the journal


async def furnished(
    journal: Journal, clock: ManualClock, *, expires: timedelta | None = None, areas: str | None = WEST
) -> str:
    """A park with one building under one warning; the warning's id."""
    places = [
        Claim(kind="Place", external_id="park", values={"kind": "PARK", "name": "园区"}),
        Claim(
            kind="Place",
            external_id="west",
            values={"kind": "BUILDING", "name": "西楼"},
            links=(Link(relation="PART_OF", target="park"),),
            position=Position(latitude=29.5, longitude=106.5),
        ),
        Claim(
            kind="Place",
            external_id="east",
            values={"kind": "BUILDING"},
            links=(Link(relation="PART_OF", target="park"),),
            position=Position(latitude=29.5, longitude=106.6),
        ),
    ]
    await journal.append(Draft(source=HUB, received_at=clock(), claims=places))
    values: dict[str, Any] = {"identifier": "cn-1", "status": "ACTUAL", "severity": "SEVERE"}
    if areas is not None:
        values["areas"] = areas
    if expires is not None:
        values["expires"] = (clock() + expires).isoformat(timespec="microseconds")
    warning = Claim(
        kind="Warning",
        external_id="cn-1",
        values=values | {"message_type": "ALERT"},
        identifiers=(Identifier(scheme="warning_identifier", value="cn-1"),),
    )
    return (await journal.append(Draft(source="cap", received_at=clock(), claims=[warning]))).entities["cn-1"]


async def engine(journal: Journal, clock: ManualClock) -> Engine:
    made = Engine(journal, clock, precedence={})
    await made.take_up()
    await made.catch_up()
    return made


async def events(journal: Journal) -> list[EventEntry]:
    entries = await journal.read(0, 10_000)
    wanted = ("alert.", "warning.")
    return [e for e in entries if isinstance(e, EventEntry) and e.type.startswith(wanted)]


def test_the_log_says_what_a_warning_covers_once_and_a_replay_agrees(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            warning = await furnished(journal, clock, expires=timedelta(minutes=5))
            await engine(journal, clock)
            await engine(journal, clock)  # as after a crash before its position was stored: nothing is said twice
            clock.advance(timedelta(minutes=6))
            await engine(journal, clock)
            found = await events(journal)
            assert [e.type for e in found] == ["alert.opened", "warning.covered", "alert.returned"]
            held = (await journal.claims_of([warning]))[warning]
            (ours,) = (one for one in held if one.source == HUB)
            assert [link.relation for link in ours.claim.links] == ["COVERS"]
            alert: Any = found[0].data["alert"]
            (claim,) = (await journal.claims_of([alert["id"]]))[alert["id"]]
            linked = {relation: entity for (relation, _), entity in claim.targets.items()}
            assert linked["PASSES_ON"] == warning
            report = await replay.check(journal, {})
            assert report.agrees and report.compared == 3, report.differences

    asyncio.run(main())


def test_who_acknowledged_and_when_is_kept_with_the_coverage_however_the_two_follow(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            warning = await furnished(journal, clock)
            desk = WarningDesk(journal, clock)
            first = await desk.acknowledge(LOCAL_ADMINISTRATOR, warning, "已通知", "k1")
            again = await desk.acknowledge(LOCAL_ADMINISTRATOR, warning, "已通知", "k1")
            assert (again.warning, again.repeated) == (first.warning, True)
            await engine(journal, clock)
            with pytest.raises(WarningAlreadyAcknowledged, match="local-administrator"):
                await desk.acknowledge(LOCAL_ADMINISTRATOR, warning, None, "k2")
            with pytest.raises(Conflict):
                await desk.acknowledge(LOCAL_ADMINISTRATOR, warning, "something else", "k1")
            with pytest.raises(BadRequest):
                await desk.acknowledge(LOCAL_ADMINISTRATOR, warning, None, "")
            with pytest.raises(NotFound):
                await desk.acknowledge(LOCAL_ADMINISTRATOR, "01955000-0009-7000-8000-000000000009", None, "k3")
            (ours,) = (one for one in (await journal.claims_of([warning]))[warning] if one.source == HUB)
            assert ours.claim.values["acknowledged_by"] == "local-administrator"
            assert ours.claim.values["acknowledged_at"] == START.isoformat()
            assert len(ours.claim.links) == 1
            assert (await replay.check(journal, {})).agrees

    asyncio.run(main())


def test_a_replay_agrees_on_one_without_an_area_over_an_upgrade_and_it_is_acknowledged(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            warning = await furnished(journal, clock, expires=timedelta(minutes=5), areas=None)
            await engine(journal, clock)
            assert await events(journal) == []
            await locate(journal, (), clock())
            await engine(journal, clock)
            told = await WarningDesk(journal, clock).acknowledge(LOCAL_ADMINISTRATOR, warning, None, "k1")
            assert told.warning["acknowledgedBy"] == "local-administrator"
            assert [place["name"] for place in told.warning["places"]] == ["园区"]
            clock.advance(timedelta(minutes=6))
            await engine(journal, clock)
            found = [e.type for e in await events(journal)]
            assert found == ["alert.opened", "warning.covered", "warning.acknowledged", "alert.returned"]
            report = await replay.check(journal, {})
            assert report.agrees and report.compared == 3, report.differences

    asyncio.run(main())


def test_the_parks_divisions_are_told_to_the_log_when_they_change(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            await locate(journal, (), clock())
            head = journal.head
            await locate(journal, (), clock())
            assert journal.head == head
            await locate(journal, ("500112",), clock())
            await locate(journal, ("500112",), clock())
            await locate(journal, (), clock())
            codes = [json.loads(json.dumps(dict(e.data)))["geocodes"] for e in await journal.stream("park")]
            assert codes == [[], ["500112"], []]

    asyncio.run(main())
