"""The operator's work on stock: names without a code, and tenants' lists that wait for a person's word."""

import getpass
from collections.abc import AsyncIterator, Mapping

from hub.control import Line
from hub.errors import BadRequest, NotFound
from hub.ingest.confirmed import confirm
from hub.ingest.source import SourceSpec
from hub.parts import Parts
from hub.reserve import items
from hub.reserve.items import Catalogue, Decision, Match
from hub.reserve.lists import Look, look

Arguments = Mapping[str, object]


async def unmapped(parts: Parts) -> AsyncIterator[Line]:
    rows = [
        {
            "text": row.text,
            "lots": row.lots,
            "sources": ", ".join(row.sources),
            "proposed": f"{row.proposed.code} {row.proposed.name or ''}".strip() if row.proposed else "",
        }
        for row in await items.unmapped(parts.journal)
    ]
    yield {"result": {"rows": rows, "names": len(rows), "lots": sum(int(str(row["lots"])) for row in rows)}}


async def mapping(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    code = _text(arguments, "code")
    decision = Decision(
        text=_text(arguments, "text"),
        match=Match.CONTAINS if arguments.get("contains") is True else Match.EXACT,
        code=None if code == "-" else code,
    )
    appended, changed = await items.map_items(parts.journal, [decision], actor=_operator(), now=parts.clock())
    yield {"result": {"text": decision.text, "code": decision.code, "lots": changed, "sequence": appended.seq}}


async def lists(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    """What each list of the source is, and would become."""
    shown = await _looked(parts, _spec(parts, arguments), arguments)
    yield {"result": {"rows": [row for one in shown for row in _rows(one)]}}


async def confirming(parts: Parts, arguments: Arguments) -> AsyncIterator[Line]:
    """Stores the mapping of the list's header: as proposed, with the changes that a person gave."""
    spec = _spec(parts, arguments)
    (shown,) = await _looked(parts, spec, {**arguments, "file": _text(arguments, "file")})
    if shown.problem is not None:
        raise BadRequest(f"{shown.file}: {shown.problem}")
    if shown.header is None or shown.mapping is None:
        raise BadRequest(
            f"{shown.file}: too little of its header is recognised: say --set name=COLUMN --set quantity=COLUMN"
        )
    appended = await confirm(
        parts.journal,
        spec,
        fingerprint=shown.header.fingerprint,
        header=shown.header.names,
        mapping=shown.mapping.model_dump(mode="json"),
        actor=_operator(),
        now=parts.clock(),
    )
    told = shown.tally
    yield {
        "result": {
            "file": shown.file,
            "rows": told.rows if told else 0,
            "accepted": told.accepted if told else 0,
            "unmapped": told.unmapped if told else 0,
            "rejected": told.rejected if told else 0,
            "sequence": appended.seq,
        }
    }


async def _looked(parts: Parts, spec: SourceSpec, arguments: Arguments) -> list[Look]:
    catalogue = Catalogue(parts.journal)
    await catalogue.refresh()
    given, file = arguments.get("set"), arguments.get("file")
    changes = {str(name): str(column) for name, column in given.items()} if isinstance(given, dict) else {}
    return list(await look(parts.journal, spec, catalogue.rules, file=str(file) if file else None, changes=changes))


def _rows(shown: Look) -> list[Mapping[str, object]]:
    rows: list[Mapping[str, object]] = []
    if shown.problem is not None or shown.header is None:
        return [{"file": shown.file, "what": "CANNOT BE READ", "detail": shown.problem or ""}]
    what = "confirmed" if shown.confirmed else "PROPOSED"
    if shown.mapping is None:
        names = ", ".join(name for name in shown.header.names if name)
        return [{"file": shown.file, "what": "NOT RECOGNISED", "detail": f"its columns are {names}"}]
    meant = {name: one.column or one.value for name, one in shown.mapping.columns if one is not None}
    if shown.mapping.id is not None:
        meant["id"] = shown.mapping.id
    rows += [{"file": shown.file, "what": what, "row": name, "detail": column} for name, column in meant.items()]
    rows += [{"file": shown.file, "what": "note", "detail": note} for note in shown.notes]
    if (told := shown.tally) is not None:
        rows += [
            {"file": shown.file, "what": "REJECTED", "row": one.number, "detail": f"{one.column}: {one.reason}"}
            for one in told.reasons
        ]
        summed = (
            f"{told.accepted} accepted + {told.unmapped} without a code + {told.rejected} rejected = {told.rows} rows"
        )
        rows.append({"file": shown.file, "what": "sum", "detail": summed})
    return rows


def _spec(parts: Parts, arguments: Arguments) -> SourceSpec:
    name = _text(arguments, "source")
    found = next((spec for spec in parts.specs if spec.id == name), None)
    if found is None:
        raise NotFound(f"there is no source {name!r}")
    return found


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"the argument {name} is missing")
    return value


def _operator() -> str:
    """The system account that asks; the socket is open to it alone."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
