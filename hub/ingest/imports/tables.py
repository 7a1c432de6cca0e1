"""A file's rows, read in a child process: what is wrong with the file costs the child and not the hub."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from adapters.secret import bare_environment
from hub.errors import BadRequest
from hub.ingest.imports.limits import Limits

_ROOT = Path(__file__).resolve().parents[3]
_LINE = 1 << 26  # bytes; a line holds cells of 256 kB, or one row


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """`reason`: why it could not be read at all."""

    number: int
    cells: list[str]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`is_map`: its positions are WGS-84, and its features may have more properties than a table has columns."""

    header: list[str]
    rows: list[RawRow]
    is_map: bool = False


async def read_table(file: Path, limits: Limits, progress: Callable[[int], None] = lambda rows: None) -> Table:
    """Of CSV (UTF-8, GB 18030), Excel or GeoJSON, told apart by its content. Raises BadRequest, with what to do."""
    size, path = await asyncio.to_thread(lambda: (file.stat().st_size, file.absolute()))
    if size > limits.bytes:
        raise BadRequest(f"the file has {size:,} bytes; at most {limits.bytes:,} are taken: part it into several")
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hub.ingest.imports.child",
        orjson.dumps(asdict(limits)).decode(),
        str(path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        # No secret of the hub's environment is any of a stranger's file's business.
        env={**bare_environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        limit=_LINE,
    )
    try:
        async with asyncio.timeout(limits.seconds):
            received = await _receive(child, progress)
    except TimeoutError:
        raise BadRequest(
            f"reading the file took longer than {limits.seconds:g} s and was stopped; save it as CSV, or part it"
        ) from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.wait()
    if isinstance(received, str):
        raise BadRequest(received)
    return received


async def _receive(child: asyncio.subprocess.Process, progress: Callable[[int], None]) -> Table | str:
    """The table, or why there is none."""
    header: list[str] | None = None
    is_map = False
    rows: list[RawRow] = []
    if child.stdout is not None:
        while line := await child.stdout.readline():
            message = orjson.loads(line)
            if "refused" in message:
                return str(message["refused"])
            if "header" in message:
                header, is_map = message["header"], message["map"]
            elif "rows" in message:
                rows += [RawRow(number=number, cells=cells, reason=reason) for number, cells, reason in message["rows"]]
                progress(len(rows))
                await asyncio.sleep(0)  # what waits in the buffer already must not hold the loop
            elif "end" in message:
                if header is None:
                    return "the file is empty; its first row must name the columns (--template writes one)"
                return Table(header=header, rows=rows, is_map=is_map)
    return "the file could not be read within the memory and time that a table needs; save it as CSV"
