"""One connection to one Modbus device or gateway, closed as soon as its answers cannot be trusted."""

import asyncio
from collections.abc import Mapping

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from adapters.iot.registers import JoinedRead, Table

GRACE = 0.2
"""Seconds that a poll gives a connection which failed before; opening goes on behind it."""


class LineDown(Exception):
    """No connection, or no answer in time. Says what to do."""


class DeviceError(Exception):
    """The device answers that it cannot: an exception code, or bytes that do not fit the question. Says what to do."""


class _Answer(ModbusPDU):
    """A read's answer as the bytes that came; pymodbus' own makes a list of numbers of them, one by one."""

    rtu_byte_count_pos = 2
    payload = b""

    def decode(self, data: bytes) -> None:
        self.payload = data[1:]
        if not data or data[0] != len(self.payload):
            raise ModbusIOException("the answer's byte count is not its length")

    def __str__(self) -> str:  # pymodbus formats it for its debug log even where that is off
        return "answer"


class _Coils(_Answer):
    function_code = 1


class _DiscreteInputs(_Answer):
    function_code = 2


class _HoldingRegisters(_Answer):
    function_code = 3


class _InputRegisters(_Answer):
    function_code = 4


_ANSWERS = (_Coils, _DiscreteInputs, _HoldingRegisters, _InputRegisters)

_REQUESTS: Mapping[Table, type[ModbusPDU]] = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE_INPUT: ReadDiscreteInputsRequest,
    Table.HOLDING_REGISTER: ReadHoldingRegistersRequest,
    Table.INPUT_REGISTER: ReadInputRegistersRequest,
}

_MEANINGS = {  # Modbus Application Protocol 1.1b3, 7
    1: "it does not know this function: the table is another one, or the unit is not a Modbus device",
    2: "it has no such address: compare the map with the manual (40001 there is mostly address 0 here), "
    "or lower join_gap if registers between are not there",
    3: "it refuses the number of registers: lower max_registers",
    4: "it failed while reading: look at the device",
    5: "it needs longer than a poll: poll it less often",
    6: "it is busy: poll it less often",
    8: "its memory has a parity error: look at the device",
    10: "the gateway has no path to the unit: look at the gateway's configuration and the unit number",
    11: "the unit behind the gateway does not answer: look at its power, its wiring and the unit number",
}


class Line:
    """Holds at most one connection. `read` may be called for one unit after the other, never for two at once."""

    def __init__(self, host: str, port: int, framing: str, timeout_seconds: float) -> None:
        self.address = f"{host}:{port}"
        self._timeout = timeout_seconds
        self._host, self._port = host, port
        self._framer = FramerType.RTU if framing == "rtu-over-tcp" else FramerType.SOCKET
        self._client: AsyncModbusTcpClient | None = None
        self._opening: asyncio.Task[bool] | None = None
        self._failed = False  # the last attempt to open or to read

    @property
    def is_open(self) -> bool:
        return self._client is not None and self._client.connected

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        """Raises LineDown. After a failure the attempt runs on in `tasks`, so that a poll never waits long for it."""
        if self.is_open:
            return
        if self._opening is None:
            self._opening = tasks.create_task(self._connect())
        done, _ = await asyncio.wait({self._opening}, timeout=GRACE if self._failed else None)
        if done:
            self._opening = None
        if not self.is_open:
            self._failed = True
            raise LineDown(
                f"nobody answers at {self.address}: is the device on, reachable from here, and the port right?"
            )

    async def _connect(self) -> bool:
        client = AsyncModbusTcpClient(
            self._host, port=self._port, framer=self._framer, timeout=self._timeout, retries=0, reconnect_delay=0
        )
        for answer in _ANSWERS:
            client.register(answer)
        try:
            opened = await client.connect()
        except (ModbusException, OSError, ValueError):  # ValueError: a host that is no name
            opened = False
        if opened:
            self._client = client
        return opened

    async def read(self, request: ModbusPDU, size: int) -> bytes:
        """The answer's bytes. Raises LineDown (the connection is closed then, since a late answer would be taken
        for the next one's) and DeviceError."""
        client = self._client
        if client is None or not client.connected:
            raise LineDown(f"the connection to {self.address} was lost")
        try:
            answer = await client.execute(False, request)
        except (ModbusException, OSError) as error:
            self._drop()
            raise LineDown(
                f"{self.address} took the connection and gave no answer in {self._timeout:g} s: "
                "compare the unit number and the framing"
            ) from error
        except asyncio.CancelledError:
            self._drop()
            raise
        self._failed = False
        if answer.isError():
            code = answer.exception_code
            raise DeviceError(_MEANINGS.get(code, f"it answers with the exception {code}: see its manual"))
        payload = answer.payload if isinstance(answer, _Answer) else b""
        if len(payload) != size:
            raise DeviceError(f"it answered {len(payload)} bytes where {size} were asked for: look at the framing")
        return payload

    def _drop(self) -> None:
        self._failed = True
        if self._client is not None:
            self._client.close()
            self._client = None

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening})
            self._opening = None
        if self._client is not None:
            self._client.close()
            self._client = None


def request_for(read: JoinedRead, unit: int) -> ModbusPDU:
    """The request of a read; it can be sent again and again."""
    return _REQUESTS[read.table](address=read.start, count=read.count, dev_id=unit)
