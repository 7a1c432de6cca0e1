"""`memory`: what the hub's own process takes at most while an hour of 300 sensors, each once a second, runs through
it as fast as it goes, and whether it stays flat; the graph engine's process is not counted."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers.process import free_port

ROOT = Path(__file__).parent.parent
SECONDS = int(os.environ.get("BENCH_SECONDS", "3600"))
LIMIT = 250.0  # MB


def quarter(samples: list[tuple[int, float]], number: int) -> float:
    return statistics.median(mb for second, mb in samples if number <= 4 * second / SECONDS <= number + 1)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = (ROOT / "examples/park/park.toml").read_text(encoding="utf-8").partition("[[source]]")[0]
        (folder / "park.toml").write_text(given.replace("port = 8000", f"port = {free_port()}"), encoding="utf-8")
        (folder / "rules.toml").write_bytes((ROOT / "examples/park/rules.toml").read_bytes())
        ran = subprocess.run(
            [sys.executable, "-m", "bench._replay", str(folder / "park.toml"), str(SECONDS)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
    told = json.loads(ran.stdout)
    samples = told["samples"]
    second, last = quarter(samples, 1), quarter(samples, 3)
    print(
        f"{told['readings']} readings, {told['alerts']} alerts' events, at the beginning {samples[0][1]:.0f} MB, "
        f"quarters {', '.join(f'{quarter(samples, n):.0f}' for n in range(4))} MB",
        file=sys.stderr,
    )
    assert told["alerts"] > 0
    for bench, ours, against, theirs in (
        ("memory", told["peak"], "limit 250 MB", LIMIT),
        ("memory-flat", last, "the second quarter's median; the last quarter's is ours", second),
    ):
        line = {"bench": bench, "ours": round(ours, 1), "against": against, "theirs": round(theirs, 1), "unit": "MB"}
        print(json.dumps({**line, "ratio": round(theirs / ours, 3)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
