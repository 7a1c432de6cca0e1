"""Intake: units, times, places and words as a device writes them; what is wrong becomes a dead letter that says why."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.contract import Batch, Claim, Identifier, Link, Position, Quality, Reading, Record, Signal
from hub.clock import from_micros
from hub.coordinates import CoordinateSystem, gcj02_to_bd09, wgs84_to_gcj02
from hub.ingest.intake import Accepted, Intake
from hub.ingest.letters import letter, record_of
from hub.ingest.replay import replay
from hub.journal.readings import Flag
from hub.units import Quantity, UnitError, conversion
from tests.ingest.scripted import QUANTITIES, Script, journal, spec_of, values

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def accepted(folder: Path, *batches: Sequence[Record], **changes: Any) -> list[Accepted]:
    async def run() -> list[Accepted]:
        async with journal(folder) as log:
            intake = Intake(log, QUANTITIES)
            spec = spec_of(Script(), **changes)
            return [await intake.accept(spec, Batch(records=records, received_at=NOON)) for records in batches]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("unit", "given", "celsius"), [("°C", 20.0, 20.0), ("℃", 20.0, 20.0), ("°F", 212.0, 100.0), ("K", 273.15, 0.0)]
)
def test_a_unit_as_the_device_writes_it(tmp_path: Path, unit: str, given: float, celsius: float) -> None:
    (taken,) = accepted(tmp_path, [Reading("a", "temperature", given, unit, NOON)])
    assert taken.draft.readings[0].value == pytest.approx(celsius)


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        (Reading("a", "temperature", 1.0, "V", NOON), "cannot become 'Cel'"),
        (Reading("a", "temprature", 1.0, "Cel", NOON), "did you mean 'temperature'"),
        (Reading("a", "temperature", float("nan"), "Cel", NOON), "not finite"),
        (Reading("a", "temperature", float("inf"), "Cel", NOON), "not finite"),
        (Reading("a", "temperature", "21", "Cel", NOON), "no number"),  # type: ignore[arg-type]
        (Reading("a", "temperature", None, "Cel", NOON), "no number"),  # type: ignore[arg-type]
        (Claim(kind="Asett", external_id="x"), "did you mean 'Asset'"),
        (Claim(kind="Alert", external_id="x"), "by the hub alone"),
        (
            Claim(
                kind="Asset",
                external_id="x",
                identifiers=(Identifier(scheme="source_reference", value="another/thing"),),
            ),
            "the hub's own",
        ),
        (Claim(kind="Asset", external_id="x", values={"nmae": "y"}), "did you mean 'name'"),
        (Claim(kind="Asset", external_id="x", values={"kind": "SENSR"}), "did you mean 'SENSOR'"),
        (Claim(kind="Asset", external_id="x", values={"latitude": 31.0}), "`position`"),
        (Claim(kind="Asset", external_id="x", links=(Link(relation="PART_OF", target="y"),)), "begins at Place"),
        (
            Claim(kind="Asset", external_id="x", identifiers=(Identifier(scheme="mca", value="1"),)),
            "did you mean 'mac'",
        ),
        (Claim(kind="Place", external_id="x", position=Position(latitude=121.0, longitude=31.0)), "swapped"),
        (Signal(type="", subject="x"), "needs a type"),
    ],
)
def test_a_bad_record_says_what_to_do_and_spares_the_others(tmp_path: Path, reading: Record, says: str) -> None:
    good = Reading("b", "temperature", 20.0, "Cel", NOON)
    (taken,) = accepted(tmp_path, [good, reading, replace(good, sensor="c")])
    assert len(taken.draft.readings) == 2
    (letter,) = taken.draft.dead_letters
    assert says in letter.reason


def test_a_clock_a_year_off_is_kept_at_receipt_with_its_own_stamp_beside_it(tmp_path: Path) -> None:
    wrong = NOON - timedelta(days=365)
    readings = [Reading("a", "temperature", value, "Cel", wrong) for value in (20.0, 90.0)]
    (taken,) = accepted(tmp_path, readings)
    first, second = taken.draft.readings
    assert from_micros(first.at) == NOON
    assert second.at > first.at, "each keeps a key of its own"
    assert first.device_at is not None and from_micros(first.device_at) == wrong
    assert first.flags & Flag.UNCERTAIN
    assert "365 days behind" in taken.faults[0].reason


def test_a_declared_buffer_keeps_its_times(tmp_path: Path) -> None:
    old = NOON - timedelta(days=2)
    (taken,) = accepted(tmp_path, [Reading("a", "temperature", 20.0, "Cel", old)], buffered_history=True)
    assert from_micros(taken.draft.readings[0].at) == old
    assert not taken.faults


def test_a_naive_stamp_is_of_the_sources_own_zone(tmp_path: Path) -> None:
    naive = datetime(2026, 3, 1, 20)  # noqa: DTZ001
    reading = Reading("a", "temperature", 20.0, "Cel", naive)
    (taken,) = accepted(tmp_path, [reading], timezone=ZoneInfo("Asia/Shanghai"))
    assert from_micros(taken.draft.readings[0].at) == NOON


def test_a_deadband_holds_back_until_the_heartbeat_or_another_quality(tmp_path: Path) -> None:
    def at(seconds: int, value: float, quality: Quality = Quality.GOOD) -> Reading:
        return Reading("a", "temperature", value, "Cel", NOON + timedelta(seconds=seconds), quality)

    (taken,) = accepted(
        tmp_path, [at(0, 20.0), at(1, 20.1), at(2, 20.3), at(61, 20.3), at(62, 20.3), at(63, 20.3, Quality.BAD)]
    )
    stored = [(from_micros(row.at) - NOON).total_seconds() for row in taken.draft.readings]
    assert stored == [0, 2, 62, 63]
    assert taken.unchanged == 2


def test_a_deadband_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def once() -> int:
        async with journal(tmp_path) as log:
            reading = Reading("a", "temperature", 20.0, "Cel", NOON)
            taken = await Intake(log, QUANTITIES).accept(spec_of(Script()), Batch(records=[reading], received_at=NOON))
            await log.append(taken.draft)
            return len(taken.draft.readings)

    assert [asyncio.run(once()), asyncio.run(once())] == [1, 0]


def test_places_of_chinas_systems_are_told_in_wgs84(tmp_path: Path) -> None:
    latitude, longitude = gcj02_to_bd09(*wgs84_to_gcj02(31.1774276, 121.5272106))
    claim = Claim(kind="Place", external_id="x", position=Position(latitude=latitude, longitude=longitude))
    (taken,) = accepted(tmp_path, [claim], coordinates=CoordinateSystem.BD09)
    position = taken.draft.claims[0].position
    assert position is not None
    assert (position.latitude, position.longitude) == pytest.approx((31.1774276, 121.5272106), abs=1e-6)


def test_a_mended_dead_letter_is_stored_when_replayed(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            spec = spec_of(Script())
            reading = Reading("a", "pressure", 101325.0, "Pa", NOON)
            taken = await Intake(log, QUANTITIES).accept(spec, Batch(records=[reading], received_at=NOON))
            await log.append(taken.draft)
            (letter,) = await log.dead_letters(spec.id)
            still = await replay(log, QUANTITIES, spec, letter)
            assert still.reason is not None and "pressure" in still.reason
            mended = {**QUANTITIES, "pressure": Quantity(name="pressure", unit="kPa")}
            assert (await replay(log, mended, spec, letter)).stored == 1
            assert (await replay(log, mended, spec, letter)).repeated, "the same letter, replayed at the same time"
            assert await values(log) == pytest.approx([101.325])
            assert (await log.dead_letters(spec.id))[0].replayed_at is not None

    asyncio.run(run())


@pytest.mark.parametrize(
    "record",
    [
        Reading("a", "pressure", 1.5, "Pa", NOON),
        Claim(kind="Asset", external_id="x", links=(Link(relation="PART_OF", target="y"),)),
        Signal(type="", subject="x", at=NOON, values=MappingProxyType({"level": 3})),
    ],
)
def test_a_refused_record_can_be_read_back_from_its_letter(record: Record) -> None:
    kept = letter(record, "why", NOON)
    assert record_of(kept.raw) == record


def test_an_unknown_unit_names_the_nearest() -> None:
    with pytest.raises(UnitError, match="did you mean 'celsius'"):
        conversion("Celsus", "Cel")


@pytest.mark.parametrize(
    "given",
    [
        datetime.fromisoformat("2026-05-01"),
        datetime(2026, 4, 30, 16, tzinfo=UTC),
        "2026-05-01T00:00:00",
        "2026-05-01 00:00:00+08:00",
    ],
)
def test_a_time_among_a_claims_values_is_told_in_utc(tmp_path: Path, given: datetime | str) -> None:
    lot = Claim(kind="SupplyLot", external_id="1", values={"expires_at": given})
    (taken,) = accepted(tmp_path, [lot], timezone=ZoneInfo("Asia/Shanghai"))
    assert taken.draft.claims[0].values == {"expires_at": "2026-04-30T16:00:00.000000+00:00"}


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    lots = [Claim(kind="SupplyLot", external_id="1", values={"expires_at": given}) for given in ("soon", 20260501)]
    (taken,) = accepted(tmp_path, lots)
    assert [refused.reason for refused in taken.draft.dead_letters] == [
        "SupplyLot.expires_at is 'soon'; it takes a time in ISO 8601",
        "SupplyLot.expires_at is 20260501; it takes a time",
    ]


def test_what_a_snapshot_only_names_keeps_what_it_was(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            intake, spec = Intake(log, QUANTITIES), spec_of(Script(), retire_guard=1.0)
            lots = [Claim(kind="SupplyLot", external_id=name, values={"quantity": 1.0}) for name in ("a", "b", "c")]
            await log.append((await intake.records(spec, lots, NOON)).draft)
            only = [lots[0], replace(lots[1], values={}, named_only=True)]
            gone = await intake.missing(spec, {one.external_id for one in only})
            await log.append((await intake.records(spec, [*only, *gone], NOON)).draft)
            assert set(await log.live_claims(spec.id)) == {"a", "b"}
            held = {
                h.claim.external_id: h.claim
                for hs in (await log.claims_of(await log.entities("", 9))).values()
                for h in hs
            }
            assert held["b"].values == {"quantity": 1.0}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("values", "organization", "says"),
    [
        ({"sharing": "OWN"}, "acme", "only the park operator's stock is OWN"),
        ({"sharing": "AGREED"}, "acme", "needs agreed_quantity"),
        ({"sharing": "ASK", "agreed_quantity": 3.0}, "acme", "goes with sharing AGREED alone"),
        ({"sharing": "AGREED", "agreed_quantity": -3.0}, "acme", "below zero"),
        ({"sharing": "OWN"}, None, None),
        ({"sharing": "AGREED", "agreed_quantity": 3.0}, "acme", None),
        ({}, "acme", None),
    ],
)
def test_whose_stock_may_be_counted_on(
    tmp_path: Path, values: dict[str, Any], organization: str | None, says: str | None
) -> None:
    lot = Claim(kind="SupplyLot", external_id="1", values=values)
    (taken,) = accepted(tmp_path, [lot], organization=organization)
    if says is None:
        assert taken.draft.claims[0].values == values
    else:
        assert says in taken.draft.dead_letters[0].reason
