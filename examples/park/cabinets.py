"""A Modbus TCP server of distribution cabinets, one unit each, that the demo runs as a process of its own.

Input registers 0–3: cable temperature (0.1 °C), residual current (mA), voltage (0.1 V), current (0.1 A). Holding
registers 0–3 are where each of them tends to: writing one there is how the demo makes a cabinet grow hot.
"""

import argparse
import asyncio
import math
import random
import time
from functools import partial

from pymodbus.constants import ExcCodes
from pymodbus.server import StartAsyncTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

READ_INPUTS = 4
SWING = (6, 3, 15, 20)  # how far each value drifts about its target, in register steps


async def _live(
    targets: list[int],
    phase: float,
    function_code: int,
    start: int,
    address: int,
    count: int,
    registers: list[int],
    written: list[int] | list[bool] | None,
) -> ExcCodes | None:
    """What a read finds: the targets with a slow drift; a write moves the targets."""
    if written is not None:
        for offset, value in enumerate(written):
            targets[address + offset] = int(value)
    elif function_code == READ_INPUTS:
        turn = time.time() / 20 + phase
        for number in range(address, address + count):
            registers[number - start] = max(0, round(targets[number] + SWING[number] * math.sin(turn + number)))
    return None


def cabinet(unit: int, chance: random.Random) -> SimDevice:
    targets = [chance.randint(280, 420), chance.randint(20, 90), chance.randint(2170, 2260), chance.randint(100, 900)]
    block = partial(SimData, address=0, datatype=DataType.REGISTERS)
    bits = [SimData(address=0, count=16, values=False, datatype=DataType.BITS)]
    return SimDevice(
        id=unit,
        simdata=(bits, bits, [block(values=list(targets))], [block(values=list(targets))]),
        action=partial(_live, targets, chance.random() * 6.28),
    )


async def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--units", type=int, default=120)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    chance = random.Random(given.seed)
    devices = [cabinet(unit, chance) for unit in range(1, given.units + 1)]
    await StartAsyncTcpServer(devices, address=("127.0.0.1", given.port))


if __name__ == "__main__":
    asyncio.run(main())
