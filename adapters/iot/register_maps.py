"""Vendors' register maps in the CSV form of modpoll (github.com/gavinying/modpoll), as maps of ours.

Rows: `device,NAME,UNIT`, then `poll,TABLE,START,SIZE,BYTEORDER_WORDORDER`, then
`ref,NAME,ADDRESS,TYPE,RW,UNIT,SCALE`. What cannot be taken is left out and told by its line.
"""

import csv
import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from adapters.iot.registers import Register, RegisterMap, RegisterType, Table, clashes
from hub.units import UnitError, ucum

_STRING = re.compile(r"string(\d{1,3})")
_BITS = {"bool8": 8, "bool16": 16}
_TYPES = {t.value for t in RegisterType} - {RegisterType.BIT, RegisterType.STRING, RegisterType.BOOL}
_ORDERS: dict[str, Literal["big", "little"]] = {"BE": "big", "LE": "little"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MapWarning:
    """What a person should look at."""

    line: int  # of the file, 1 the first
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorMap:
    """One device of a vendor's file. `unit` is the unit number that the file gives it."""

    device: str
    unit: int
    map: RegisterMap
    warnings: tuple[MapWarning, ...]


@dataclass(slots=True)
class _Poll:
    table: Table
    start: int
    size: int
    byte_order: Literal["big", "little"]
    word_order: Literal["big", "little"]


@dataclass(slots=True)
class _Device:
    name: str
    unit: int
    rows: list[Register] = field(default_factory=list)
    warnings: list[MapWarning] = field(default_factory=list)
    poll: _Poll | None = None

    def warn(self, line: int, text: str) -> None:
        self.warnings.append(MapWarning(line=line, text=text))


def read_vendor_maps(text: str) -> Sequence[VendorMap]:
    """The file's devices with at least one register. Raises ValueError for a file without any."""
    devices: list[_Device] = []
    reader = csv.reader(text.removeprefix("\ufeff").splitlines())
    for cells in reader:
        kind, *rest = [cell.strip() for cell in cells] or [""]
        if not kind or kind.startswith("#"):
            continue
        if kind == "device":
            devices.append(_device(rest, reader.line_num))
        elif kind not in ("poll", "ref") or not devices:
            told = "a row before any device" if kind in ("poll", "ref") else f"{kind!r} is no device, poll or ref"
            raise ValueError(f"line {reader.line_num}: {told}; this is no map in modpoll's form")
        elif kind == "poll":
            devices[-1].poll = _poll(devices[-1], rest, reader.line_num)
        else:
            _ref(devices[-1], rest, reader.line_num)
    found = [
        VendorMap(
            device=device.name,
            unit=device.unit,
            map=RegisterMap(model=device.name, registers=tuple(device.rows)),
            warnings=tuple(device.warnings),
        )
        for device in devices
        if device.rows
    ]
    if not found:
        raise ValueError("the file holds no device with a register")
    return found


def _device(cells: list[str], line: int) -> _Device:
    name, unit = _padded(cells, 2)
    device = _Device(name or "device", 1)
    if unit.isascii() and unit.isdigit() and int(unit) <= 255:
        device.unit = int(unit)
    else:
        device.warn(line, f"the unit {unit!r} is no number from 0 to 255: 1 is taken")
    return device


def _poll(device: _Device, cells: list[str], line: int) -> _Poll | None:
    table, start, size, orders = _padded(cells, 4)
    if table not in set(Table):
        device.warn(
            line, f"there is no table {table!r}{_nearest(table, [t.value for t in Table])}: its rows are left out"
        )
        return None
    if not (start.isdigit() and size.isdigit()):
        device.warn(line, f"start {start!r} and size {size!r} must be numbers: its rows are left out")
        return None
    byte_order, _, word_order = orders.upper().partition("_")
    if byte_order not in _ORDERS or word_order not in _ORDERS:
        if orders:
            device.warn(line, f"the orders {orders!r} are not known: high byte and high word first are taken")
        byte_order = word_order = "BE"
    return _Poll(Table(table), int(start), int(size), _ORDERS[byte_order], _ORDERS[word_order])


def _ref(device: _Device, cells: list[str], line: int) -> None:
    name, address, kind, _, unit, scale = _padded(cells, 6)
    poll = device.poll
    if poll is None:
        device.warn(line, f"{name!r} follows no poll that could be read: left out")
        return
    if not address.isdigit():
        device.warn(line, f"{name!r}: the address {address!r} is no number: left out")
        return
    at = int(address)
    times = _scale(device, name, scale, line)
    if unit:
        try:
            ucum(unit)
        except UnitError as error:
            device.warn(line, f"{name!r}: {error}")
    if not poll.start <= at < poll.start + poll.size:
        device.warn(line, f"{name!r}: the address {at} lies outside its poll, {poll.start} and {poll.size} on")
    for row in _rows(device, poll, name, at, (kind or "uint16").lower(), line):
        _add(device, row | {"scale": times, "unit": unit or "1"} if row["type"] != "string" else row, line)


def _rows(
    device: _Device, poll: _Poll, name: str, at: int, kind: str, line: int
) -> Iterator[dict[str, str | int | float]]:
    """One row, or one a bit: modpoll counts a bool8 of coils as one address, though it is eight of them."""
    row: dict[str, str | int | float] = {"name": name, "table": poll.table.value, "address": at}
    if poll.table.of_bits:
        if kind not in _BITS:
            device.warn(line, f"{name!r}: {kind!r} of a table of bits: left out; write bool8")
            return
        first = poll.start + (at - poll.start) * 8
        for bit in range(min(_BITS[kind], poll.start + poll.size - first)):
            yield row | {"name": f"{name}.{bit + 1}", "address": first + bit, "type": "bool"}
        return
    row |= {"byte_order": poll.byte_order, "word_order": poll.word_order}
    if kind in _BITS:
        for bit in range(_BITS[kind]):
            yield row | {"name": f"{name}.{bit + 1}", "type": "bit", "bit": bit}
    elif text := _STRING.fullmatch(kind):
        yield row | {"type": "string", "length": (int(text[1]) + 1) // 2}
    elif kind in _TYPES:
        yield row | {"type": kind}
    else:
        device.warn(line, f"{name!r}: there is no type {kind!r}{_nearest(kind, sorted(_TYPES))}: left out")


def _add(device: _Device, row: dict[str, str | int | float], line: int) -> None:
    name = str(row["name"])
    taken = {known.name for known in device.rows}
    if name in taken:
        number = next(n for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)
        row = row | {"name": f"{name} ({number})"}
        device.warn(line, f"the name {name!r} stands twice: this one is called {row['name']!r}")
    try:
        register = Register.model_validate(row)
    except ValidationError as error:
        device.warn(line, f"{error.errors()[0]['msg'].removeprefix('Value error, ')}: left out")
        return
    for one, other in clashes([*device.rows, register]):
        first = one if other is register else other
        device.warn(line, f"{name!r} overlaps {first.name!r} ({first.address}–{first.last}): left out")
        return
    device.rows.append(register)


def _scale(device: _Device, name: str, given: str, line: int) -> float:
    if not given:
        return 1.0
    try:
        scale = float(given)
    except ValueError:
        device.warn(line, f"{name!r}: the scale {given!r} is no number: 1 is taken")
        return 1.0
    if scale in (10.0, 100.0, 1000.0, 10000.0):
        device.warn(
            line,
            f"{name!r}: the scale {given} multiplies, as the form says; manuals with such numbers mostly mean a "
            f"divisor: compare, and write {1 / scale:g} if it is one",
        )
    return scale


def _nearest(given: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f" ({near[0]}?)" if near else ""


def _padded(cells: list[str], count: int) -> list[str]:
    return [*cells, *[""] * count][:count]


def to_toml(registers: RegisterMap) -> str:
    """The map as a file for `map_files`; what stands at its default is left out."""
    lines = [
        f"{key} = {_toml(value)}"
        for key, value in registers.model_dump(mode="json", exclude_defaults=True, exclude={"registers"}).items()
    ]
    for row in registers.registers:
        lines += ["", "[[registers]]"]
        lines += [
            f"{key} = {_toml(value)}" for key, value in row.model_dump(mode="json", exclude_defaults=True).items()
        ]
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: str | int | float) -> str:
    """TOML's basic strings and numbers are JSON's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
