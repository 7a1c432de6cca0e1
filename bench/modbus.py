"""Reads a second from 900 Modbus connections to the journal's commit, against pymodbus that reads and converts.

One pymodbus server process; each connection reads 20 registers, ten float32; all at once, 10 sweeps. Before each
sweep the values change by more than the deadband; that is not part of the time.
"""

import asyncio
import contextlib
import resource
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from adapters.contract import Batch, Reading, Source
from adapters.iot.modbus import ADAPTER
from adapters.iot.modbus_config import ModbusConfig
from bench._sides import journal, settle, spec, store_until, told
from hub.clock import now
from hub.ingest.intake import Intake
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
    adapter = ADAPTER.factory(Source(id="bench"), config)
    source = spec(ADAPTER, config, "bench")
    took = total = 0.0
    async with journal(folder) as log, adapter:
        await adapter.check()  # opens the connections, as the peer's are open
        claims = [claim async for claim in adapter.discover()]
        intake = Intake(log, QUANTITIES)
        for accepted in await intake.snapshot(source, claims, now()):
            await log.append(accepted.draft)

        async def sweep_once() -> AsyncIterator[Batch]:
            nonlocal total
            async with contextlib.aclosing(adapter.read(None)) as batches:
                async for batch in batches:
                    total += sum(r.value for r in batch.records if isinstance(r, Reading))
                    yield batch

        for sweep in range(SWEEPS):
            await asyncio.to_thread(change, server, first + sweep)
            began = time.perf_counter()
            await store_until(log, intake, source, sweep_once(), lambda stored: stored >= READINGS)
            took += time.perf_counter() - began
    return took, total


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
                    settle(side == "ours")
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
