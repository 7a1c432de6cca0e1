"""How a journal ends: a proper close writes what waits, and a process that forgot to close it ends all the same."""

import asyncio
import subprocess
import sys
from pathlib import Path

from hub.journal.records import Draft
from tests.journal.conftest import START, Journals
from tests.journal.test_appending import sensor

FORGETFUL = """
import asyncio, pathlib, sys
from hub.journal.log import Journal, JournalConfig

async def main():
    journal = await Journal.open(JournalConfig(url="sqlite", folder=pathlib.Path(sys.argv[1])))
    await journal.series("s", [("a", "temperature", "Cel")])
    await journal.all_series()
    raise ZeroDivisionError("a test that fails")

asyncio.run(main())
"""


def test_a_process_that_fails_without_closing_it_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORGETFUL, str(tmp_path / "state")]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert b"a test that fails" in ended.stderr


def test_a_proper_close_writes_what_waits(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            drafts = [Draft(source="s", received_at=START, claims=[sensor(f"s{n}")]) for n in range(100)]
            waiting = [asyncio.create_task(journal.append(draft)) for draft in drafts]
            await asyncio.sleep(0)
            await journal.close()
            assert all([(await task).entities for task in waiting])
        async with journals.open() as journal:
            assert len(await journal.live_claims("s")) == 100

    asyncio.run(main())
