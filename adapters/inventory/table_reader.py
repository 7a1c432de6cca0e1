"""A stock list read in a child process: the hub sees a header and pages of rows, or why there are none."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from adapters.contract import Unreadable
from adapters.inventory.headers import Header
from adapters.inventory.tables import Cells, Limits
from adapters.secret import bare_environment

MEMORY = 200_000_000
"""Bytes that the child may take for data."""
_SECONDS = 60  # of CPU, and without a line
_LONGEST_LINE = 64 << 20  # bytes: some hundred rows
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The head of a list; `notes` say what was left aside in it."""

    header: Header
    sheet: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRow:
    """`number` as the program shows it; `errors`: cells that show a formula's error."""

    number: int
    cells: Cells
    errors: tuple[str, ...] = ()


class TableReader:
    """Enter it, ask for the head, then for the pages. Leaving it ends the child."""

    def __init__(self, file: Path, *, sheet: str | None, limits: Limits) -> None:
        sizes = (limits.rows, limits.bytes, MEMORY, _SECONDS)
        self._arguments = (str(file), sheet or "", *map(str, sizes))
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "TableReader":
        self._child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "adapters.inventory.table_child", *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST_LINE,
            # No secret of the hub's environment is any of a stranger's file's business.
            env={**bare_environment(), "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()
            await self._child.communicate()  # to the pipe's end, which closes it

    async def head(self) -> Found:
        """Raises Unreadable."""
        line = await self._line()
        header = Header(row=line["row"], names=tuple(line["header"]))
        return Found(header=header, sheet=line["sheet"], notes=tuple(line["notes"]))

    async def pages(self) -> AsyncGenerator[Sequence[ListedRow], None]:
        """Raises Unreadable."""
        while "end" not in (line := await self._line()):
            yield [ListedRow(number=n, cells=cells, errors=tuple(errors)) for n, cells, errors in line["rows"]]

    async def _line(self) -> dict[str, Any]:
        if self._child is None or self._child.stdout is None:
            raise RuntimeError("enter the reader first")
        try:
            async with asyncio.timeout(_SECONDS):
                told = await self._child.stdout.readline()
        except TimeoutError as error:
            raise Unreadable(
                f"it could not be opened within {_SECONDS} s; save it as CSV UTF-8, or split it"
            ) from error
        except ValueError as error:
            raise Unreadable("its rows are too long for a stock list; leave out what is no stock") from error
        if not told:
            ended = await self._child.wait()
            raise Unreadable(
                f"opening it ended the process that did (exit {ended}), as a file that needs more than "
                f"{MEMORY / 1e6:.0f} MB or is damaged does; open it, and save it anew as CSV UTF-8"
            )
        line: dict[str, Any] = orjson.loads(told)
        if "unreadable" in line:
            raise Unreadable(line["unreadable"])
        return line
