"""`causeway replay --check` as its reader meets it: agreement, or what differs and where."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import ManualClock
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, NewEvent, Series
from hub.viewer import Viewer
from hub.warning import alerts, replay, rules
from hub.warning.alerts import Named
from hub.warning.desk import AlertDesk
from hub.warning.engine import DAILY, Engine
from hub.warning.rules import RuleSet
from tests.warning.script import START, limit, open_journal, read_value, seconds, sensor, silence


async def emergency(journal: Journal, clock: ManualClock) -> Series:
    """Opened by a delay, acknowledged, returned, closed; then one that stays, and a silence."""
    series = await sensor(journal, clock())
    rule_set = RuleSet(digest="1", rules=(limit(on_delay=seconds(5)), silence()))
    await rules.record(journal, rule_set, clock())
    on = Engine(journal, clock, precedence={})
    await on.take_up()
    await read_value(journal, series, clock.advance(seconds(1)), 70.0)
    await on.catch_up()
    clock.advance(seconds(6))
    await on.catch_up()
    (opened,) = [e for e in await journal.read(0) if getattr(e, "type", "") == alerts.OPENED]
    alert = opened.stream.removeprefix("alert:")  # type: ignore[union-attr]
    await AlertDesk(journal, clock).acknowledge(Viewer(subject="guard"), alert, None, "k")
    await read_value(journal, series, clock.advance(seconds(1)), 20.0)
    await on.catch_up()
    await read_value(journal, series, clock.advance(seconds(1)), 75.0)
    await read_value(journal, series, clock.advance(seconds(10)), 75.0)
    await on.catch_up()
    clock.advance(seconds(200))
    await on.catch_up()
    return series


async def forge(journal: Journal, clock: ManualClock, series: Series) -> str:
    """An alert that no rule says."""
    snapshot = alerts.opened(
        id=alerts.alert_id(journal.epoch, "hot", series.sensor, "999"),
        rule="hot",
        severity=limit().severity,
        code="temperature_high",
        at=clock(),
        measured=None,
        subject=Named(id=series.sensor, kind="SENSOR"),
        path=(),
    )
    event = alerts.event(alerts.OPENED, snapshot, expected=0, actor="intruder", cause=999)
    await journal.append(Draft(source=HUB, received_at=clock(), events=[event]))
    return str(snapshot["id"])


def test_what_the_engine_told_is_what_a_fresh_run_says(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            await emergency(journal, clock)
            report = await replay.check(journal, {})
            assert report.agrees, [str(d) for d in report.differences]
            assert report.compared == 5 and report.timers == 2
            assert report.until == journal.head

    asyncio.run(main())


def test_a_forged_alert_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            forged = await forge(journal, clock, await emergency(journal, clock))
            report = await replay.check(journal, {})
            assert [(forged in d.what, d.recorded) for d in report.differences] == [(True, True)]
            assert "the rules do not say it" in str(report.differences[0])

    asyncio.run(main())


def test_a_timer_that_came_too_early_is_found(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await emergency(journal, clock)
            early = NewEvent(
                type="timer.fired",
                version=1,
                stream="timer",
                expected=len(await journal.stream("timer")),
                data={
                    "deadline": (clock() + timedelta(hours=1)).isoformat(),
                    "subject": series.sensor,
                    "rule": "hot",
                },
                actor="intruder",
            )
            await journal.append(Draft(source=HUB, received_at=clock(), events=[early]))
            (found,) = (await replay.check(journal, {})).differences
            assert found.what.startswith("timer.fired hot") and found.recorded

    asyncio.run(main())


def test_an_alert_that_was_never_told_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await emergency(journal, clock)
            await read_value(journal, series, clock.advance(seconds(1)), 20.0)
            on = Engine(journal, clock, precedence={})
            await on.take_up()

            async def swallow(steps: object, checkpoint: object) -> None:
                return None

            on._publisher.publish = swallow  # type: ignore[assignment,method-assign]
            await on.catch_up()
            clock.advance(seconds(10))
            await read_value(journal, series, clock(), 21.0)
            await on.catch_up()
            found = (await replay.check(journal, {})).differences
            assert found and not any(d.recorded for d in found)

    asyncio.run(main())


def test_it_begins_at_the_oldest_state_whose_readings_all_remain(tmp_path: Path) -> None:
    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await emergency(journal, clock)
            clock.advance(timedelta(days=1))
            on = Engine(journal, clock, precedence={})
            await on.take_up()
            await read_value(journal, series, clock(), 20.0)
            await on.catch_up()
            clock.advance(seconds(10))
            await read_value(journal, series, clock(), 80.0)
            await on.catch_up()
            days = [consumer for consumer, _ in await journal.checkpoints(DAILY)]
            assert f"{DAILY}2026-03-02" in days
            expired = NewEvent(
                type="readings.expired",
                version=1,
                stream="readings",
                expected=0,
                data={"before": (START + timedelta(hours=12)).isoformat(), "series": [series.id], "count": 4},
                actor=HUB,
            )
            await journal.append(Draft(source=HUB, received_at=clock(), events=[expired]))
            clock.advance(seconds(10))
            await read_value(journal, series, clock(), 81.0)
            await on.catch_up()
            report = await replay.check(journal, {})
            assert report.since is not None and report.since >= START + timedelta(days=1)
            assert report.agrees, [str(d) for d in report.differences]
            assert report.compared > 0

    asyncio.run(main())


def test_a_restore_into_a_new_epoch_keeps_the_record_comparable(tmp_path: Path) -> None:
    """Alerts from before bear ids of the earlier epoch, those after it of the new one."""

    async def main() -> None:
        clock = ManualClock(START)
        async with open_journal(tmp_path, clock) as journal:
            series = await emergency(journal, clock)
            journal.epoch = "the-epoch-after-a-restore"
            on = Engine(journal, clock, precedence={})
            await on.take_up()
            await read_value(journal, series, clock.advance(seconds(1)), 20.0)
            await read_value(journal, series, clock.advance(seconds(1)), 90.0)
            await read_value(journal, series, clock.advance(seconds(10)), 90.0)
            await on.catch_up()
            report = await replay.check(journal, {})
            assert report.agrees, [str(d) for d in report.differences]
            opened = [d for d in report.differences if not d.recorded]
            assert not opened

    asyncio.run(main())
