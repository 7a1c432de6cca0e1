"""`make bench`: runs every figure, or the one that NAME names; each prints JSON lines."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
    unknown = [n for n in names if n not in known]
    if unknown:
        print(f"no bench called {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    status = 0
    for name in names or known:
        status |= subprocess.call([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
