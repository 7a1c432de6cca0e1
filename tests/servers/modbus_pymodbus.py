"""A Modbus server by pymodbus, as a process: 1000 registers of each table, and 1000 bits.

Arguments: port, framing. Its input registers hold their own address; all else is 0 until it is written.
"""

import asyncio
import sys

from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

SIZE = 1000


async def serve(port: int, framing: str) -> None:
    bits = [SimData(0, values=[False] * SIZE, datatype=DataType.BITS)]
    device = SimDevice(
        id=0,  # of any unit
        simdata=(
            bits,
            [SimData(0, values=[i % 2 == 1 for i in range(SIZE)], datatype=DataType.BITS)],
            [SimData(0, values=[0] * SIZE, datatype=DataType.REGISTERS)],
            [SimData(0, values=list(range(SIZE)), datatype=DataType.REGISTERS)],
        ),
    )
    framer = FramerType.RTU if framing == "rtu-over-tcp" else FramerType.SOCKET
    server = ModbusTcpServer(device, framer=framer, address=("127.0.0.1", port))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
