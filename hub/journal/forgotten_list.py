"""The list of the forgotten, a file beside the park key: who was erased stays so when the key store is lost and an
older copy of it is put back. It holds keyed hashes and times, and names nobody.

A line is: holder in hex, what was forgotten up to (microseconds since 1970; -1: nothing), `barred`, `open` or `as-is`.
"""

import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from hub.errors import SettingsError


class Door(StrEnum):
    """Whether something personal of the holder may be taken in again; AS_IS leaves that as it was."""

    BARRED = "barred"
    OPEN = "open"
    AS_IS = "as-is"


class Noted(NamedTuple):
    holder: bytes
    at: int
    door: Door


def beside(park_key: Path) -> Path:
    return park_key.with_name(f"{park_key.name}.forgotten")


def note(file: Path, noted: Iterable[Noted]) -> None:
    """Adds to the list, durably."""
    text = "".join(f"{one.holder.hex()} {one.at} {one.door}\n" for one in noted)
    if not text:
        return
    with os.fdopen(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def read(file: Path) -> Iterator[Noted]:
    """In the order in which they were noted. Raises SettingsError for a line that is none; the last one may be torn."""
    if not file.exists():
        return
    lines = file.read_text(encoding="ascii", errors="replace").split("\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            holder, at, door = line.split()
            yield Noted(bytes.fromhex(holder), int(at), Door(door))
        except ValueError:
            raise SettingsError(f"{file}: line {number} is none of this list: put back its copy") from None
