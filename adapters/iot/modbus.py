"""Modbus TCP and RTU over TCP: many devices, each polled by its register map, each poll a few batches."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from adapters.contract import (
    Batch,
    Claim,
    Cursor,
    DeadLetter,
    Definition,
    Fault,
    Health,
    HealthState,
    Raw,
    Reading,
    Record,
    Source,
    Unreachable,
    Unreadable,
    guarded,
)
from adapters.iot.modbus_config import ModbusConfig
from adapters.iot.modbus_line import DeviceError, Line, LineDown
from adapters.iot.modbus_unit import Key, Plan, Unit
from adapters.iot.registers import JoinedRead, Register, Table
from hub.clock import now

PATIENCE = 0.05
"""Seconds after which what has answered is handed on: it is stored while the rest is still being asked."""


class _Sweep:
    """What one poll has gathered."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at
        self.readings: list[Reading] = []
        self.unreadable: list[DeadLetter] = []
        self.faults: list[Fault] = []
        self.answered = False

    def add(self, other: "_Sweep") -> None:
        self.readings += other.readings
        self.unreadable += other.unreadable
        self.faults += other.faults
        self.answered = self.answered or other.answered

    def batch(self) -> Batch:
        return Batch(
            records=self.readings, unreadable=self.unreadable, faults=self.faults, received_at=self.received_at
        )


class Modbus:
    """The adapter. Connections stay open from poll to poll; a lost one is opened again at the next."""

    def __init__(self, source: Source, config: ModbusConfig) -> None:
        self._config = config
        plans = {name: Plan(registers, config) for name, registers in config.maps.items()}
        self._units = {device.name: Unit(device, plans[device.map]) for device in config.devices}
        self._lines: list[tuple[Line, list[Unit]]] = []
        self._gate = asyncio.Semaphore(config.max_concurrent)
        self._openings = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._openings.__aenter__()
        # It warns at each poll of a device that is off; the batch's faults say it, and the supervisor once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        lines: dict[tuple[str, ...], tuple[Line, list[Unit]]] = {}
        for unit in self._units.values():
            device = unit.device
            key: tuple[str, ...] = (device.host, str(device.port), device.framing)
            if self._config.connection_per == "device":
                key = (*key, device.name)
            if key not in lines:
                lines[key] = (Line(device.host, device.port, device.framing, self._config.timeout_seconds), [])
            lines[key][1].append(unit)
        self._lines = list(lines.values())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line, _ in self._lines:
            await line.close()
        self._lines = []
        await self._openings.__aexit__(None, None, None)

    async def check(self) -> Health:
        sweep = _Sweep(now())
        for found in await asyncio.gather(*(self._poll(line, units) for line, units in self._lines)):
            sweep.add(found)
        if not sweep.answered:
            raise Unreachable(_nobody(sweep.faults))
        if sweep.faults:
            first, more = sweep.faults[0], len(sweep.faults) - 1
            text = f"{first.where}: {first.reason}" + (
                f"; and {more} more of {len(self._units)} devices" if more else ""
            )
            return Health(state=HealthState.DEGRADED, text=text)
        return Health(state=HealthState.OK, text=f"all {len(self._units)} devices answer")

    async def discover(self) -> AsyncIterator[Claim]:
        """Every configured device, whether it answers or not: a device without power still exists."""
        await asyncio.gather(
            *(self._nameplates(line, units) for line, units in self._lines if any(unit.nameplate for unit in units))
        )
        for unit in self._units.values():
            for claim in unit.claims():
                yield claim

    async def read(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """One poll of all devices. What answers quickly does not wait for a device that is silent."""
        # Bare tasks, ended below: this generator may be left half way, which a TaskGroup cannot be.
        started = [asyncio.ensure_future(self._poll(line, units)) for line, units in self._lines]
        pending = set(started)
        answered, faults = False, list[Fault]()
        try:
            while pending:
                done, pending = await asyncio.wait(pending, timeout=PATIENCE)
                sweep = _Sweep(now())
                for poll in started if done else ():
                    if poll in done:
                        sweep.add(poll.result())
                answered = answered or sweep.answered
                faults += sweep.faults
                if not pending and not answered:
                    raise Unreachable(_nobody(faults))
                if done:
                    yield sweep.batch()
        finally:
            for poll in started:
                poll.cancel()
            await asyncio.gather(*started, return_exceptions=True)

    async def _poll(self, line: Line, units: Sequence[Unit]) -> _Sweep:
        sweep = _Sweep(now())
        async with self._gate:
            try:
                await line.open(self._openings)
            except LineDown as down:
                sweep.faults += [Fault(where=unit.device.name, reason=str(down)) for unit in units]
                return sweep
            for unit in units:
                await self._poll_unit(line, unit, sweep)
        return sweep

    async def _poll_unit(self, line: Line, unit: Unit, sweep: _Sweep) -> None:
        for read, request, names in unit.requests:
            keys: Sequence[Key] = names
            try:
                data = await line.read(request, read.size)
            except LineDown as down:
                sweep.faults.append(Fault(where=unit.device.name, reason=str(down)))
                return
            except DeviceError as error:
                sweep.answered = True
                sweep.faults.append(Fault(where=unit.where(read), reason=str(error)))
                continue
            sweep.answered = True
            try:
                values = guarded(read.numbers)(data)
            except Unreadable as error:
                raw = Raw(key=unit.key(read), received_at=sweep.received_at, data=data)
                sweep.unreadable.append(DeadLetter.of(raw, error))
                continue
            if not math.isfinite(sum(values)):
                values, keys = self._set_aside(unit, read, data, values, sweep)
            elif unit.unreadable:
                unit.recovered(read)
            sweep.readings += [
                Reading(sensor, quantity, value, code)
                for (sensor, quantity, code), value in zip(keys, values, strict=True)
            ]

    def _set_aside(
        self, unit: Unit, read: JoinedRead, data: bytes, values: list[float], sweep: _Sweep
    ) -> tuple[list[float], Sequence[Key]]:
        """Registers without a number become faults, and at their first time dead letters; the others stay."""
        good: list[tuple[float, Key]] = []
        for row, value, key in zip(read.rows, values, unit.keys(read), strict=True):
            if math.isfinite(value):
                unit.unreadable.pop(row.name, None)
                good.append((value, key))
                continue
            piece, where = read.slice(row, data), f"{unit.device.name}/{row.table.value}/{row.address}"
            unreadable = _no_number(row, value)
            sweep.faults.append(Fault(where=where, reason=unreadable.reason))
            if unit.unreadable.get(row.name) != piece:
                unit.unreadable[row.name] = piece
                raw = Raw(key=where, received_at=sweep.received_at, data=piece)
                sweep.unreadable.append(DeadLetter.of(raw, unreadable))
        return [value for value, _ in good], tuple(key for _, key in good)

    async def _nameplates(self, line: Line, units: Sequence[Unit]) -> None:
        """Texts of a device that does not answer stay as they were last read."""
        async with self._gate:
            try:
                await line.open(self._openings)
                for unit in units:
                    await unit.read_texts(line)
            except LineDown:
                return

    def decode(self, raw: Raw) -> Sequence[Record]:
        """The readings of the registers that lie wholly in `raw.data`, which begins at the key's address.

        The key is `device/table/address`; the data are registers as they came over the wire, high byte first,
        or for coils and inputs packed bits.
        """
        unit, table, start = self._place(raw.key)
        read = unit.read_of(table, start, len(raw.data))
        if read is None:
            raise Unreadable(
                f"{len(raw.data)} bytes from {table.value} {start} hold no register of the map {unit.device.map!r}",
                where=raw.key,
            )
        at = 0 if table.of_bits else (read.start - start) * 2
        values = read.numbers(raw.data[at : at + read.size])
        for row, value in zip(read.rows, values, strict=True):
            if not math.isfinite(value):
                raise _no_number(row, value)
        return [
            Reading(sensor, quantity, value, code)
            for (sensor, quantity, code), value in zip(unit.keys(read), values, strict=True)
        ]

    def _place(self, key: str) -> tuple[Unit, Table, int]:
        name, _, rest = key.partition("/")
        table, _, address = rest.partition("/")
        unit = self._units.get(name)
        if unit is None:
            raise Unreadable(f"no device is called {name!r} in this source any more", where=key)
        if table not in set(Table) or not (address.isascii() and address.isdigit() and len(address) <= 5):
            raise Unreadable("the key is no device/table/address", where=key)
        return unit, Table(table), int(address)


def _no_number(row: Register, value: float) -> Unreadable:
    return Unreadable(
        f"the register {row.name!r} holds {value}, which is no measurement: is the probe connected, and are type, word "
        "and byte order right?",
        where=row.name,
    )


def _nobody(faults: Sequence[Fault]) -> str:
    first = faults[0] if faults else None
    return f"no device answers; {first.where}: {first.reason}" if first else "no device answers"


ADAPTER = Definition(
    name="modbus",
    version="1",
    summary="Modbus TCP and RTU over TCP: many devices by register maps, each polled whole.",
    config=ModbusConfig,
    factory=Modbus,
    polls=True,
)
