"""A real mosquitto, with what a test wants of it: accounts, TLS, few in flight; a restart keeps what it holds."""

import getpass
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers.certificates import Certificates
from tests.servers.process import Process, ServerMissing, free_port, wait_for_port


@dataclass(frozen=True, kw_only=True)
class Options:
    """`users` are names with their passwords; without any, everybody may come in."""

    users: Mapping[str, str] = field(default_factory=dict)
    may_read: str | None = None  # the one topic filter that users may read; None: all
    tls: Certificates | None = None
    client_certificates: bool = False
    max_inflight: int = 20
    max_queued: int = 0  # 0: no limit
    persistence: bool = True
    message_size_limit: int = 0


class Mosquitto:
    """Listens on `port` of 127.0.0.1."""

    def __init__(self, folder: Path, program: str, options: Options) -> None:
        self.port = free_port()
        self.options = options
        self._folder, self._program = folder, program
        folder.mkdir(parents=True, exist_ok=True)
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text("\n".join(self._lines()) + "\n", encoding="utf-8")
        self._process = self._launch()

    @classmethod
    def start(cls, folder: Path, options: Options | None = None) -> Self:
        """Raises ServerMissing, saying how to get it."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise ServerMissing("mosquitto is not installed: apt-get install mosquitto")
        return cls(folder, program, options or Options())

    def _lines(self) -> list[str]:
        options = self.options
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {'false' if options.users else 'true'}",
            f"max_inflight_messages {options.max_inflight}",
            f"max_queued_messages {options.max_queued}",
            "log_dest stdout",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "set_tcp_nodelay true",
        ]
        if options.persistence:
            lines += ["persistence true", f"persistence_location {self._folder}/"]
        if options.message_size_limit:
            lines.append(f"message_size_limit {options.message_size_limit}")
        if options.users:
            lines.append(f"password_file {self._passwords(options.users)}")
        if options.may_read is not None:
            rights = self._folder / "acl"
            rights.write_text(f"topic read {options.may_read}\n", encoding="utf-8")
            rights.chmod(0o700)
            lines.append(f"acl_file {rights}")
        if options.tls is not None:
            tls = options.tls
            lines += [f"cafile {tls.authority}", f"certfile {tls.server}", f"keyfile {tls.server_key}"]
            lines.append(f"require_certificate {'true' if options.client_certificates else 'false'}")
        return [*lines, f"user {_user()}"]

    def _passwords(self, users: Mapping[str, str]) -> Path:
        file = self._folder / "passwords"
        file.write_text("".join(f"{name}:{password}\n" for name, password in users.items()), encoding="utf-8")
        subprocess.run(["mosquitto_passwd", "-U", str(file)], check=True, capture_output=True)
        file.chmod(0o700)
        return file

    def _launch(self) -> Process:
        process = Process([self._program, "-c", str(self._configuration)], self._folder, name="mosquitto")
        wait_for_port(self.port, process)
        return process

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """What its sessions hold is written to the folder."""
        self._process.stop(signal.SIGTERM)

    def restart(self) -> None:
        """On the same port, with its sessions."""
        self._process.stop(signal.SIGTERM)
        self._process = self._launch()


def _user() -> str:
    """Whoever runs the tests: mosquitto as root gives its rights away, and could not read its folder then."""
    return getpass.getuser()
