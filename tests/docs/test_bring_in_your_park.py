"""docs/bring-in-your-park.md, in both languages, does what it says: its blocks are run as they stand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, as_script

pytestmark = pytest.mark.long


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ["bring-in-your-park.md", "bring-in-your-park.zh.md"])
def test_the_page_brings_in_a_park(page: str, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "causeway"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hub.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    assert shutil.which("bash")
    script = tmp_path / "steps.sh"
    script.write_text("set -euo pipefail\n" + "\n".join(as_script(DOCS / page)), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAUSEWAY", "NEO4J"))}
    environment = {**kept, "PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["bash", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=290, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    assert "REJECTED" not in ran.stdout
    assert ran.stdout.count("stored: ") == 18
    assert ran.stdout.count("stored: 0") == 5  # the folder's tables, which were in already
