"""Real Modbus servers as processes: pymodbus' and, of another make, modbus-serial's on Node."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

from tests.servers.process import Process, ServerMissing, free_port, wait_for_port

HERE = Path(__file__).parent


class ModbusServer:
    """A server whose registers a test sets over the protocol itself, as raw 16-bit words."""

    def __init__(self, command: Sequence[str], folder: Path, framing: str) -> None:
        self.port = free_port()
        self.framing = framing
        self._command, self._folder = list(command), folder
        self._process = self._launch()

    @classmethod
    def pymodbus(cls, folder: Path, framing: str = "tcp") -> Self:
        return cls([sys.executable, str(HERE / "modbus_pymodbus.py")], folder, framing)

    @classmethod
    def modbus_serial(cls, folder: Path, framing: str = "tcp") -> Self:
        """Raises ServerMissing, saying how to get it."""
        node = shutil.which("node")
        script = HERE / "modbus_serial" / "server.js"
        if node is None:
            raise ServerMissing("modbus-serial needs Node: install nodejs and npm, then run tests/servers/prepare")
        if not (script.parent / "node_modules" / "modbus-serial").is_dir():
            raise ServerMissing("modbus-serial is not installed: run tests/servers/prepare")
        return cls([node, str(script)], folder, framing)

    def _launch(self) -> Process:
        process = Process([*self._command, str(self.port), self.framing], self._folder, name="modbus")
        wait_for_port(self.port, process)
        return process

    def set_registers(self, address: int, words: Sequence[int]) -> None:
        """Holding registers from `address` on; modbus-serial's server shows them as input registers too."""
        with self._client() as client:
            for at in range(0, len(words), 100):
                answer = client.write_registers(address + at, list(words[at : at + 100]))
                assert not answer.isError(), answer

    def registers(self, address: int, count: int) -> list[int]:
        """Holding registers as they are."""
        with self._client() as client:
            answer = client.read_holding_registers(address, count=count)
            assert not answer.isError(), answer
            return list(answer.registers)

    def set_bits(self, address: int, bits: Sequence[bool]) -> None:
        with self._client() as client:
            answer = client.write_coils(address, list(bits))
            assert not answer.isError(), answer

    def _client(self) -> ModbusTcpClient:
        framer = FramerType.RTU if self.framing == "rtu-over-tcp" else FramerType.SOCKET
        return ModbusTcpClient("127.0.0.1", port=self.port, framer=framer)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.stop()

    def restart(self) -> None:
        """On the same port; its registers are as they were at the first start."""
        self._process.stop()
        self._process = self._launch()
