"""The child process in which a stock list is opened: JSON lines to standard output, bounded in memory and time.

First a line `{"header": …}`, then `{"rows": [[number, cells, errors], …], "at": …}`, last `{"end": …}`; or one
`{"unreadable": …}` wherever it stops.
"""

import itertools
import resource
import sys
from pathlib import Path

import orjson

from adapters.contract import Unreadable
from adapters.inventory import headers
from adapters.inventory.tables import Limits, open_table

ROWS_A_LINE = 500


def main(arguments: list[str]) -> int:
    file, sheet, rows, size, memory, seconds = arguments
    _bound(int(memory), int(seconds))
    limits = Limits(rows=int(rows), bytes=int(size))
    try:
        tell_all(Path(file), sheet or None, limits)
    except Unreadable as error:
        _tell({"unreadable": error.reason})
    except MemoryError:
        _tell(
            {"unreadable": f"it needs more than {int(memory) / 1e6:.0f} MB to open; save it as CSV UTF-8, or split it"}
        )
    except OSError as error:
        _tell({"unreadable": f"it cannot be opened: {error.strerror}"})
    return 0


def tell_all(file: Path, sheet: str | None, limits: Limits) -> None:
    table = open_table(file, sheet=sheet, limits=limits)
    first = list(itertools.islice(table.rows, headers.LOOKED_AT))
    header = headers.find(first, table.merged)
    if (twice := header.duplicate()) is not None:
        raise Unreadable(f"two columns are called {twice}: give each a name of its own")
    _tell({"header": header.names, "row": header.row, "sheet": table.sheet, "notes": table.notes})
    rows = (pair for pair in itertools.chain(first, table.rows) if pair[0] > header.row)
    while lines := [
        (number, cells, table.errors.get(number, ())) for number, cells in itertools.islice(rows, ROWS_A_LINE)
    ]:
        _tell({"rows": lines})
    _tell({"end": True})


def _tell(line: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(line, default=str) + b"\n")
    sys.stdout.buffer.flush()


def _bound(memory: int, seconds: int) -> None:
    for what, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
