"""Modbus over real servers: what a park's operator sees of devices that answer, lie, or are silent."""

import asyncio
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from adapters.contract import Batch, HealthState, Raw, Reading, Record, Source, Unreachable, Unreadable
from adapters.counterpart import Traits
from adapters.iot.modbus import ADAPTER, Modbus
from adapters.iot.modbus_config import ModbusConfig
from adapters.testing import contract_tests
from hub.clock import now
from tests.servers.modbus import ModbusServer
from tests.servers.process import ServerMissing, free_port

ROWS = [{"name": f"t{i}", "address": 2 * i, "type": "float32", "unit": "Cel"} for i in range(4)]


def words(layout: str, *values: float | bytes) -> list[int]:
    data = struct.pack(layout, *values)
    return list(struct.unpack(f">{len(data) // 2}H", data))


def modbus(devices: Sequence[Mapping[str, object]], rows: Sequence[Mapping[str, object]], **more: object) -> Modbus:
    config = {"devices": devices, "maps": {"m": {"registers": rows}}, "timeout_seconds": 1.0, **more}
    adapter = ADAPTER.factory(Source(id="cabinets"), ModbusConfig.model_validate(config))
    assert isinstance(adapter, Modbus)
    return adapter


def device(server: ModbusServer, name: str = "d1", **more: object) -> dict[str, object]:
    return {"name": name, "host": "127.0.0.1", "port": server.port, "framing": server.framing, "map": "m", **more}


async def poll(adapter: Modbus) -> list[Batch]:
    return [batch async for batch in adapter.read(None)]


def once(adapter: Modbus) -> list[Batch]:
    async def run() -> list[Batch]:
        async with adapter:
            return await poll(adapter)

    return asyncio.run(run())


def values(batches: Sequence[Batch]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for batch in batches:
        for record in batch.records:
            assert isinstance(record, Reading)
            found[record.sensor, record.quantity] = record.value
    return found


class Registers:
    """Eight float32 registers of one device, for the contract."""

    traits: ClassVar[Traits] = Traits(patience=8.0)
    framing = "tcp"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: ModbusServer | None = None
        self._next = 1.0
        self._words: list[int] = []

    @property
    def server(self) -> ModbusServer:
        assert self._server is not None
        return self._server

    def _made(self) -> ModbusServer:
        return ModbusServer.pymodbus(self._folder, self.framing)

    def start(self) -> None:
        try:
            self._server = self._made()
        except ServerMissing as missing:
            pytest.skip(str(missing))

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def pause(self) -> None:
        self.server.stop()

    def resume(self) -> None:
        self.server.restart()

    def config(self) -> Mapping[str, object]:
        rows = [{"name": f"t{i}", "address": 2 * i, "type": "float32", "unit": "Cel"} for i in range(8)]
        return {
            "devices": [device(self.server)],
            "maps": {"m": {"registers": rows}},
            "timeout_seconds": 1.0,
        }

    def refused_config(self) -> Mapping[str, object]:
        raise NotImplementedError("Modbus has no credentials")

    def produce(self, n: int) -> Sequence[Record]:
        fresh = [self._next + i for i in range(n)]
        self._next += n
        self._words = words(f">{n}f", *fresh)
        self.server.set_registers(0, self._words)
        return [Reading("d1", f"t{i}", value, "Cel") for i, value in enumerate(fresh)]

    def spoil(self) -> None:
        self.server.set_registers(0, words(">f", float("nan")))

    def payloads(self) -> Sequence[Raw]:
        data = struct.pack(f">{len(self._words)}H", *self._words)
        return [Raw(key="d1/holding_register/0", received_at=now(), data=data)]


class RegistersOverRtu(Registers):
    framing = "rtu-over-tcp"


class RegistersOfAnotherMake(Registers):
    def _made(self) -> ModbusServer:
        return ModbusServer.modbus_serial(self._folder, self.framing)


class RegistersOfAnotherMakeOverRtu(RegistersOfAnotherMake):
    framing = "rtu-over-tcp"


globals().update(contract_tests(ADAPTER, Registers))
for _peer in (RegistersOverRtu, RegistersOfAnotherMake, RegistersOfAnotherMakeOverRtu):
    globals().update({f"{name}_{_peer.__name__}": test for name, test in contract_tests(ADAPTER, _peer).items()})


@pytest.fixture(scope="module")
def other_make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModbusServer]:
    try:
        server = ModbusServer.modbus_serial(tmp_path_factory.mktemp("modbus-serial"))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModbusServer]:
    started = ModbusServer.pymodbus(tmp_path_factory.mktemp("pymodbus"))
    yield started
    started.stop()


ORDERED = [
    ("float32", "big", "big", [0x4148, 0x0000], 12.5),
    ("float32", "little", "big", [0x0000, 0x4148], 12.5),
    ("float32", "big", "little", [0x4841, 0x0000], 12.5),
    ("float32", "little", "little", [0x0000, 0x4841], 12.5),
    ("float64", "little", "big", [0, 0, 0, 0x4029], 12.5),
    ("float16", "big", "big", [0x4A40], 12.5),
    ("float16", "big", "little", [0x404A], 12.5),
    ("int16", "big", "big", [0xFFFE], -2),
    ("int16", "big", "little", [0xFEFF], -2),
    ("uint16", "big", "big", [0xFFFE], 65534),
    ("int32", "big", "big", [0xFFFF, 0xFFFE], -2),
    ("uint32", "little", "big", [0x5678, 0x1234], 0x12345678),
    ("int64", "little", "little", [0xFEFF, 0xFFFF, 0xFFFF, 0xFFFF], -2),
    ("uint64", "big", "big", [0, 0, 0x1234, 0x5678], 0x12345678),
    ("bool", "big", "big", [0x0100], 1),
]


@pytest.mark.parametrize("table", ["holding_register", "input_register"])
def test_each_type_and_order_is_read_from_raw_registers(other_make: ModbusServer, table: str) -> None:
    rows: list[dict[str, object]] = []
    raw: list[int] = []
    for number, (type_, word_order, byte_order, registers, _) in enumerate(ORDERED):
        rows.append(
            {
                "name": f"r{number}",
                "table": table,
                "address": 100 + len(raw),
                "type": type_,
                "word_order": word_order,
                "byte_order": byte_order,
            }
        )
        raw += registers
    other_make.set_registers(100, raw)
    found = values(once(modbus([device(other_make)], rows)))
    assert found == {("d1", f"r{i}"): pytest.approx(row[4]) for i, row in enumerate(ORDERED)}


def test_bits_of_a_register_coils_and_inputs(other_make: ModbusServer) -> None:
    other_make.set_registers(200, [0b1000_0000_0000_0010])
    other_make.set_bits(300, [True, False, False, True, False, False, False, False, False, True])
    rows: list[dict[str, object]] = [
        {"name": f"b{bit}", "address": 200, "type": "bit", "bit": bit} for bit in (0, 1, 15)
    ]
    rows += [{"name": f"c{i}", "table": "coil", "address": 300 + i, "type": "bool"} for i in (0, 3, 4, 9)]
    rows += [{"name": f"i{i}", "table": "discrete_input", "address": 300 + i, "type": "bool"} for i in (0, 1, 9)]
    found = values(once(modbus([device(other_make)], rows)))
    wanted = {"b0": 0, "b1": 1, "b15": 1, "c0": 1, "c3": 1, "c4": 0, "c9": 1, "i0": 1, "i1": 0, "i9": 1}
    assert {quantity: value for (_, quantity), value in found.items()} == wanted


def test_scale_offset_unit_and_quantity(server: ModbusServer) -> None:
    server.set_registers(10, [235, 0xFFF6])
    rows = [
        {
            "name": "supply",
            "address": 10,
            "type": "int16",
            "scale": 0.1,
            "offset": -1,
            "unit": "Cel",
            "quantity": "temperature",
        },
        {"name": "drift", "address": 11, "type": "int16", "scale": 0.5},
    ]
    (batch,) = once(modbus([device(server)], rows))
    assert list(batch.records) == [
        Reading("d1", "temperature", pytest.approx(22.5), "Cel"),
        Reading("d1", "drift", -5.0, "1"),
    ]


def test_ranges_far_apart_and_longer_than_one_read_come_whole(server: ModbusServer) -> None:
    server.set_registers(0, list(range(1000)))
    addresses = [*range(0, 300), *range(500, 510), 999]
    rows = [{"name": f"r{a}", "address": a, "type": "uint16"} for a in addresses]
    found = values(once(modbus([device(server)], rows)))
    assert found == {("d1", f"r{a}"): a for a in addresses}


def test_a_register_without_a_number_spares_its_neighbours(server: ModbusServer) -> None:
    server.set_registers(0, words(">4f", 1.0, float("nan"), 3.0, float("inf")))
    adapter = modbus([device(server)], ROWS)

    async def run() -> tuple[list[Batch], list[Batch]]:
        async with adapter:
            return await poll(adapter), await poll(adapter)

    first, second = asyncio.run(run())
    assert values(first) == {("d1", "t0"): 1.0, ("d1", "t2"): 3.0}
    letters = [letter for batch in first for letter in batch.unreadable]
    assert [letter.where for letter in letters] == ["t1", "t3"]
    assert "'t1' holds nan" in letters[0].reason
    with pytest.raises(Unreadable, match="'t3' holds inf"):
        adapter.decode(letters[1].raw)
    assert not [letter for batch in second for letter in batch.unreadable], "the same bytes are no news a second later"
    assert [fault.where for batch in second for fault in batch.faults] == [
        "d1/holding_register/2",
        "d1/holding_register/6",
    ]


def test_a_dead_device_is_told_and_the_others_are_read(server: ModbusServer) -> None:
    server.set_registers(0, words(">4f", 1, 2, 3, 4))
    dead = {"name": "dead", "host": "127.0.0.1", "port": free_port(), "map": "m"}
    batches = once(modbus([device(server), dead], ROWS))
    assert values(batches)["d1", "t3"] == 4
    (fault,) = [fault for batch in batches for fault in batch.faults]
    assert fault.where == "dead"
    assert f"nobody answers at 127.0.0.1:{dead['port']}" in fault.reason


def test_a_silent_device_does_not_hold_up_the_others(server: ModbusServer) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        mute = {"name": "mute", "host": "127.0.0.1", "port": silent.getsockname()[1], "map": "m"}
        batches = once(modbus([device(server), mute], ROWS))
    first, last = batches[0], batches[-1]
    assert values([first])
    assert not first.faults
    assert [fault.where for fault in last.faults] == ["mute"]
    assert "gave no answer in 1 s" in last.faults[0].reason
    assert (last.received_at - first.received_at).total_seconds() > 0.3


def test_all_devices_dead_is_unreachable() -> None:
    dead = [{"name": f"d{i}", "host": "127.0.0.1", "port": free_port(), "map": "m"} for i in range(3)]
    with pytest.raises(Unreachable, match=r"no device answers; d0: nobody answers at 127\.0\.0\.1"):
        once(modbus(dead, ROWS))


def test_a_wrong_unit_is_told_with_what_to_compare(other_make: ModbusServer) -> None:
    with pytest.raises(Unreachable, match="compare the unit number and the framing"):
        once(modbus([device(other_make, unit=7)], ROWS))


def test_an_address_that_the_device_lacks_is_told_with_its_range(other_make: ModbusServer) -> None:
    rows = [*ROWS, {"name": "beyond", "address": 9000, "type": "uint16"}]
    batches = once(modbus([device(other_make)], rows))
    assert len(values(batches)) == 4
    (fault,) = [fault for batch in batches for fault in batch.faults]
    assert fault.where == "d1/holding_register/9000-9000"
    assert "no such address" in fault.reason


def test_check_says_ok_degraded_and_unreachable(server: ModbusServer) -> None:
    dead = {"name": "dead", "host": "127.0.0.1", "port": free_port(), "map": "m"}

    async def health(*devices: dict[str, object]) -> Any:
        async with modbus(devices, ROWS) as adapter:
            return await adapter.check()

    assert asyncio.run(health(device(server))).state is HealthState.OK
    partly = asyncio.run(health(device(server), dead))
    assert partly.state is HealthState.DEGRADED
    assert "dead" in partly.text
    with pytest.raises(Unreachable, match="is the device on"):
        asyncio.run(health(dead))


def test_a_restarted_server_is_read_again_by_the_same_adapter(tmp_path: Path) -> None:
    """With another device alive, the source stays open, and the lost connection comes back by itself."""
    steady, shaky = ModbusServer.pymodbus(tmp_path / "a"), ModbusServer.pymodbus(tmp_path / "b")
    try:
        adapter = modbus([device(steady, "steady"), device(shaky, "shaky")], ROWS)

        async def run() -> None:
            async with adapter:
                assert ("shaky", "t0") in values(await poll(adapter))
                await asyncio.to_thread(shaky.stop)
                gone = await poll(adapter)
                assert ("steady", "t0") in values(gone)
                assert ("shaky", "t0") not in values(gone)
                await asyncio.to_thread(shaky.restart)
                await poll(adapter)
                assert ("shaky", "t0") in values(await poll(adapter))

        asyncio.run(run())
    finally:
        steady.stop()
        shaky.stop()


def test_units_behind_one_gateway_share_its_connection(tmp_path: Path) -> None:
    """Many gateways take one connection only."""
    gateway = ModbusServer.pymodbus(tmp_path, "rtu-over-tcp")
    try:
        gateway.set_registers(0, words(">4f", 1, 2, 3, 4))
        devices = [device(gateway, f"u{unit}", unit=unit) for unit in (1, 2, 3)]
        found = values(once(modbus(devices, ROWS)))
        assert {sensor for sensor, _ in found} == {"u1", "u2", "u3"}
    finally:
        gateway.stop()


def test_claims_say_what_each_device_is_and_where(server: ModbusServer) -> None:
    server.set_registers(700, words(">8s", b"v2.1\0\0\0\0"))
    given = device(server, place="B2-3F", serial_number="77", manufacturer="Acrel", title="配电柜 3")
    rows = [*ROWS, {"name": "version", "address": 700, "type": "string", "length": 4, "field": "firmware"}]

    async def claims(per: str) -> Any:
        async with modbus([given], rows, sensor_per=per) as adapter:
            return [claim async for claim in adapter.discover()]

    (claim,) = asyncio.run(claims("device"))
    assert dict(claim.values) == {
        "kind": "SENSOR",
        "name": "配电柜 3",
        "manufacturer": "Acrel",
        "serial_number": "77",
        "firmware": "v2.1",
    }
    assert [(i.scheme, i.value) for i in claim.identifiers] == [("serial_number", "Acrel/77")]
    assert [(link.relation, link.target, link.source) for link in claim.links] == [("LOCATED_IN", "B2-3F", "hub")]
    cabinet, *sensors = asyncio.run(claims("register"))
    assert cabinet.values["kind"] == "EQUIPMENT"
    assert [sensor.external_id for sensor in sensors] == ["d1/t0", "d1/t1", "d1/t2", "d1/t3"]
    assert {link.target for link in sensors[0].links} == {"B2-3F", "d1"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"name": "far", "address": 65536}], "'far': an address lies between 0 and 65535, not 65536"),
        (
            [{"name": "edge", "address": 65535, "type": "float32"}],
            "'edge': its 2 registers from 65535 end at 65536",
        ),
        ([{"name": "text", "address": 0, "type": "string"}], "'text': a string needs its length"),
        (
            [{"name": "one", "address": 0, "type": "float32"}, {"name": "two", "address": 1}],
            "'one' .*0–1.* and 'two' .*1–1.* overlap",
        ),
        ([{"name": "odd", "address": 0, "type": "float24"}], "float16"),
        ([{"name": "coil", "table": "coil", "address": 0, "type": "int16"}], "'coil': a coil holds one bit"),
        ([{"name": "bit", "address": 0, "type": "bit", "bit": 16}], "'bit': a register has the bits 0 to 15"),
        (
            [{"name": "a", "address": 0, "quantity": "u"}, {"name": "b", "address": 1, "quantity": "u"}],
            "'a' and 'b' both give the quantity 'u'",
        ),
        ([{"name": "a", "address": 0}, {"name": "a", "address": 1}], "two registers are called 'a'"),
    ],
)
def test_an_impossible_map_is_refused_by_its_row(rows: list[dict[str, object]], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        modbus([{"name": "d", "host": "h", "map": "m"}], rows)


def test_a_map_comes_from_a_file_beside_the_park_file(tmp_path: Path) -> None:
    (tmp_path / "meter.toml").write_text('[[registers]]\nname = "u"\naddress = 3\nunit = "V"\n', encoding="utf-8")
    given = {"devices": [{"name": "d", "host": "h", "map": "meter"}], "map_files": {"meter": "meter.toml"}}
    config = ModbusConfig.model_validate(given, context={"folder": tmp_path})
    assert config.maps["meter"].registers[0].unit == "V"
    with pytest.raises(ValidationError, match=r"meter\.toml cannot be read"):
        ModbusConfig.model_validate(given, context={"folder": tmp_path / "elsewhere"})
