"""`make conformance`: each suite against a real hub. Prints what failed, and a line `name passed/total` a suite.

A suite is a module of this folder with `checks(folder)`: it yields a `Check` for each thing that it tried, and may use
the empty folder. Its name is the module's, with `-` for `_`. Raises Missing where it cannot run here.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from tests.conformance.check import Check, Missing

HERE = Path(__file__).parent
_NO_SUITES = ("check", "run")


def suites() -> dict[str, str]:
    """Name → module, in the order of the names."""
    modules = sorted(path.stem for path in HERE.glob("*.py"))
    return {
        module.replace("_", "-"): f"tests.conformance.{module}"
        for module in modules
        if module not in _NO_SUITES and not module.startswith("test_")
    }


def main(arguments: list[str]) -> int:
    warnings.simplefilter("ignore")  # of the libraries that the tests lean on
    known = suites()
    for name in arguments:
        if name not in known:
            raise SystemExit(f"no suite is named {name!r}: there are {', '.join(known)}")
    told = [_run(name, import_module(known[name]).checks) for name in arguments or known]
    return 0 if all(told) else 1


def _run(name: str, checks: Callable[[Path], Iterator[Check]]) -> bool:
    """True where all of it passed, and there was something."""
    passed = total = 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            for check in checks(Path(folder)):
                total += 1
                passed += check.wrong is None
                if check.wrong is not None:
                    print(f"  FAILED  {check.name}: {check.wrong}", flush=True)
        except Missing as error:
            print(f"  MISSING {name} cannot run here: {error}", flush=True)
    print(f"{name} {passed}/{total}", flush=True)
    return passed == total > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
