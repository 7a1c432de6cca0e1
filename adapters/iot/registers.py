"""Register maps as data, the few reads that a map needs, and their bytes turned into numbers.

Addresses are those on the wire, 0 to 65535, as the Modbus Application Protocol 1.1b3 counts them; a manual
that says 40001 means holding register 0.
"""

import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from adapters.contract import AdapterConfig

LAST_ADDRESS = 65535
MOST_REGISTERS = 125  # of one read: Modbus Application Protocol 1.1b3, 6.3
MOST_BITS = 2000  # of one read: the same, 6.1


class Table(StrEnum):
    COIL = "coil"
    DISCRETE_INPUT = "discrete_input"
    HOLDING_REGISTER = "holding_register"
    INPUT_REGISTER = "input_register"

    @property
    def of_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE_INPUT)

    @property
    def function_code(self) -> int:
        return _FUNCTION_CODES[self]


_FUNCTION_CODES = {
    Table.COIL: 1,
    Table.DISCRETE_INPUT: 2,
    Table.HOLDING_REGISTER: 3,
    Table.INPUT_REGISTER: 4,
}


class RegisterType(StrEnum):
    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    UINT64 = "uint64"
    INT64 = "int64"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOL = "bool"  # a coil or a discrete input; of a register: any bit set
    BIT = "bit"  # one bit of a register, 0 the lowest
    STRING = "string"  # two characters a register; a value of the device's claim, never a reading


_FORMATS = {
    RegisterType.UINT16: "H",
    RegisterType.INT16: "h",
    RegisterType.UINT32: "I",
    RegisterType.INT32: "i",
    RegisterType.UINT64: "Q",
    RegisterType.INT64: "q",
    RegisterType.FLOAT16: "e",
    RegisterType.FLOAT32: "f",
    RegisterType.FLOAT64: "d",
    RegisterType.BOOL: "H",
    RegisterType.BIT: "H",
}

Order = Literal["big", "little"]


class Register(AdapterConfig):
    """One row of a map. The value is what was read × `scale` + `offset`, in `unit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1)
    table: Table = Table.HOLDING_REGISTER
    address: int
    type: RegisterType = RegisterType.UINT16
    length: int | None = None  # registers, of a string
    bit: int | None = None  # 0 the lowest, of type bit
    word_order: Order | None = None  # which word comes first; None: the map's
    byte_order: Order | None = None  # which byte of a word comes first; None: the map's
    scale: float = 1.0
    offset: float = 0.0
    unit: str = "1"
    quantity: str | None = None  # None: the row's name
    field: Literal["name", "manufacturer", "model", "serial_number", "firmware"] | None = None  # of a string

    @property
    def size(self) -> int:
        """Registers (or bits, of a table of bits) that the row covers."""
        if self.table.of_bits:
            return 1
        if self.type is RegisterType.STRING:
            return self.length or 0
        return struct.calcsize("=" + _FORMATS[self.type]) // 2

    @property
    def last(self) -> int:
        return self.address + self.size - 1

    @property
    def measured(self) -> str:
        return self.quantity or self.name

    @model_validator(mode="after")
    def _possible(self) -> Self:
        row = f"the register {self.name!r}"
        if self.table.of_bits and self.type is not RegisterType.BOOL:
            raise ValueError(f"{row}: a {self.table.value} holds one bit: its type is 'bool', not '{self.type.value}'")
        if self.type is RegisterType.STRING and not self.length:
            raise ValueError(f"{row}: a string needs its length in registers, such as length = 8")
        if self.type is not RegisterType.STRING and (self.length is not None or self.field is not None):
            raise ValueError(f"{row}: only a string has a length and a field")
        if self.length is not None and not 1 <= self.length <= MOST_REGISTERS:
            raise ValueError(f"{row}: a length lies between 1 and {MOST_REGISTERS} registers, not {self.length}")
        if (self.type is RegisterType.BIT) != (self.bit is not None):
            raise ValueError(f"{row}: type 'bit' and the key bit (0 to 15) go together")
        if self.bit is not None and not 0 <= self.bit <= 15:
            raise ValueError(f"{row}: a register has the bits 0 to 15, not {self.bit}")
        if not 0 <= self.address <= LAST_ADDRESS:
            raise ValueError(f"{row}: an address lies between 0 and {LAST_ADDRESS}, not {self.address}")
        if self.last > LAST_ADDRESS:
            raise ValueError(
                f"{row}: its {self.size} registers from {self.address} end at {self.last}, past {LAST_ADDRESS}"
            )
        return self


class RegisterMap(AdapterConfig):
    """What one model of device holds, and where."""

    manufacturer: str | None = None
    model: str | None = None
    word_order: Order = "big"
    byte_order: Order = "big"
    registers: tuple[Register, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_two_in_one_place(self) -> Self:
        for one, other in clashes(self.registers):
            raise ValueError(
                f"the registers {one.name!r} ({one.table.value} {one.address}–{one.last}) and {other.name!r} "
                f"({other.address}–{other.last}) overlap: mend one address or type"
            )
        names = [row.name for row in self.registers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two registers are called {name!r}: a name stands once in a map")
        return self


def clashes(rows: Sequence[Register]) -> Iterator[tuple[Register, Register]]:
    """Pairs of rows that claim the same register; different bits of one register are none."""
    for table in Table:
        reaching: Register | None = None
        for row in sorted((r for r in rows if r.table is table), key=lambda r: (r.address, r.bit or 0)):
            if reaching is not None and row.address <= reaching.last:
                bits = row.bit is not None and reaching.bit is not None
                if not (bits and row.bit != reaching.bit):
                    yield reaching, row
            if reaching is None or row.last >= reaching.last:
                reaching = row


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRead:
    """One request: `count` registers (or bits) of `table` from `start`, and how its bytes become numbers."""

    table: Table
    start: int
    count: int
    rows: tuple[Register, ...]
    _unpack: struct.Struct | None
    _gather: (
        Callable[[bytes], tuple[int, ...]] | None
    )  # the bytes in the order that `_unpack` wants; None: as they come
    _terms: tuple[tuple[float, float, int], ...] | None  # (scale, offset, mask of a flag) a row; None: all as read

    @property
    def size(self) -> int:
        """Bytes of an answer."""
        return (self.count + 7) // 8 if self.table.of_bits else self.count * 2

    @property
    def place(self) -> str:
        return f"{self.table.value}/{self.start}"

    def numbers(self, data: bytes) -> list[float]:
        """One number a row, unscaled flags and scaled measures alike; NaN and infinities as they came."""
        if self._unpack is None:
            start = self.start
            return [
                float(data[(row.address - start) >> 3] >> ((row.address - start) & 7) & 1) * row.scale + row.offset
                for row in self.rows
            ]
        raw = self._unpack.unpack(data if self._gather is None else bytes(self._gather(data)))
        if self._terms is None:
            return [float(x) for x in raw]
        return [
            (float(x & mask != 0) if mask else x) * scale + offset
            for x, (scale, offset, mask) in zip(raw, self._terms, strict=True)
        ]

    def texts(self, data: bytes) -> list[str]:
        """One text a row, of a read of strings: up to the first NUL, without surrounding blanks."""
        found = []
        for row in self.rows:
            at = (row.address - self.start) * 2
            piece = data[at : at + row.size * 2]
            if row.byte_order == "little":
                piece = b"".join(piece[i : i + 2][::-1] for i in range(0, len(piece), 2))
            found.append(piece.split(b"\0", 1)[0].decode("utf-8", errors="replace").strip())
        return found

    def slice(self, row: Register, data: bytes) -> bytes:
        """The bytes of one register row."""
        at = (row.address - self.start) * 2
        return data[at : at + row.size * 2]


def _mask(row: Register) -> int:
    if row.type is RegisterType.BIT and row.bit is not None:
        return 1 << row.bit
    return 0xFFFF if row.type is RegisterType.BOOL else 0


def joined_reads(
    registers: RegisterMap, *, gap: int = 16, most_registers: int = MOST_REGISTERS, strings: bool = False
) -> tuple[JoinedRead, ...]:
    """The fewest reads that cover the map's numbers (or its strings), joining what lies at most `gap` apart."""
    reads: list[JoinedRead] = []
    for table in Table:
        most = MOST_BITS if table.of_bits else most_registers
        wanted = [
            row.model_copy(
                update={
                    "word_order": row.word_order or registers.word_order,
                    "byte_order": row.byte_order or registers.byte_order,
                }
            )
            for row in registers.registers
            if row.table is table and (row.type is RegisterType.STRING) is strings
        ]
        group: list[Register] = []
        for row in sorted(wanted, key=lambda r: (r.address, r.bit or 0)):
            if group and (row.address - group[-1].last - 1 > gap or row.last - group[0].address >= most):
                reads.append(joined(group))
                group = []
            group.append(row)
        if group:
            reads.append(joined(group))
    return tuple(reads)


def joined(rows: Sequence[Register]) -> JoinedRead:
    """One read of `rows`, which are sorted, of one table, and whose orders are set."""
    table, start = rows[0].table, rows[0].address
    count = rows[-1].last - start + 1
    text = rows[0].type is RegisterType.STRING
    unpack, gather = (None, None) if table.of_bits or text else _compiled(rows, start, count)
    terms = tuple((row.scale, row.offset, _mask(row)) for row in rows)
    return JoinedRead(
        table=table,
        start=start,
        count=count,
        rows=tuple(rows),
        _unpack=unpack,
        _gather=gather,
        _terms=None if all(term == (1.0, 0.0, 0) for term in terms) else terms,
    )


def _compiled(
    rows: Sequence[Register], start: int, count: int
) -> tuple[struct.Struct, Callable[[bytes], tuple[int, ...]] | None]:
    """A struct over the bytes as they come if that can be said, else over a rearrangement of them."""
    shared = any(one.address == other.address for one, other in itertools.pairwise(rows))
    if not shared and all(_as_on_the_wire(row) for row in rows):
        parts, at = [">"], start
        for row in rows:
            parts.append(f"{(row.address - at) * 2}x{_FORMATS[row.type]}")
            at = row.last + 1
        return struct.Struct("".join(parts)), None
    order = [index for row in rows for index in _byte_indexes(row, start)]
    return struct.Struct(">" + "".join(_FORMATS[row.type] for row in rows)), itemgetter(*order)


def _as_on_the_wire(row: Register) -> bool:
    return row.byte_order != "little" and (row.size == 1 or row.word_order != "little")


def _byte_indexes(row: Register, start: int) -> Iterator[int]:
    words = range(row.address - start, row.last - start + 1)
    for word in reversed(words) if row.word_order == "little" else words:
        yield from (2 * word + 1, 2 * word) if row.byte_order == "little" else (2 * word, 2 * word + 1)
