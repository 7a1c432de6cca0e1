"""The engine over the real journal: what a subscriber to alerts is told."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Claim, Link
from hub.clock import ManualClock, to_micros
from hub.errors import BadRequest, StorageFull
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, EventEntry, ReadingRow
from hub.viewer import Viewer
from hub.warning import alerts, rules
from hub.warning.desk import AlertClosed, AlertDesk, AlreadyAcknowledged
from hub.warning.engine import CONSUMER, Engine
from hub.warning.rules import RuleSet
from tests.warning.script import START, limit, open_journal, read_value, seconds, sensor, silence

GUARD = Viewer(subject="guard-7")


async def told(journal: Journal) -> Sequence[EventEntry]:
    found = list[EventEntry]()
    after = 0
    while entries := await journal.read(after):
        found += [e for e in entries if isinstance(e, EventEntry) and e.type in alerts.EVENTS]
        after = entries[-1].seq
    return found


def snapshot(entry: EventEntry) -> Any:
    return entry.data["alert"]


def engine(journal: Journal, clock: ManualClock) -> Engine:
    return Engine(journal, clock, precedence={})


async def taken_up(journal: Journal, clock: ManualClock) -> Engine:
    made = engine(journal, clock)
    await made.take_up()
    return made


async def in_force(journal: Journal, clock: ManualClock, *given: Any, digest: str = "1") -> None:
    await rules.record(journal, RuleSet(digest=digest, rules=given), clock())


def test_the_first_that_is_heard_of_a_sensor_may_be_the_fire(tmp_path: Path) -> None:
    """What tells of the sensor and its first value come at once: the alert knows where it burns."""

    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            await sensor(journal, clock())
            await in_force(journal, clock, limit())
            [series] = await journal.series("cabinets", [("c-2", "temperature", "Cel")])
            where = (Link(relation="LOCATED_IN", target="Z-A", source=HUB),)
            new = Claim(kind="Asset", external_id="c-2", values={"kind": "SENSOR", "name": "炉"}, links=where)
            row = ReadingRow(series.id, to_micros(clock()), 90.0, 0, None)
            said = await journal.append(Draft(source="cabinets", received_at=clock(), claims=[new], readings=[row]))
            await (await taken_up(journal, clock)).catch_up()
            (opened,) = await told(journal)
            alert = snapshot(opened)
            assert (alert["subject"]["id"], alert["subject"]["name"]) == (said.entities["c-2"], "炉")
            assert [place["name"] for place in alert["path"]] == ["A区", "一号楼"]
            assert opened.cause == said.batch

    asyncio.run(main())


def test_who_works_where_is_known_as_soon_as_it_is_read(tmp_path: Path) -> None:
    """By it a tenant's stream tells what is the tenant's own."""

    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            await sensor(journal, clock())
            running = await taken_up(journal, clock)
            await running.catch_up()
            works = (Link(relation="OCCUPIES", target="Z-A"),)
            tenant = Claim(kind="Organization", external_id="t", values={"name": "租户"}, links=works)
            said = await journal.append(Draft(source=HUB, received_at=clock(), claims=[tenant]))
            await running.catch_up()
            zone = running.topology.find(HUB, "Z-A")
            assert zone is not None
            assert running.topology.occupants(zone) == {said.entities["t"]}

    asyncio.run(main())


def test_an_alert_carries_all_that_its_reader_needs(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit())
            clock.advance(seconds(1))
            cause = await read_value(journal, series, clock(), 71.5)
            await (await taken_up(journal, clock)).catch_up()
            (opened,) = await told(journal)
            alert = snapshot(opened)
            zone = (await journal.resolve([alert["path"][0]["id"]])).popitem()[1]
            assert opened.cause == cause
            assert alert | {"path": [], "id": ""} == {
                "id": "",
                "rule": "hot",
                "severity": "SEVERE",
                "state": "UNACKNOWLEDGED",
                "code": "temperature_high",
                "openedAt": (START + seconds(1)).isoformat(),
                "acknowledgedAt": None,
                "acknowledgedBy": None,
                "returnedAt": None,
                "closedAt": None,
                "quantity": "temperature",
                "value": 71.5,
                "limit": 60.0,
                "unit": "Cel",
                "subject": {"id": series.sensor, "kind": "SENSOR", "name": "柜"},
                "path": [],
                "warning": None,
            }
            assert [(place["kind"], place["name"]) for place in alert["path"]] == [
                ("ZONE", "A区"),
                ("BUILDING", "一号楼"),
            ]
            (claim,) = (await journal.claims_of([alert["id"]]))[alert["id"]]
            assert claim.entity == alert["id"] and claim.claim.kind == "Alert"
            assert {(relation, entity) for (relation, _), entity in claim.targets.items()} == {
                ("CONCERNS", series.sensor),
                ("AT", zone),
            }

    asyncio.run(main())


def test_a_quiet_log_gets_a_timer_only_when_one_is_due(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit(on_delay=seconds(10)), silence())
            await read_value(journal, series, clock(), 71.5)
            on = await taken_up(journal, clock)
            await on.catch_up()
            head = journal.head
            clock.advance(seconds(9))
            await on.catch_up()
            assert journal.head == head
            clock.advance(seconds(1))
            await on.catch_up()
            (fired,) = await journal.stream("timer")
            assert fired.data == {
                "deadline": (START + seconds(10)).isoformat(),
                "subject": series.sensor,
                "rule": "hot",
            }
            assert [(e.type, snapshot(e)["openedAt"]) for e in await told(journal)] == [
                ("alert.opened", (START + seconds(10)).isoformat())
            ]
            clock.advance(seconds(110))
            await on.catch_up()
            assert [snapshot(e)["rule"] for e in await told(journal)] == ["hot", "silent"]

    asyncio.run(main())


def test_a_calm_reading_that_was_not_yet_read_stops_a_timer_that_is_written_meanwhile(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit(on_delay=seconds(10)))
            await read_value(journal, series, clock(), 71.5)
            on = await taken_up(journal, clock)
            await on.catch_up()
            clock.advance(seconds(9.9))
            await read_value(journal, series, clock(), 20.0)
            clock.advance(seconds(1))
            due = on.machine.next_deadline()
            assert due is not None
            await on._fire(*due)  # it had seen the quiet before the reading came
            await on.catch_up()
            assert await told(journal) == []

    asyncio.run(main())


def test_acknowledged_then_returned_and_returned_then_acknowledged_both_close(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            desk = AlertDesk(journal, clock)
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit())
            on = await taken_up(journal, clock)
            for acknowledge_first in (True, False):
                await read_value(journal, series, clock.advance(seconds(1)), 71.5)
                await on.catch_up()
                alert = snapshot((await told(journal))[-1])["id"]
                if acknowledge_first:
                    with pytest.raises(BadRequest, match="idempotencyKey is empty"):
                        await desk.acknowledge(GUARD, alert, "on my way", "")
                    done = await desk.acknowledge(GUARD, alert, "on my way", f"k-{alert}")
                    assert done.alert["state"] == "ACKNOWLEDGED" and done.alert["acknowledgedBy"] == "guard-7"
                    await read_value(journal, series, clock.advance(seconds(1)), 20.0)
                else:
                    await read_value(journal, series, clock.advance(seconds(1)), 20.0)
                    await on.catch_up()
                    done = await desk.acknowledge(GUARD, alert, None, f"k-{alert}")
                    assert done.alert["state"] == "NORMAL"
                await on.catch_up()
                last = await told(journal)
                assert last[-1].type == "alert.closed" and snapshot(last[-1])["state"] == "NORMAL"
                assert snapshot(last[-1])["closedAt"] is not None
            found = [(e.type.removeprefix("alert."), snapshot(e)["state"]) for e in await told(journal)]
            assert found == [
                ("opened", "UNACKNOWLEDGED"),
                ("acknowledged", "ACKNOWLEDGED"),
                ("returned", "NORMAL"),
                ("closed", "NORMAL"),
                ("opened", "UNACKNOWLEDGED"),
                ("returned", "RETURNED_UNACKNOWLEDGED"),
                ("acknowledged", "NORMAL"),
                ("closed", "NORMAL"),
            ]

    asyncio.run(main())


def test_when_the_desk_is_quicker_than_the_engine_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            desk = AlertDesk(journal, clock)
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit())
            on = await taken_up(journal, clock)
            await read_value(journal, series, clock.advance(seconds(1)), 71.5)
            await on.catch_up()
            alert = snapshot((await told(journal))[0])["id"]
            back = await read_value(journal, series, clock.advance(seconds(1)), 20.0)
            entries = await journal.read(on.position)
            await desk.acknowledge(GUARD, alert, None, "k")  # the engine has read the return and appended nothing yet
            await on._digest(entries)
            await on.catch_up()
            found = await told(journal)
            assert [e.type.removeprefix("alert.") for e in found] == ["opened", "acknowledged", "returned", "closed"]
            assert snapshot(found[2])["acknowledgedBy"] == "guard-7"
            assert (found[2].cause, found[3].cause) == (back, found[1].seq)

    asyncio.run(main())


def test_the_same_key_gets_the_first_answer_for_ever_and_another_is_told_what_happened(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            desk = AlertDesk(journal, clock)
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit())
            on = await taken_up(journal, clock)
            await read_value(journal, series, clock.advance(seconds(1)), 71.5)
            await on.catch_up()
            alert = snapshot((await told(journal))[0])["id"]
            answers = await asyncio.gather(
                *(desk.acknowledge(GUARD, alert, "seen", "k-1") for _ in range(5)),
                *(desk.acknowledge(Viewer(subject=f"guard-{n}"), alert, None, "k") for n in range(20, 23)),
                return_exceptions=True,
            )
            done = [a for a in answers if not isinstance(a, BaseException)]
            assert Counter(type(a) for a in answers if isinstance(a, BaseException)) == {
                AlreadyAcknowledged: len(answers) - len(done)
            }
            first = done[0]
            assert len({(a.alert["acknowledgedBy"], a.seq) for a in done}) == 1
            assert sum(not a.repeated for a in done) == 1
            await read_value(journal, series, clock.advance(seconds(1)), 20.0)
            await on.catch_up()
            if first.alert["acknowledgedBy"] == "guard-7":
                again = await desk.acknowledge(GUARD, alert, "seen", "k-1")
                assert again.repeated and again.alert == first.alert and again.seq == first.seq
            with pytest.raises(AlertClosed, match="new alert"):
                await desk.acknowledge(GUARD, alert, "seen", "k-2")
            assert Counter(e.type for e in await told(journal))["alert.acknowledged"] == 1

    asyncio.run(main())


def test_killed_between_any_two_steps_every_alert_is_told_once(tmp_path: Path) -> None:
    """The engine is begun anew from its stored state again and again, with large states stored rarely or with each."""

    async def main(folder: Path, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hub.warning.engine._SMALL", (1 << 20) if small else -1)
        monkeypatch.setattr("hub.warning.engine._STATE_EVERY", timedelta(days=1))
        clock = ManualClock(START)
        async with open_journal(folder, clock) as journal:
            desk = AlertDesk(journal, clock)
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit(on_delay=seconds(2)), limit(id="extreme", limit=80.0), silence())
            causes = list[tuple[str, str]]()
            for turn, value in enumerate([70.0, 85.0, 20.0, 90.0, 90.0, 20.0, 61.0, 62.0, 20.0]):
                await read_value(journal, series, clock.advance(seconds(3)), value)
                on = await taken_up(journal, clock)
                await on.catch_up()
                if turn == 4:
                    for entry in await told(journal):
                        if entry.type == "alert.opened":
                            await desk.acknowledge(GUARD, snapshot(entry)["id"], None, f"k-{entry.seq}")
            clock.advance(seconds(300))
            await (await taken_up(journal, clock)).catch_up()
            await (await taken_up(journal, clock)).catch_up()
            for entry in await told(journal):
                causes.append((entry.type.removeprefix("alert."), snapshot(entry)["rule"]))
            assert Counter(causes) == {
                ("opened", "hot"): 3,
                ("returned", "hot"): 3,
                ("opened", "extreme"): 2,
                ("returned", "extreme"): 2,
                ("acknowledged", "hot"): 2,
                ("acknowledged", "extreme"): 2,
                ("closed", "hot"): 2,
                ("closed", "extreme"): 2,
                ("opened", "silent"): 1,
            }
            assert ((await journal.checkpoint(CONSUMER))[0] > 0) is small

    for small in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            asyncio.run(main(tmp_path / str(small), small, patch))


def test_a_full_disk_delays_the_alert_and_loses_nothing(tmp_path: Path) -> None:
    class Full:
        """The journal, whose disk is full for a while."""

        def __init__(self, journal: Journal) -> None:
            self.journal = journal
            self.full = True

        def __getattr__(self, name: str) -> Any:
            return getattr(self.journal, name)

        async def append(self, draft: Draft) -> Any:
            if self.full:
                raise StorageFull("the disk is full")
            return await self.journal.append(draft)

    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await sensor(journal, clock())
            await in_force(journal, clock, limit())
            await read_value(journal, series, clock.advance(seconds(1)), 71.5)
            full: Any = Full(journal)
            on = engine(full, clock)
            task = asyncio.create_task(on.run())
            while on.failing is None:  # noqa: ASYNC110 - it is another task that is waited for
                await asyncio.sleep(0.01)
            assert "disk is full" in on.failing and await told(journal) == []
            full.full = False
            while not await told(journal):  # noqa: ASYNC110 - it is another task that is waited for
                await asyncio.sleep(0.01)
            while on.failing is not None:  # noqa: ASYNC110 - it is another task that is waited for
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(await told(journal)) == 1

    asyncio.run(main())


def test_an_unchanged_rule_file_is_not_recorded_again(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            await in_force(journal, clock, limit())
            head = journal.head
            await in_force(journal, clock, limit())
            assert journal.head == head
            await in_force(journal, clock, limit(limit=70.0), digest="2")
            assert [e.data["digest"] for e in await journal.stream("rules")] == ["1", "2"]
            on = await taken_up(journal, clock)
            await on.catch_up()
            assert on.machine.book.rules.digest == "2"

    asyncio.run(main())


def test_an_unknown_alert_cannot_be_acknowledged(tmp_path: Path) -> None:
    from hub.errors import NotFound

    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            desk = AlertDesk(journal, clock)
            for unknown in ("x", "00000000-0000-8000-8000-000000000000"):
                with pytest.raises(NotFound):
                    await desk.acknowledge(GUARD, unknown, None, "k")

    asyncio.run(main())


def test_the_running_engine_tells_of_a_rise_and_of_a_delay_that_runs_out(tmp_path: Path) -> None:
    """With the machine's own clock, as in a park."""
    from hub.clock import now

    async def main() -> None:
        async with open_journal(tmp_path, now) as journal:
            series = await sensor(journal, now())
            await rules.record(
                journal, RuleSet(digest="1", rules=(limit(), limit(id="slow", on_delay=timedelta(seconds=0.2)))), now()
            )
            task = asyncio.create_task(Engine(journal, now, precedence={}).run())
            await read_value(journal, series, now(), 71.5)
            while len(found := await told(journal)) < 2:  # noqa: ASYNC110 - it is another task that is waited for
                await asyncio.sleep(0.01)
            assert [snapshot(e)["rule"] for e in found] == ["hot", "slow"]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await journal.append(Draft(source=HUB, received_at=now()))

    asyncio.run(main())
