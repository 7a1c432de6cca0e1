"""Reads a second from 900 Modbus connections to the journal's commit, against pymodbus that reads and converts.

One pymodbus server process; each connection reads 20 registers, ten float32; all at once, 10 sweeps. Before each
sweep the values change by more than the deadband; that is not part of the time. Ours is the hub's supervisor, intake
and journal (SQLite, synchronous FULL), from a sweep's beginning to the acknowledgement of its last batch.
"""

import asyncio
import contextlib
import dataclasses
import resource
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self, cast

from pymodbus.client import AsyncModbusTcpClient

from adapters.contract import Adapter, Batch, Reading
from adapters.iot.modbus import ADAPTER
from adapters.iot.modbus_config import ModbusConfig
from bench._sides import Ingest, journal, settle, told
from hub.units import Quantity
from tests.servers.modbus import ModbusServer

CONNECTIONS, VALUES, SWEEPS, ROUNDS = 900, 10, 10, 3
READINGS = CONNECTIONS * VALUES
QUANTITIES = {f"q{i}": Quantity(name=f"q{i}", unit="A", deadband=0.2) for i in range(VALUES)}


def change(server: ModbusServer, sweep: int) -> float:
    """Sets the registers; returns the sum of what all connections read of them."""
    values = [float(100 * sweep + i) for i in range(VALUES)]
    words = struct.unpack(f">{2 * VALUES}H", struct.pack(f">{VALUES}f", *values))
    server.set_registers(0, words)
    return sum(values) * CONNECTIONS


async def theirs(server: ModbusServer, first: int) -> tuple[float, float]:
    """Seconds of the sweeps, and the sum of the values."""
    clients = [AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.connect() for client in clients))
    took = total = 0.0

    async def one(client: AsyncModbusTcpClient) -> float:
        answer = await client.read_holding_registers(0, count=2 * VALUES, device_id=1)
        found = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
        assert isinstance(found, list)
        return float(sum(found))

    for sweep in range(SWEEPS):
        await asyncio.to_thread(change, server, first + sweep)
        began = time.perf_counter()
        total += sum(await asyncio.gather(*(one(client) for client in clients)))
        took += time.perf_counter() - began
    for client in clients:
        client.close()
    return took, total


async def ours(server: ModbusServer, first: int, folder: Path) -> tuple[float, float]:
    config = ModbusConfig.model_validate(
        {
            "devices": [
                {"name": f"d{i}", "host": "127.0.0.1", "port": server.port, "map": "m"} for i in range(CONNECTIONS)
            ],
            "maps": {
                "m": {
                    "registers": [
                        {"name": f"q{i}", "address": 2 * i, "type": "float32", "unit": "A"} for i in range(VALUES)
                    ]
                }
            },
            "connection_per": "device",
        }
    )
    sweeps = Sweeps(server, first)
    definition = dataclasses.replace(ADAPTER, factory=lambda source, given: sweeps.over(ADAPTER.factory(source, given)))
    async with journal(folder) as log:
        ingest = Ingest(log, definition, config, QUANTITIES)
        async with ingest.run():
            await ingest.until(SWEEPS * READINGS)
        return sum(sweeps.took), sweeps.total


class Sweeps:
    """Stands before the adapter: changes the values before each sweep, and takes the time from there to the last
    batch's acknowledgement."""

    def __init__(self, server: ModbusServer, first: int) -> None:
        self._server = server
        self._first = first
        self._adapter: Any = None
        self.took: list[float] = []
        self.total = 0.0

    def over(self, adapter: Adapter) -> Adapter:
        self._adapter = adapter
        return cast("Adapter", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def __aenter__(self) -> Self:
        await self._adapter.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._adapter.__aexit__(*error)

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        number = len(self.took)
        if number == SWEEPS:
            return
        await asyncio.to_thread(change, self._server, self._first + number)
        began = time.perf_counter()
        self.took.append(0.0)

        async def acknowledged() -> None:
            self.took[number] = time.perf_counter() - began

        async with contextlib.aclosing(self._adapter.read(cursor)) as batches:
            async for batch in batches:
                self.total += sum(r.value for r in batch.records if isinstance(r, Reading))
                yield dataclasses.replace(batch, ack=acknowledged)


def main() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192) if hard > 0 else 8192, hard))
    our_rates, their_rates = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = ModbusServer.pymodbus(folder / "server")
        try:
            sweeps = 0
            for number in range(ROUNDS):
                results = {}
                for side in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
                    settle(spared=True)
                    first, sweeps = sweeps, sweeps + SWEEPS
                    work = ours(server, first, folder / f"journal{number}") if side == "ours" else theirs(server, first)
                    results[side], total = asyncio.run(work)
                    wanted = sum((100.0 * (first + s) * VALUES + 45) * CONNECTIONS for s in range(SWEEPS))
                    assert total == wanted, f"{side} read {total}, not {wanted}"
                our_rates.append(SWEEPS * CONNECTIONS / results["ours"])
                their_rates.append(SWEEPS * CONNECTIONS / results["theirs"])
                print(f"round {number}: {our_rates[-1]:.0f} {their_rates[-1]:.0f}", file=sys.stderr)
        finally:
            server.stop()
    told("modbus", "pymodbus", our_rates, their_rates, "reads/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
