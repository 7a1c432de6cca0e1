"""A disk that is really full: the kernel refuses the journal's writes, until there is room again."""

import resource
import subprocess
import sys
from pathlib import Path

from adapters.contract import HealthState
from tests.ingest.scripted import Script, journal, running, spec_of, until, values

ROOT = Path(__file__).resolve().parents[2]


async def play(folder: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    script = Script()
    async with journal(folder) as log:
        async with running(log, spec_of(script)) as supervisor:
            script.say("a 20")
            await until(lambda: script.acknowledged, "the first")
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
            script.say(*(f"a {n}" for n in range(30, 60)))
            await until(lambda: "disk" in supervisor.statuses()[0].text, "health says so")
            assert supervisor.statuses()[0].state is HealthState.DEGRADED
            assert len(script.acknowledged) == 1
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            await until(lambda: len(script.acknowledged) == 31, "all acknowledged")
        assert sorted(await values(log)) == [20.0, *map(float, range(30, 60))]
    sys.stdout.write("kept\n")


def test_nothing_is_acknowledged_on_a_full_disk_and_nothing_is_lost(tmp_path: Path) -> None:
    code = "import asyncio, pathlib, sys; from tests.ingest.test_full_disk import play"
    code += "; asyncio.run(play(pathlib.Path(sys.argv[1])))"
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    child = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert child.stdout == "kept\n", child.stderr[-2000:]
