"""One configured Modbus device: its reads, made once, its claims, and the names that its numbers get."""

from collections.abc import Iterator, Sequence

from adapters.contract import Claim, Identifier, Link, Value
from adapters.iot.modbus_config import Device, ModbusConfig
from adapters.iot.modbus_line import DeviceError, Line, request_for
from adapters.iot.registers import JoinedRead, RegisterMap, RegisterType, Table, joined, joined_reads

HUB = "hub"
Key = tuple[str, str, str]
"""Sensor, quantity and unit of one register."""


class Plan:
    """What is asked of every device of one map."""

    def __init__(self, registers: RegisterMap, config: ModbusConfig) -> None:
        most = config.max_registers
        self.registers = registers
        self.reads = joined_reads(registers, gap=config.join_gap, most_registers=most)
        self.nameplate = joined_reads(registers, most_registers=most, strings=True)
        self.per_register = config.sensor_per == "register"


class Unit:
    def __init__(self, device: Device, plan: Plan) -> None:
        self.device = device
        self.unreadable: dict[str, bytes] = {}  # register → the bytes that became a dead letter
        self._plan = plan
        self._texts: dict[str, str] = {}
        self.requests = [(read, request_for(read, device.unit), self.keys(read)) for read in plan.reads]
        self.nameplate = [(read, request_for(read, device.unit)) for read in plan.nameplate]

    def key(self, read: JoinedRead) -> str:
        """What names the read's bytes among dead letters: `device/table/address`."""
        return f"{self.device.name}/{read.table.value}/{read.start}"

    def where(self, read: JoinedRead) -> str:
        """The read's registers as a person would name them."""
        return f"{self.device.name}/{read.table.value}/{read.start}-{read.start + read.count - 1}"

    def keys(self, read: JoinedRead) -> tuple[Key, ...]:
        name = self.device.name
        return tuple(
            (f"{name}/{row.name}" if self._plan.per_register else name, row.measured, row.unit) for row in read.rows
        )

    def read_of(self, table: Table, start: int, size: int) -> JoinedRead | None:
        """The read that `size` bytes from `start` are, or that lies within them; None if no register does."""
        reads = [read for read, _, _ in self.requests if read.table is table]
        for read in reads:
            if read.start == start and read.size == size:
                return read
        end = start + size // 2
        rows = [row for read in reads for row in read.rows if start <= row.address and row.last < end]
        return joined(rows) if rows and not table.of_bits else None

    def recovered(self, read: JoinedRead) -> None:
        """All registers of the read hold numbers again: the next unreadable bytes are news."""
        for row in read.rows:
            self.unreadable.pop(row.name, None)

    async def read_texts(self, line: Line) -> None:
        """Reads the device's nameplate. Raises LineDown; what the device refuses stays unknown."""
        for read, request in self.nameplate:
            try:
                data = await line.read(request, read.size)
            except DeviceError:
                continue
            for row, text in zip(read.rows, read.texts(data), strict=True):
                if row.field is not None and text:
                    self._texts[row.field] = text

    def claims(self) -> Iterator[Claim]:
        device = self.device
        given: dict[str, Value] = {
            "name": device.title or device.name,
            "manufacturer": device.manufacturer or self._plan.registers.manufacturer,
            "model": device.model or self._plan.registers.model,
            "serial_number": device.serial_number,
        }
        values: dict[str, Value] = {"kind": "EQUIPMENT" if self._plan.per_register else "SENSOR"}
        values |= {field: value for field, value in given.items() if value is not None}
        values |= self._texts
        place = () if device.place is None else (Link(relation="LOCATED_IN", target=device.place, source=HUB),)
        yield Claim(
            kind="Asset",
            external_id=device.name,
            identifiers=tuple(_serial_number(values.get("manufacturer"), device.serial_number)),
            values=values,
            links=place,
        )
        if self._plan.per_register:
            watched = Link(relation="MONITORS", target=device.name)
            for row in self._plan.registers.registers:
                if row.type is not RegisterType.STRING:
                    yield Claim(
                        kind="Asset",
                        external_id=f"{device.name}/{row.name}",
                        values={"kind": "SENSOR", "name": f"{values['name']} {row.name}"},
                        links=(*place, watched),
                    )


def _serial_number(manufacturer: Value, serial: str | None) -> Sequence[Identifier]:
    """The scheme wants the manufacturer too: two makers may count alike."""
    if serial is None or not manufacturer:
        return ()
    return (Identifier(scheme="serial_number", value=f"{manufacturer}/{serial}"),)
