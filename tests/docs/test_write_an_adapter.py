"""docs/write-an-adapter.md does what it says: its blocks, run as they stand, end with a reading of the new adapter.

pytestmark = pytest.mark.long

Not from the page: where the hub's environment is (no package is fetched here) and which ports are free.
"""

import asyncio
import importlib.util
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from adapters.contract import CertificateRefused, Source
from tests.docs.pages import DOCS, ROOT, as_script, blocks
from tests.servers.certificates import Certificates
from tests.servers.process import free_port

PAGE = DOCS / "write-an-adapter.md"
SECONDS = 120


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment into which the page may install: it sees the hub's packages and leaves them alone."""
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    [packages] = place.glob("lib/python*/site-packages")
    outer = [path for path in sys.path if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({path!r})" for path in outer]
    (packages / "hub.pth").write_text("\n".join([*lines, str(ROOT)]) + "\n", encoding="utf-8")
    command = place / "bin" / "causeway"
    command.write_text(f'#!/bin/sh\nexec "{place}/bin/python" -m hub.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CAUSEWAY", "NEO4J"))}
    return {**kept, "PATH": f"{place}/bin:{os.environ['PATH']}", "PIP_NO_INDEX": "1", "PYTHONUNBUFFERED": "1"}


@pytest.mark.timeout(SECONDS + 60)
def test_the_page_ends_with_a_reading_in_the_graph(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("arcadedb_embedded")
    first, *steps = as_script(PAGE)
    assert "make env" in first, "the page no longer begins with the environment, which this test brings along"
    text = "\n".join(steps)
    for port in ("8123", "9105"):
        text = text.replace(port, str(free_port()))
    script = tmp_path / "steps.sh"
    script.write_text(f"set -m\nset -euo pipefail\n{text}\necho the page is at its end\n", encoding="utf-8")
    with (tmp_path / "output").open("wb") as out:
        ran = subprocess.Popen(
            ["bash", script],
            cwd=tmp_path,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = ran.wait(SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_session(ran.pid)
    output = (tmp_path / "output").read_text(encoding="utf-8", errors="replace")
    log = tmp_path / "causeway-prometheus" / "hub.log"
    if code != 0 and log.exists():
        output += "\nthe hub's log:\n" + log.read_text(encoding="utf-8", errors="replace")
    assert code == 0 and "the page is at its end" in output, output[-6000:]
    assert "refuses user 'causeway'" in output, "the wrong password was not blamed"
    assert output.count(" passed") == 2 and " failed" not in output, output
    answer = json.loads((tmp_path / "causeway-prometheus" / "answer.json").read_text(encoding="utf-8"))
    [probe] = answer["data"]["assets"]["nodes"]
    latest = {reading["quantity"]: reading for reading in probe["sensor"]["latest"]}
    assert probe["place"] == {"name": "Loading bay"}
    assert (latest["humidity"]["value"], latest["humidity"]["unit"]) == (pytest.approx(48.0), "%")
    assert 22.4 < latest["temperature"]["value"] < 24.6
    assert not latest["temperature"]["stale"]


def end_session(leader: int) -> None:
    """Ends what the page's shell started and, where it broke off, left behind: all of its own session."""
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if fields and fields[3] == str(leader):
            os.kill(int(entry.name), signal.SIGTERM)


@pytest.fixture
def adapter(tmp_path: Path) -> ModuleType:
    """The page's adapter as a module."""
    [block] = [block for block in blocks(PAGE) if block.file == "causeway_prometheus/adapter.py"]
    file = tmp_path / "adapter_of_the_page.py"
    file.write_text(block.text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # pydantic looks the annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """A server whose certificate no machine's authorities know."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    certificates = Certificates.make(tmp_path / "tls", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server, certificates.server_key)
    server = HTTPServer(("127.0.0.1", 0), Empty)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_pages_adapter_blames_a_certificate(adapter: ModuleType, tls_port: int, tmp_path: Path) -> None:
    def checked(**more: object) -> str:
        metrics = [{"name": "m", "quantity": "q", "unit": "1"}]
        url = f"https://127.0.0.1:{tls_port}/metrics"
        config = adapter.PrometheusConfig.model_validate({"url": url, "metrics": metrics, **more})

        async def check() -> str:
            async with adapter.ADAPTER.factory(Source(id="s"), config) as entered:
                return str((await entered.check()).text)

        return asyncio.run(check())

    with pytest.raises(CertificateRefused, match="ca_file"):
        checked()
    assert "has no m" in checked(ca_file=str(tmp_path / "tls" / "authority.pem"))


def test_the_pages_code_is_formatted_and_typed(tmp_path: Path) -> None:
    """What a newcomer copies passes what the repository asks of its own adapters."""
    for block in blocks(PAGE, "python"):
        assert block.file is not None, f"{block}: name the file above the block"
        file = tmp_path / block.file
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
    (tmp_path / "causeway_prometheus" / "__init__.py").touch()
    config = str(ROOT / "pyproject.toml")
    for arguments in (
        ["ruff", "format", "--check", "--config", config, "."],
        ["mypy", "--strict", "--config-file", os.devnull, "--cache-dir", os.devnull, "-p", "causeway_prometheus"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, "MYPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
