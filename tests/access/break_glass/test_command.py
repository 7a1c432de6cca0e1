"""`causeway break-glass` beside a running hub: a code of an envelope opens what nobody can log in for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers.process import Process, free_port, wait_for_port

PARK = """
[park]
name = "Test park"

[web]
port = {port}

[accounts]
url = "http://127.0.0.1:{port}"
"""
ROOT = str(Path(__file__).resolve().parents[3])
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "NEO4J_URI"} | {"COLUMNS": "200", "PYTHONPATH": ROOT}
QUERY = "{ breakGlasses { subject sealed reason caseNumber endedAt } }"
REASON = "认证服务中断，三楼起火需联系值班人员"


def causeway(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", "break-glass", *arguments, "--json"],
        cwd=folder, env=ENVIRONMENT, input=typed, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])["result"]  # type: ignore[no-any-return]


def ask(port: int, token: str) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{port}/graphql", json={"query": QUERY}, headers={"authorization": f"Bearer {token}"}
    )


@pytest.mark.timeout(240)
def test_a_code_is_used_once_and_its_token_ends(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "park.toml").write_text(PARK.format(port=port), encoding="utf-8")
    away = causeway(tmp_path, "codes", "--count", "1")
    assert (away.returncode, "running hub" in away.stderr + away.stdout) == (1, True)
    hub = Process([sys.executable, "-m", "hub.cli", "serve"], tmp_path, name="hub", env=ENVIRONMENT)
    try:
        wait_for_port(port, hub, seconds=90)
        rows = result(causeway(tmp_path, "codes", "--count", "2"))["rows"]
        code = rows[0]["code"]
        opening = ("open", "--reason", REASON, "--case", "119-0042", "--minutes", "1")
        wrong = causeway(tmp_path, *opening, typed="01-AAAAA-AAAAA-AAAAA-AAAAA\n")
        assert (wrong.returncode, "wrong, used or void" in wrong.stderr + wrong.stdout) == (1, True)
        opened = causeway(tmp_path, *opening, typed=f"{code}\n")
        token = result(opened)["token"]
        assert code not in opened.stdout + opened.stderr
        (told,) = ask(port, token).json()["data"]["breakGlasses"]
        assert told == {
            "subject": "sealed-01", "sealed": True, "reason": REASON, "caseNumber": "119-0042", "endedAt": None,
        }  # fmt: skip
        assert ask(port, token + "x").status_code == 401
        assert causeway(tmp_path, *opening, typed=f"{code}\n").returncode == 1
    finally:
        hub.stop()
    for done in (away, wrong):
        assert "Traceback" not in done.stderr
