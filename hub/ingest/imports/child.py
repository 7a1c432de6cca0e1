"""The child process that reads a file and tells its rows on standard output.

It may take what RLIMIT_DATA and RLIMIT_CPU leave it, so a hostile file ends it and not the hub.
"""

import resource
import sys
from pathlib import Path

import orjson

from hub.ingest.imports.limits import Limits
from hub.ingest.imports.reading import read

_MEMORY = 200_000_000  # bytes of data
_CPU = 60  # seconds


def main() -> None:
    for what, most in ((resource.RLIMIT_DATA, _MEMORY), (resource.RLIMIT_CPU, _CPU), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (most, most))
    limits = Limits(**orjson.loads(sys.argv[1]))
    out = sys.stdout.buffer
    for line in read(Path(sys.argv[2]), limits):
        out.write(line + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
