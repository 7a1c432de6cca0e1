"""A door on loopback before a real server: shut it, and the peer is gone; let nothing through, and it hangs."""

import contextlib
import socket
import threading
from typing import Self

from tests.servers.process import free_port


class Gate:
    """Copies bytes both ways between its own `port` and the server's."""

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._to = server_port
        self._listener: socket.socket | None = None
        self._lines: list[socket.socket] = []
        self._through = threading.Event()
        self._through.set()

    @classmethod
    def before(cls, server_port: int) -> Self:
        gate = cls(server_port)
        gate.open()
        return gate

    def leads_to(self, server_port: int) -> None:
        """For a server that knows its port later than its clients must know the gate's."""
        self._to = server_port

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Connections break, and new ones are refused."""
        if self._listener is not None:
            _end(self._listener)
            self._listener = None
        for line in self._lines:
            _end(line)
        self._lines.clear()

    def hang(self) -> None:
        """Connections stay, and nothing comes through any more."""
        self._through.clear()

    def let_through(self) -> None:
        self._through.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self._lines += [near, far]
            for start, end in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(start, end), daemon=True).start()

    def _copy(self, start: socket.socket, end: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := start.recv(65536):
                self._through.wait()
                end.sendall(data)
        _end(start)
        _end(end)


def _end(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
