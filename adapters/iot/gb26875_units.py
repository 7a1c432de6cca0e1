"""What an application data unit says, as claims, signals and readings (GB/T 26875.3 clause 8). Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from adapters.contract import Claim, Link, Reading, Record, Signal, Unreadable, Value
from adapters.iot import gb26875_tables as tables
from adapters.iot.gb26875_config import Gb26875Config
from adapters.iot.gb26875_frame import ANSWER, SEND, Frame
from adapters.iot.gb26875_tables import Analogue

DEVICE = "用户信息传输装置"
_SIZES = {1: 10, 2: 46, 3: 16, 4: 10, 5: 4, 7: 38, 8: 8, 21: 7, 24: 8, 25: 2, 28: 6}
"""Bytes of one information object with its time, by type flag; 6 and 26 say their own length."""
_SHORT_SIGNALS = {3: "fire_alarm", 4: "fault", 5: "supervised", 6: "shielded", 7: "fire_alarm", 8: "operated_self_test"}


@dataclass(frozen=True, slots=True)
class Where:
    """The parts of a component's address: panel, system's type and address, component."""

    panel: str

    def system(self, kind: int, address: int) -> str:
        return f"{self.panel}/{kind}.{address}"

    def component(self, kind: int, address: int, place: bytes) -> str:
        return f"{self.system(kind, address)}/{_channel(place)}"


class Units:
    """Reads the data of frames by what the park file says of them."""

    def __init__(self, config: Gb26875Config) -> None:
        self._bcd = config.bcd_times
        own = {each.type: Analogue(each.quantity, each.unit, each.step) for each in config.analogues}
        self._analogues: Mapping[int, Analogue] = {**tables.ANALOGUES, **own}

    def read(self, frame: Frame, panel: str) -> Sequence[Record]:
        """The records, the panel's own claim first. Raises Unreadable."""
        own = _panel(panel)
        if frame.command not in (SEND, ANSWER):
            raise Unreadable(f"the command {frame.command} is none that a panel sends a centre", where="command")
        if len(frame.data) < 2:
            return [own]  # a heartbeat: empty, or one byte of a maker's own
        flag, count, body = frame.data[0], frame.data[1], frame.data[2:]
        if flag in (6, 26):
            return _once([own, *self._described(flag, count, body, Where(panel))])
        size = _SIZES.get(flag)
        if size is None:
            raise Unreadable(f"the type flag {flag} is none of the standard's for a panel", where="type flag")
        if count == 0 or len(body) != count * size:
            raise Unreadable(
                f"{count} information objects of type {flag} have {count * size} bytes, and {len(body)} are there",
                where="number of information objects",
            )
        objects = [body[start : start + size] for start in range(0, len(body), size)]
        records: list[Record] = [own]
        for each in objects:
            records += self._object(flag, each, Where(panel))
        return _once(records)

    def _object(self, flag: int, data: bytes, where: Where) -> Iterator[Record]:
        match flag:
            case 1:
                system = where.system(data[0], data[1])
                yield _system(where, data)
                yield from self._states(system, tables.SYSTEM_BITS, int.from_bytes(data[2:4], "little"), data[4:])
            case 2:
                yield from _component(where, data[:7], data[9:40])
                component = where.component(data[0], data[1], data[3:7])
                yield from self._states(
                    component, tables.COMPONENT_BITS, int.from_bytes(data[7:9], "little"), data[40:]
                )
            case 3:
                yield from _component(where, data[:7], None)
                known = self._analogues.get(data[7], Analogue(f"analogue_{data[7]}", "1", 1.0))
                value = int.from_bytes(data[8:10], "little", signed=True) * known.step
                at, _ = self._time(data[10:])
                component = where.component(data[0], data[1], data[3:7])
                yield Reading(component, known.quantity, round(value, 6), known.unit, at)
            case 4:
                yield _system(where, data)
                yield from self._operations(where.system(data[0], data[1]), data[2], data[3], data[4:])
            case 5:
                yield _system(where, data, firmware=f"{data[2]}.{data[3]}")
            case 7:
                yield from _component(where, data[:7], data[7:38])
            case 8:
                yield _system(where, data)
            case 21:
                yield from self._states(where.panel, tables.DEVICE_BITS, data[0], data[1:])
            case 24:
                yield from self._operations(where.panel, data[0], data[1], data[2:])
            case 25:
                yield _panel(where.panel, firmware=f"{data[0]}.{data[1]}")

    def _described(self, flag: int, count: int, body: bytes, where: Where) -> Iterator[Record]:
        at, head = 0, 3 if flag == 6 else 1
        for _ in range(count):
            size = body[at + head - 1] if len(body) >= at + head else 0
            told = body[at + head : at + head + size]
            if len(body) < at + head or len(told) != size:
                raise Unreadable("a description ends before its length", where=f"byte {at + 2}")
            if flag == 6:
                yield _system(where, body[at:], name=_text(told))
            else:
                yield _panel(where.panel, name=_text(told))
            at += head + size

    def _states(self, subject: str, bits: Mapping[int, str], word: int, time: bytes) -> Iterator[Signal]:
        """One signal a bit, set or not: what was set and no longer is has returned to normal."""
        at, odd = self._time(time)
        for bit, name in bits.items():
            state = "active" if word >> bit & 1 else "inactive"
            yield Signal(type=name, subject=subject, at=at, values=MappingProxyType({"state": state, **odd}))

    def _operations(self, subject: str, word: int, operator: int, time: bytes) -> Iterator[Signal]:
        at, odd = self._time(time)
        for bit, name in tables.OPERATIONS.items():
            if word >> bit & 1:
                values: dict[str, Value] = {"state": "active", "operator": operator, **odd}
                yield Signal(type=name, subject=subject, at=at, values=MappingProxyType(values))

    def _time(self, data: bytes) -> tuple[datetime | None, dict[str, Value]]:
        """Second, minute, hour, day, month, year (8.2.2), by the panel's own clock. One that is none costs the time and
        not the alarm."""
        digits = [(byte >> 4) * 10 + (byte & 15) for byte in data] if self._bcd else list(data)
        try:
            second, minute, hour, day, month, year = digits
            return datetime(2000 + year, month, day, hour, minute, second), {}  # noqa: DTZ001  intake knows the zone
        except ValueError:
            return None, {"device_stamp": data.hex(), "clock": "unreadable"}

    def read_short(self, frame: Frame, panel: str) -> Sequence[Record]:
        """Of the 0x68 framing: registration, heartbeat, and events of one component without state or time."""
        own = _panel(panel)
        if frame.command in (1, 2, 9, 10, 16):
            return [own]
        name = _SHORT_SIGNALS.get(frame.command)
        if name is None or len(frame.data) < 4:
            raise Unreadable(f"the command {frame.command} with {len(frame.data)} bytes is none that is known")
        kind, address, loop, number = frame.data[:4]
        place = bytes([loop, 0, number, 0])
        where = Where(panel)
        values: dict[str, Value] = {"state": "active"} | ({"manual": True} if frame.command == 7 else {})
        signal = Signal(type=name, subject=where.component(kind, address, place), values=MappingProxyType(values))
        return [own, *_component(where, bytes([kind, address, 0, *place]), None), signal]


def _once(records: Sequence[Record]) -> Sequence[Record]:
    """Of several claims of one thing, such as a system's with each of its components, the last."""
    claims = {record.external_id: record for record in records if isinstance(record, Claim)}
    return [*claims.values(), *(record for record in records if not isinstance(record, Claim))]


def _panel(panel: str, **told: Value) -> Claim:
    values: dict[str, Value] = {"kind": "PANEL", "name": f"{DEVICE} {panel.partition('/')[2]}", "device_type": DEVICE}
    values |= {"online": True} | {name: value for name, value in told.items() if value is not None}
    return Claim(kind="Asset", external_id=panel, values=MappingProxyType(values))


def _system(where: Where, data: bytes, **told: Value) -> Claim:
    kind, address = data[0], data[1]
    type_ = tables.SYSTEMS.get(kind, f"系统类型 {kind}")
    values: dict[str, Value] = {"kind": "PANEL", "name": f"{type_} {address}", "device_type": type_}
    values |= {"channel": f"{kind}.{address}"} | {name: value for name, value in told.items() if value is not None}
    return Claim(
        kind="Asset",
        external_id=where.system(kind, address),
        values=MappingProxyType(values),
        links=(Link(relation="CONNECTED_TO", target=where.panel),),
    )


def _component(where: Where, data: bytes, told: bytes | None) -> Iterator[Claim]:
    """The component and the system that it belongs to."""
    kind, address, component, place = data[0], data[1], data[2], data[3:7]
    type_ = tables.COMPONENTS.get(component, f"部件类型 {component}")
    name = (None if told is None else _text(told)) or f"{type_} {_channel(place)}"
    values: dict[str, Value] = {"kind": tables.kind_of(component), "name": name, "device_type": type_}
    values["channel"] = _channel(place)
    yield _system(where, data)
    yield Claim(
        kind="Asset",
        external_id=where.component(kind, address, place),
        values=MappingProxyType(values),
        links=(Link(relation="CONNECTED_TO", target=where.system(kind, address)),),
    )


def _channel(place: bytes) -> str:
    """Zone and number, low byte first (8.2.1.2)."""
    return f"{int.from_bytes(place[:2], 'little')}-{int.from_bytes(place[2:], 'little')}"


def _text(data: bytes) -> str | None:
    """GB 18030, ended by a zero or padded with spaces; a character that was cut at the end is let go."""
    return data.split(b"\0", 1)[0].decode("gb18030", errors="replace").rstrip("\ufffd").strip() or None
