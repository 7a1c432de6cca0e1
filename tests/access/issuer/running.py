"""A hub in a process of its own, with its issuer, one person and two clients."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from hub.cli.commands import app
from tests.access.issuer.park import PASSWORD
from tests.servers.process import Process, free_port, wait_for_port

ROOT = str(Path(__file__).resolve().parents[3])
PARK = """
[park]
name = "Test park"

[web]
port = {port}

[accounts]
url = "http://127.0.0.1:{port}"
access_life = "66s"  # so that the explorer, a minute before its end, renews a token soon
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """`back` is where the explorer is returned to, of another origin; `secret` is the department's."""

    url: str
    back: str
    secret: str
    folder: Path


def write_park(folder: Path) -> int:
    """Its port."""
    port = free_port()
    (folder / "park.toml").write_text(PARK.format(port=port), encoding="utf-8")
    return port


def hub_process(folder: Path) -> Process:
    kept = {k: v for k, v in os.environ.items() if k != "NEO4J_URI"} | {"PYTHONPATH": ROOT}
    return Process(
        [sys.executable, "-m", "hub.cli", "serve", "-c", str(folder / "park.toml")], folder, name="hub", env=kept
    )


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    port = write_park(folder)
    secret, back = "", f"http://localhost:{port}/back"  # another origin; that the hub has no such page is no matter
    for arguments in (
        ["users", "add", "lin", "--role", "administrator", "--password-file", "-"],
        [
            "clients",
            "add",
            "explorer",
            "--redirect",
            back,
            "--redirect",
            f"http://127.0.0.1:{port}/",
            "--scope",
            "purpose:operations",
            *_grants("code", "refresh", "device"),
        ],
        ["clients", "add", "department", "--confidential", "--scope", "purpose:operations", "--role", "administrator"],
    ):
        done = CliRunner().invoke(app, [*arguments, "-c", str(folder / "park.toml"), "--json"], input=f"{PASSWORD}\n")
        assert done.exit_code == 0, done.exception
        secret = json.loads(done.stdout.splitlines()[-1])["result"].get("secret", secret)
    hub = hub_process(folder)
    try:
        wait_for_port(port, hub)
        yield Running(url=f"http://127.0.0.1:{port}", back=back, secret=secret, folder=folder)
    finally:
        hub.stop()


def _grants(*names: str) -> list[str]:
    return [word for name in names for word in ("--grant", name)]
