"""The operator's imports: what a table would change, and storing it, with progress while the file is read."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Mapping
from zoneinfo import ZoneInfo

from hub.control import Line
from hub.coordinates import CoordinateSystem
from hub.errors import BadRequest, Conflict
from hub.ingest.collector import only_young
from hub.ingest.imports.codes import CODES
from hub.ingest.imports.desk import EntryDesk
from hub.ingest.imports.kind import Kind
from hub.ingest.imports.kinds import kind_named
from hub.ingest.imports.preview import Preview, Retirement
from hub.ingest.imports.storing import counts, store
from hub.parts import Parts
from hub.reserve import items

Arguments = Mapping[str, object]
_EVERY = 1.0  # seconds between two lines of progress


async def previewing(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    """Lines of progress, then the rows that would change something, and how many would."""
    with only_young():
        async for line in _previewing(parts, arguments):
            yield line


async def _previewing(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    kind = kind_named(_text(arguments, "kind"))
    found: list[Preview] = []
    async for line in _looking(parts, kind, arguments, found):
        yield line
    yield {"result": _shown(found[0])}


async def importing(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    """The same, then stores it. `version`: of the preview that a person said yes to; Conflict where it is older.
    Without one, nobody has seen the rows: the result holds them."""
    with only_young():
        async for line in _importing(parts, arguments):
            yield line


async def _importing(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    kind = kind_named(_text(arguments, "kind"))
    found: list[Preview] = []
    async for line in _looking(parts, kind, arguments, found):
        yield line
    shown = found[0]
    if (seen := arguments.get("version")) is not None and seen != shown.version:
        raise Conflict(f"someone else imported {kind.name} meanwhile; look again at what this file would change")
    file = _text(arguments, "file")
    stored = await store(parts.journal, shown, file=file, actor=operator(), now=parts.clock())
    if stored is not None and kind is CODES:
        yield {"progress": f"{await items.settle_new(parts.journal)} lots have the code of their item now"}
    unseen = _shown(shown) if seen is None else {"rejected": len(shown.rejected)}
    done = {"stored": shown.changes if stored else 0, "sequence": stored.seq if stored else parts.journal.head}
    yield {"result": {**unseen, **done}}


async def _looking(parts: Parts, kind: Kind, arguments: Arguments, found: list[Preview]) -> AsyncIterator[Line]:
    park = parts.settings.park
    desk = EntryDesk(parts.journal, parts.clock, ZoneInfo(park.timezone), park.extent)
    system = _system(arguments.get("coordinates"))
    retirement = Retirement(
        missing=arguments.get("retire_missing") is True, confirmed=arguments.get("confirm_retirement") is True
    )
    upload = await parts.uploads.find(_text(arguments, "upload"))
    read = 0

    def progress(rows: int) -> None:
        nonlocal read
        read = rows

    work = asyncio.ensure_future(
        desk.look(kind.name, upload.file, coordinates=system, retirement=retirement, progress=progress)
    )
    try:
        while not (await asyncio.wait({work}, timeout=_EVERY))[0]:
            yield {"progress": f"{read:,} rows read" if read else "reading …"}
    finally:
        work.cancel()
    found.append(await work)


def _system(given: object) -> CoordinateSystem:
    try:
        return CoordinateSystem(str(given or CoordinateSystem.WGS84).upper())
    except ValueError:
        known = ", ".join(CoordinateSystem)
        raise BadRequest(f"there is no coordinate system {given!r}; known here: {known}") from None


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"the argument {name} is missing")
    return value


def _shown(shown: Preview) -> Mapping[str, object]:
    rows: list[Mapping[str, object]] = []
    rows += [{"what": "new", "row": r.number, "code": r.code} for r in shown.new]
    rows += [
        {"what": "changed", "row": r.number, "code": r.code, "detail": ", ".join(r.differing)} for r in shown.changed
    ]
    rows += [{"what": "retired", "row": r.number, "code": r.code, "detail": r.leaning} for r in shown.retired]
    rows += [
        {"what": "retired", "code": r.code, "detail": "; ".join(filter(None, ("not in the file", r.leaning)))}
        for r in shown.missing
    ]
    rows += [{"what": "REJECTED", "row": r.number, "detail": r.reason} for r in shown.rejected]
    return {"rows": rows, "changes": shown.changes, **counts(shown), "version": shown.version}


def operator() -> str:
    """The system account that asks; the socket is open to it alone."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
