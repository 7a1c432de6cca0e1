"""A real OpenSSH server of the tests' own, for SFTP: its own port, host key and authorized key."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from tests.servers.process import Process, ServerMissing, free_port, wait_for_port

_HOW_TO_GET_IT = "OpenSSH's server is not installed: `apt-get install openssh-server` (Debian)"
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
Subsystem sftp internal-sftp
"""


class Sshd:
    """`host_key` is its public key; the user's private keys are `key` and, refused, `other_key`."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.user = getpass.getuser()
        self.key, self.other_key = folder / "client_key", folder / "other_key"
        self.host_key = " ".join((folder / "host_key.pub").read_text().split()[:2])
        self._command = [program, "-D", "-e", "-f", str(folder / "config")]
        self._process = self._started()

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Raises ServerMissing."""
        program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
        keygen = shutil.which("ssh-keygen")
        if program is None or keygen is None:
            raise ServerMissing(_HOW_TO_GET_IT)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where the server, as root, gives up its rights
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        for name in ("host_key", "client_key", "other_key"):
            command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True, capture_output=True)
        (folder / "config").write_text(_CONFIG.format(port=port, folder=folder))
        return cls(program, folder, port)

    def _started(self) -> Process:
        process = Process(self._command, self.folder, name="sshd")
        wait_for_port(self.port, process)
        return process

    def stop(self) -> None:
        self._process.stop()

    def restart(self) -> None:
        self._process = self._started()
