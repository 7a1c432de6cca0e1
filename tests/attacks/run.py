"""`make attacks`: a real hub is attacked in every way of `tests/attacks/on_*.py`. Fails if one gets through, or if
what is right is refused. Prints how each was refused, and `attacks refused/total`."""

import sys
import tempfile
import warnings
from pathlib import Path

from tests.attacks.every import every
from tests.attacks.park import attacked


def main() -> None:
    warnings.simplefilter("ignore")  # of the libraries that the tests lean on
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [attempt for attempt in every() if wanted in attempt.name]
    if not chosen:
        raise SystemExit(f"no attack's name holds {wanted!r}")
    through: list[str] = []
    with tempfile.TemporaryDirectory() as folder, attacked(Path(folder) / "park") as park:
        for attempt in chosen:
            try:
                how = attempt.attack(park)
                attempt.companion(park)
                print(f"  refused  {attempt.name} ({attempt.tries}): {how}", flush=True)
            except Exception as error:  # noqa: BLE001 - whatever it is, this one does not count as refused
                through.append(attempt.name)
                print(f"  THROUGH  {attempt.name} ({attempt.tries}): {type(error).__name__}: {error}", flush=True)
    print(f"attacks {len(chosen) - len(through)}/{len(chosen)}")
    if through:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
