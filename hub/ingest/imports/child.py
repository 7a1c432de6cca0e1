"""The child process that reads a file from standard input and tells its rows on standard output.

It may take what RLIMIT_AS and RLIMIT_CPU leave it, so a hostile file ends it and not the hub.
"""

import resource
import sys

import orjson

from hub.ingest.imports.limits import Limits
from hub.ingest.imports.reading import read

_MEMORY = 1 << 30  # bytes of address space, of which the libraries' own code is a good part
_CPU = 60  # seconds


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU))
    limits = Limits(**orjson.loads(sys.argv[1]))
    out = sys.stdout.buffer
    for line in read(sys.stdin.buffer.read(), limits):
        out.write(line + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
