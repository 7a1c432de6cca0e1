"""GB/T 26875.3 over panels of our own: no alarm lost, none confirmed too early, no command sent."""

import asyncio
import contextlib
import random
import resource
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Batch, Claim, Fault, Raw, Reading, Record, Signal, Source, Unreachable, Unreadable
from adapters.counterpart import closing
from adapters.iot import gb26875
from adapters.iot.gb26875 import ADAPTER, Gb26875
from adapters.iot.gb26875_frame import Frames, parse
from adapters.testing import contract_tests
from hub.clock import now
from tests.adapters.gb26875_peer import FirePanel, local
from tests.servers.gb26875 import Panel, component_state, component_value, packed, stamp, system_state
from tests.servers.process import free_port

globals().update(contract_tests(ADAPTER, FirePanel))

# Worked examples of the standard, as a public transcription gives them (ActorLancer/GB-T-26875.3.2011-rs).
HEAD = "40400100 0101 203A091A090C 790300000000 385B01000000"
SMOKE = f"{HEAD} 3000 02 0201 0101 28 0A000200 0200 {'20' * 30}00 023A091A090C 46 2323"
POWER = f"{HEAD} 0900 02 1501 08 023A091A090C 42 2323"
ON_DUTY = f"{HEAD} 0A00 02 1801 2001 023A091A090C 5F 2323"
VERSION = f"{HEAD} 0400 02 1901 0101 C7 2323"
CLOCK = f"{HEAD} 0800 02 1C01 023A091A090C 40 2323"
AT = datetime(2012, 9, 26, 9, 58, 2)  # noqa: DTZ001  a panel's own time


def adapter(port: int = 1, **config: object) -> Gb26875:
    made = ADAPTER.factory(Source(id="fire"), ADAPTER.config.model_validate({"port": port, **config}))
    assert isinstance(made, Gb26875)
    return made


def decode(frame: bytes | str, **config: object) -> list[Record]:
    data = bytes.fromhex(frame) if isinstance(frame, str) else frame
    return list(adapter(**config).decode(Raw(key="192.0.2.7", received_at=now(), data=data)))


def framed(data: bytes, address: int = 889, command: int = 2) -> bytes:
    return packed(command=command, data=data, serial=7, address=address, at=AT)


def active(records: Sequence[Record]) -> list[tuple[str, str]]:
    return [(r.subject, r.type) for r in records if isinstance(r, Signal) and r.values["state"] == "active"]


def things(records: Sequence[Record]) -> dict[str, Claim]:
    return {record.external_id: record for record in records if isinstance(record, Claim)}


# What frames say.


def test_the_standards_smoke_detector_in_alarm() -> None:
    records = decode(SMOKE)
    assert active(records) == [("panel/889/1.1/10-2", "fire_alarm")]
    assert {record.at for record in records if isinstance(record, Signal)} == {AT}
    found = things(records)
    detector, system = found["panel/889/1.1/10-2"], found["panel/889/1.1"]
    assert (detector.values["kind"], detector.values["device_type"]) == ("SENSOR", "感烟火灾探测器")
    assert detector.values["channel"] == "10-2"
    assert [(link.relation, link.target) for link in detector.links] == [("CONNECTED_TO", "panel/889/1.1")]
    assert (system.values["kind"], system.values["device_type"]) == ("PANEL", "火灾报警系统")
    assert [link.target for link in system.links] == ["panel/889"]


def test_the_standards_other_examples() -> None:
    assert active(decode(POWER)) == [("panel/889", "main_power_fault")]
    assert active(decode(ON_DUTY)) == [("panel/889", "operated_confirmed")]
    assert things(decode(VERSION))["panel/889"].values["firmware"] == "1.1"
    assert list(things(decode(CLOCK))) == ["panel/889"]


def test_each_bit_has_its_name_and_its_inverse() -> None:
    names = ["fire_alarm", "fault", "shielded", "supervised", "started", "feedback", "delayed", "power_fault"]
    for bit, name in enumerate(names, start=1):
        records = decode(framed(component_state(42, 1, 2, 1 << bit, "", AT)))
        assert active(records) == [("panel/889/1.1/1-2", name)]
    restored = [r for r in decode(framed(component_state(42, 1, 2, 1, "", AT))) if isinstance(r, Signal)]
    assert [(r.type, r.values["state"]) for r in restored] == [(name, "inactive") for name in names]
    system = decode(framed(system_state(13, 2, 0b1000_0010, AT)))
    assert active(system) == [("panel/889/13.2", "fire_alarm"), ("panel/889/13.2", "delayed")]
    assert active(decode(framed(system_state(1, 1, 1 << 13, AT)))) == [("panel/889/1.1", "reset")]


def test_a_detectors_name_in_chinese_and_what_it_is() -> None:
    found = things(decode(framed(component_state(91, 1, 2, 32, "7楼02室消防泵", AT))))["panel/889/1.1/1-2"]
    assert found.values["name"] == "7楼02室消防泵"
    assert (found.values["kind"], found.values["device_type"]) == ("EQUIPMENT", "消防水泵")
    cut = component_state(42, 1, 2, 1, "x" + "会议室" * 8, AT)  # the last character is cut in its middle
    name = str(things(decode(framed(cut)))["panel/889/1.1/1-2"].values["name"])
    assert name == ("x" + "会议室" * 8)[:16]
    assert things(decode(framed(component_state(200, 1, 2, 1, "", AT))))["panel/889/1.1/1-2"].values["kind"] == "SENSOR"


@pytest.mark.parametrize(
    ("kind", "count", "quantity", "value", "unit"),
    [
        (3, 325, "temperature", 32.5, "Cel"),
        (3, -105, "temperature", -10.5, "Cel"),
        (2, 150, "height", 1.5, "m"),
        (4, 12, "pressure", 1.2, "MPa"),
        (5, 1200, "pressure", 120.0, "kPa"),
        (9, 11, "current", 1.1, "A"),
        (99, 5, "analogue_99", 5.0, "1"),
        (130, 300, "residual_current", 300.0, "mA"),
    ],
)
def test_an_analogue_value(kind: int, count: int, quantity: str, value: float, unit: str) -> None:
    own = [{"type": 130, "quantity": "residual_current", "unit": "mA"}]
    [reading] = [
        r for r in decode(framed(component_value(17, 1, 2, kind, count, AT)), analogues=own) if isinstance(r, Reading)
    ]
    assert reading == Reading("panel/889/1.1/1-2", quantity, value, unit, AT)


def test_operations_versions_and_descriptions() -> None:
    operated = decode(framed(b"\x04\x01\x01\x01\x03\x09" + stamp(AT)))
    assert active(operated) == [("panel/889/1.1", "operated_reset"), ("panel/889/1.1", "operated_silence")]
    assert [r.values["operator"] for r in operated if isinstance(r, Signal)] == [9, 9]
    assert things(decode(framed(b"\x05\x01\x01\x01\x02\x03")))["panel/889/1.1"].values["firmware"] == "2.3"
    told = "一号楼报警主机".encode("gb18030")
    systems = decode(framed(b"\x06\x02\x01\x01" + bytes([len(told)]) + told + b"\x0b\x01\x00"))
    assert things(systems)["panel/889/1.1"].values["name"] == "一号楼报警主机"
    assert things(systems)["panel/889/11.1"].values["name"] == "消火栓系统 1"
    assert (
        things(decode(framed(b"\x1a\x01" + bytes([len(told)]) + told)))["panel/889"].values["name"] == "一号楼报警主机"
    )
    component = b"\x07\x01\x01\x01\x17\x01\x00\x02\x00" + "大厅手报".encode("gb18030").ljust(31, b"\0")
    assert things(decode(framed(component)))["panel/889/1.1/1-2"].values["name"] == "大厅手报"


def test_a_time_that_is_none_costs_the_time_and_not_the_alarm() -> None:
    data = component_state(42, 1, 2, 2, "", AT)[:-6] + bytes([99, 99, 99, 99, 99, 99])
    [alarm] = [r for r in decode(framed(data)) if isinstance(r, Signal) and r.type == "fire_alarm"]
    assert (alarm.at, alarm.values["clock"]) == (None, "unreadable")
    packed_digits = component_state(42, 1, 2, 2, "", AT)[:-6] + bytes.fromhex("025809260912")
    [alarm] = [
        r for r in decode(framed(packed_digits), bcd_times=True) if isinstance(r, Signal) and r.type == "fire_alarm"
    ]
    assert alarm.at == AT


def test_a_panel_without_an_address_goes_by_its_ip_address() -> None:
    assert list(things(decode(framed(b"", address=0)))) == ["panel/192.0.2.7"]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (b"", "no frame"),
        (framed(b"")[:-1], "no frame"),
        (framed(b"")[:-3] + b"\x00##", "the sum is"),
        (framed(b"\x09\x01x"), "type flag 9"),
        (framed(b"\x02\x02" + component_state(42, 1, 2, 2, "", AT)[2:]), "2 information objects of type 2"),
        (framed(b"\x02\x00"), "0 information objects"),
        (framed(b"\x06\x01\x01\x01\x20short"), "ends before its length"),
        (framed(b"\x06\x02"), "ends before its length"),
        (framed(b"\x02\x01", command=4), "the command 4"),
    ],
)
def test_what_cannot_be_read_says_why(frame: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        decode(frame)


@given(
    st.binary(max_size=200), st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 21, 24, 25, 26, 28, 90, 255]), st.booleans()
)
def test_nothing_but_unreadable_leaves_decode(data: bytes, flag: int, short: bool) -> None:
    body = bytes([flag]) + data
    frame = short_frame(flag % 20, data) if short else framed(body)
    with contextlib.suppress(Unreadable):
        for record in decode(frame, framing="0x68" if short else "standard"):
            assert isinstance(record, Claim | Signal | Reading)


@pytest.mark.parametrize("seed", range(20))
def test_frames_are_found_in_any_pieces_and_among_noise(seed: int) -> None:
    chance = random.Random(seed)
    said, wanted = b"", []
    for number in range(40):
        frame = framed(component_state(42, 1, number, 2, "@@##", AT))
        wanted.append(frame)
        said += frame + chance.choice((b"", b"", b"@", b"@@", b"##", chance.randbytes(200).replace(b"@", b"-")))
    said += framed(b"") * 3
    frames, found = Frames("standard", 1024), []
    while said:
        size = chance.choice((1, 2, 30, 500, 5000))
        found += [piece.raw for piece in frames.feed(said[:size]) if piece.noise is None]
        said = said[size:]
    assert found[: len(wanted)] == wanted


def short_frame(command: int, data: bytes) -> bytes:
    inner = (len(data) + 3).to_bytes(2, "little") + bytes([1, command]) + data
    return b"\x68" + inner + bytes([sum(inner) % 256, 0x16])


def test_the_other_framing() -> None:
    assert active(decode(short_frame(3, bytes([1, 1, 4, 9])), framing="0x68")) == [
        ("panel/192.0.2.7/1.1/4-9", "fire_alarm")
    ]
    assert list(things(decode(short_frame(2, b"\0"), framing="0x68"))) == ["panel/192.0.2.7"]
    frames = Frames("0x68", 1024)
    said = b"\x16\x68\x01" + short_frame(2, b"\0") + b"zz" + short_frame(4, bytes([1, 1, 4, 9]))
    found = [piece.raw for piece in frames.feed(said) if piece.noise is None]
    assert [parse(raw, "0x68", 1024).command for raw in found] == [2, 4]


# Panels that come, talk and go.


async def take(
    made: Gb26875, until: Callable[[list[Batch]], bool], seconds: float = 6, *, acknowledge: bool = True
) -> list[Batch]:
    taken: list[Batch] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), made, closing(made.read(None)) as batches:
            async for batch in batches:
                taken.append(batch)
                if acknowledge:
                    await batch.ack()
                if until(taken):
                    await asyncio.sleep(0.2)  # for what was acknowledged to arrive
                    break
    return taken


def every(batches: Sequence[Batch]) -> list[Record]:
    return [record for batch in batches for record in batch.records]


def faults(batches: Sequence[Batch]) -> list[Fault]:
    return [fault for batch in batches for fault in batch.faults]


@contextlib.asynccontextmanager
async def panel(port: int, address: int = 889) -> AsyncIterator[Panel]:
    made = Panel(port, address)
    made.start()
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)


def test_an_alarm_is_confirmed_once_it_is_stored_and_no_command_is_ever_sent() -> None:
    async def run() -> None:
        port = free_port()
        async with panel(port) as peer:
            frames = [peer.report(component_state(42, 1, n, 2, "", local()), local()) for n in range(3)]
            frames.append(peer.report(b"\x5b\x01\x00", local()))  # a duty check, which only a centre asks
            await take(adapter(port), lambda b: len(active(every(b))) == 3, seconds=2, acknowledge=False)
            assert peer.unconfirmed == 4
            assert not peer.heard
            taken = await take(adapter(port), lambda b: peer.unconfirmed == 0)
            assert len(active(every(taken))) == 3
            assert peer.unconfirmed == 0
            assert {data[26] for data in peer.heard} == {3}

    asyncio.run(run())


def test_a_frame_that_broke_on_the_way_is_denied_and_comes_again() -> None:
    async def run() -> None:
        port = free_port()
        async with panel(port) as peer:
            good = peer.report(component_state(42, 1, 1, 2, "", local()), local())
            peer.blurt(good[:-3] + bytes([good[-3] ^ 1]) + b"##")
            taken = await take(adapter(port), lambda b: bool(active(every(b))) and peer.denied > 0)
        letters = [letter.reason for batch in taken for letter in batch.unreadable]
        assert any("the sum is" in reason for reason in letters)
        assert active(every(taken)) == [("panel/889/1.1/1-1", "fire_alarm")]
        assert peer.denied == 1

    asyncio.run(run())


def test_a_state_is_told_when_it_changes_and_when_it_returns() -> None:
    async def run() -> None:
        port, at = free_port(), local()
        async with panel(port) as peer:
            for word in (2, 2, 1, 1, 2):
                peer.report(component_state(42, 1, 1, word, "", at), at)
            peer.report(component_state(42, 1, 2, 4, "", at), at)
            taken = await take(adapter(port), lambda b: ("panel/889/1.1/1-2", "fault") in active(every(b)))
        fire = [r.values["state"] for r in every(taken) if isinstance(r, Signal) and r.type == "fire_alarm"]
        assert fire == ["active", "inactive", "active", "inactive"]  # the last is the other detector's

    asyncio.run(run())


def test_a_panel_that_goes_is_offline_and_a_declared_one_that_never_came_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gb26875, "LOOK", 0.3)
    port = free_port()
    declared = [
        {"address": "889", "name": "一号门卫", "place": "B1", "manufacturer": "M", "serial_number": "7"},
        {"address": "5", "name": "二号门卫"},
    ]
    made = adapter(port, panels=declared)

    async def run() -> list[Batch]:
        async with panel(port) as peer:

            def gone(batches: list[Batch]) -> bool:
                online = [c.values["online"] for c in every(batches) if isinstance(c, Claim) and "online" in c.values]
                if online and online[-1] and peer._thread is not None:
                    peer._stopping.set()
                return bool(online) and not online[-1] and {f.where for f in faults(batches)} >= {"panel/5"}

            return await take(made, gone)

    taken = asyncio.run(run())
    own = [c for c in every(taken) if isinstance(c, Claim) and c.external_id == "panel/889"]
    assert [c.values["online"] for c in (own[0], own[-1])] == [True, False]
    assert {c.values["name"] for c in own} == {"一号门卫"}
    assert [i.value for i in own[-1].identifiers] == ["M/7"]
    assert [(link.relation, link.target) for link in own[-1].links] == [("LOCATED_IN", "B1")]
    assert "not connected" in next(f.reason for f in faults(taken) if f.where == "panel/5")


def test_what_a_panel_tells_in_pieces_is_one_claim() -> None:
    async def run() -> Claim:
        port = free_port()
        async with panel(port) as peer:
            at = local()
            peer.report(b"\x19\x01\x02\x05", at)
            told = "一号楼".encode("gb18030")
            peer.report(b"\x1a\x01" + bytes([len(told)]) + told, at)
            peer.report(component_value(31, 1, 1, 3, 1, at), at)
            taken = await take(adapter(port), lambda b: any(isinstance(r, Reading) for r in every(b)))
        return [c for c in every(taken) if isinstance(c, Claim) and c.external_id == "panel/889"][-1]

    claim = asyncio.run(run())
    assert (claim.values["name"], claim.values["firmware"]) == ("一号楼", "2.5")


def test_10_megabytes_of_garbage_end_one_connection_and_harm_no_other() -> None:
    async def run() -> list[Batch]:
        port = free_port()
        noise = (b"@@garbage##" + bytes(range(256))) * 40_000
        async with panel(port, 1) as good, panel(port, 2) as mad:
            mad.blurt(noise)

            def both(batches: list[Batch]) -> bool:
                if any("without a frame" in fault.reason for fault in faults(batches)) and not good._serial:
                    good.report(component_state(42, 1, 1, 2, "", local()), local())
                return bool(active(every(batches)))

            return await take(adapter(port), both, seconds=20)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = asyncio.run(run())
    assert active(every(taken)) == [("panel/1/1.1/1-1", "fire_alarm")]
    letters = [letter for batch in taken for letter in batch.unreadable]
    assert letters
    assert all(len(letter.raw.data) <= 4096 for letter in letters)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KiB


def test_a_silent_connection_and_a_stranger_are_sent_away() -> None:
    async def told(**config: object) -> str:
        port = free_port()
        made = adapter(port, **config)
        async with made, closing(made.read(None)) as batches:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            batch = await asyncio.wait_for(anext(batches), 5)
            assert await reader.read(10) == b""
            writer.close()
        return batch.faults[0].reason

    assert "said nothing for 0.2 s" in asyncio.run(told(idle_seconds=0.2))
    assert "none of the source's peers" in asyncio.run(told(peers=["192.0.2.0/24"]))


def test_too_many_connections_and_a_port_that_is_taken() -> None:
    async def run() -> None:
        port = free_port()
        made = adapter(port, max_connections=1)
        async with made, closing(made.read(None)) as batches:
            first = await asyncio.open_connection("127.0.0.1", port)
            coming = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0.1)
            second = await asyncio.open_connection("127.0.0.1", port)
            assert "max_connections" in (await asyncio.wait_for(coming, 5)).faults[0].reason
            first[1].close()
            second[1].close()
        taken, refused = socket.create_server(("127.0.0.1", port)), pytest.raises(Unreachable, match="no other hub")
        with taken, refused:
            async with adapter(port):
                pass

    asyncio.run(run())
