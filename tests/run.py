"""`make test`: runs pytest, then says loudly what could not run; in CI a skip that is not allowed is a failure."""

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ALLOWED = HERE / "allowed_skips.txt"


def allowed() -> dict[str, str]:
    """Each allowed skip's test (a prefix of its node id) with its reason."""
    lines = [line.partition("#") for line in ALLOWED.read_text(encoding="utf-8").splitlines()]
    return {test.strip(): reason.strip() for test, _, reason in lines if test.strip()}


class Skips:
    """Collects what was skipped and why."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.seen[report.nodeid] = reason.removeprefix("Skipped: ")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.seen[report.nodeid] = str(report.longrepr)


def main(arguments: list[str]) -> int:
    soak = "--soak" in arguments
    names = [a for a in arguments if not a.startswith("--")]
    skips = Skips()
    chosen = [str(HERE / name) for name in names] or [str(HERE)]
    marker = "soak" if soak else "not soak"
    # One more at a time than there are cores, file by file: much of it is waiting for servers. The soak is measured, so
    # nothing runs beside it.
    several = ["-n", str(min((os.cpu_count() or 1) + 1, 4)), "--dist", "loadfile", "--no-loadscope-reorder"]
    workers = [] if soak or (os.cpu_count() or 1) < 2 else several
    status = int(pytest.main([*chosen, "-q", "-m", marker, "--durations=10", *workers], plugins=[skips]))
    if skips.seen:
        print(f"\nNot run here: {len(skips.seen)} tests, because something optional is missing:")
        for reason in sorted(set(skips.seen.values())):
            count = sum(1 for r in skips.seen.values() if r == reason)
            print(f"  {count:3} × {reason}")
    if os.environ.get("CI") == "true":
        known = allowed()
        surprising = [t for t in skips.seen if not any(t.startswith(prefix) for prefix in known)]
        for test in surprising:
            print(f"skipped in CI and not listed in tests/allowed_skips.txt: {test}: {skips.seen[test]}")
        if surprising and status == 0:
            return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
