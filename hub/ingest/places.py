"""Places from a CSV file: what each row would change is shown first, then stored as one event of source `hub`.

Columns, by their header: `code` and `kind` are due; `name`, `part_of` (a code), `adjacent_to` (codes with `;`
between), `level`, `area` (m²), `latitude` and `longitude` (degrees, WGS-84) may be left out.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.contract import Claim, Link, Position, Value
from graph_models.entities import PlaceKind
from hub.errors import BadRequest, nearest
from hub.journal.log import Journal
from hub.journal.records import HUB, Appended, Draft, NewEvent

COLUMNS = ("code", "kind", "name", "part_of", "adjacent_to", "level", "area", "latitude", "longitude")
STREAM = "import:places"
PAGE = 1000
SURPLUS = "cells past the header"
LARGEST = 1e9  # of a level, an area or a degree


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`number` is as a spreadsheet counts: the header is row 1."""

    number: int
    claim: Claim
    differing: tuple[str, ...] = ()  # the fields that a changed place would change


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an import would do; every row of the file is in exactly one of the four."""

    new: Sequence[Row]
    changed: Sequence[Row]
    unchanged: Sequence[Row]
    rejected: Sequence[Rejected]


def parse(data: bytes) -> tuple[list[Row], list[Rejected]]:
    """The file's rows as claims, and what could not be taken. Raises BadRequest where the header is wrong."""
    reader = csv.DictReader(io.StringIO(_text(data), newline=""), restkey=SURPLUS, restval="")
    header = [(name or "").strip() for name in reader.fieldnames or ()]
    _check_header(header)
    reader.fieldnames = header
    rows: dict[str, Row] = {}
    rejected: list[Rejected] = []
    for number, cells in enumerate(reader, start=2):
        try:
            claim = _claim(cells)
        except ValueError as error:
            rejected.append(Rejected(number=number, reason=str(error)))
            continue
        if (earlier := rows.get(claim.external_id)) is not None:
            reason = f"the code {claim.external_id} stands in row {earlier.number} already"
            rejected.append(Rejected(number=number, reason=reason))
            continue
        rows[claim.external_id] = Row(number=number, claim=claim)
    return list(rows.values()), rejected


async def preview(journal: Journal, data: bytes) -> Preview:
    rows, rejected = parse(data)
    held = await _held(journal)
    standing = {row.claim.external_id: row for row in rows}
    for row in rows:
        if reason := _broken(row.claim, standing, held):
            rejected.append(Rejected(number=row.number, reason=reason))
    refused = {r.number for r in rejected}
    new: list[Row] = []
    changed: list[Row] = []
    unchanged: list[Row] = []
    for row in rows:
        if row.number in refused:
            continue
        earlier = held.get(row.claim.external_id)
        if earlier is None:
            new.append(row)
        elif differing := _differences(earlier, row.claim):
            changed.append(Row(number=row.number, claim=row.claim, differing=differing))
        else:
            unchanged.append(row)
    rejected.sort(key=lambda r: r.number)
    return Preview(new=new, changed=changed, unchanged=unchanged, rejected=rejected)


async def store(journal: Journal, shown: Preview, *, file: str, actor: str, now: datetime) -> Appended | None:
    """Appends what the preview showed as new and changed; None where there is nothing to store."""
    taken = [row.claim for row in (*shown.new, *shown.changed)]
    if not taken:
        return None
    event = NewEvent(
        type="places.imported",
        version=1,
        stream=STREAM,
        expected=len(await journal.stream(STREAM)),
        data={"file": file, "new": len(shown.new), "changed": len(shown.changed), "rejected": len(shown.rejected)},
        actor=actor,
        claims=taken,
    )
    return await journal.append(Draft(source=HUB, received_at=now, events=[event]))


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequest("the file is neither UTF-8 nor GB 18030 text; save it as CSV UTF-8")


def _check_header(header: Sequence[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            raise BadRequest(f"the header has a column {name!r} that is not known; {nearest(name, COLUMNS)}")
    if missing := [name for name in ("code", "kind") if name not in header]:
        raise BadRequest(f"the header lacks {' and '.join(missing)}; known: {', '.join(COLUMNS)}")


def _claim(row: Mapping[str, str]) -> Claim:
    if row.get(SURPLUS):
        raise ValueError("the row has more cells than the header")
    cells = {key: value.strip() for key, value in row.items()}
    code = cells["code"]
    if not code:
        raise ValueError("the code is empty")
    kind = cells["kind"].upper()
    if kind not in PlaceKind.__members__:
        raise ValueError(f"{code}: the kind {cells['kind']!r} is none of {', '.join(PlaceKind)}")
    values: dict[str, Value] = {"kind": kind, "code": code, "name": cells.get("name") or code}
    if cells.get("level"):
        values["level"] = _number(int, code, "level", cells["level"])
    if cells.get("area"):
        values["area"] = _number(float, code, "area", cells["area"])
    links = [Link(relation="PART_OF", target=cells["part_of"])] if cells.get("part_of") else []
    neighbours = [name.strip() for name in cells.get("adjacent_to", "").split(";")]
    links += [Link(relation="ADJACENT_TO", target=name) for name in neighbours if name]
    return Claim(kind="Place", external_id=code, values=values, links=tuple(links), position=_position(code, cells))


def _number(convert: type[int] | type[float], code: str, column: str, text: str) -> int | float:
    try:
        number = convert(text)
    except ValueError as error:
        raise ValueError(f"{code}: the {column} {text!r} is no number") from error
    if not abs(number) < LARGEST:  # not a number is not less either
        raise ValueError(f"{code}: the {column} {text!r} cannot be")
    return number


def _position(code: str, cells: Mapping[str, str]) -> Position | None:
    latitude, longitude = cells.get("latitude", ""), cells.get("longitude", "")
    if not latitude and not longitude:
        return None
    found = Position(
        latitude=_number(float, code, "latitude", latitude), longitude=_number(float, code, "longitude", longitude)
    )
    if not (-90 <= found.latitude <= 90 and -180 <= found.longitude <= 180):
        raise ValueError(f"{code}: {latitude}, {longitude} is no place on Earth; latitude comes first, in degrees")
    return found


def _broken(claim: Claim, standing: Mapping[str, Row], held: Mapping[str, Claim]) -> str | None:
    """Why the place cannot stand: it names a place that is not there, or lies within itself."""
    missing = sorted({link.target for link in claim.links if link.target not in standing and link.target not in held})
    if missing:
        return f"{claim.external_id}: no place has the code {', '.join(missing)}; add its row"
    seen = {claim.external_id}
    above = _part_of(claim)
    while above is not None and above not in seen:
        seen.add(above)
        next_above = standing[above].claim if above in standing else held.get(above)
        above = _part_of(next_above) if next_above else None
    if above == claim.external_id:
        return f"{claim.external_id}: it would lie within itself; look at part_of of {', '.join(sorted(seen))}"
    return None


def _part_of(claim: Claim) -> str | None:
    return next((link.target for link in claim.links if link.relation == "PART_OF"), None)


def _differences(earlier: Claim, later: Claim) -> tuple[str, ...]:
    fields = sorted(set(earlier.values) | set(later.values))
    found = [name for name in fields if earlier.values.get(name) != later.values.get(name)]
    relations = ("PART_OF", "ADJACENT_TO")
    found += [name.lower() for name in relations if _targets(earlier, name) != _targets(later, name)]
    if earlier.position != later.position:
        found.append("position")
    return tuple(found)


def _targets(claim: Claim, relation: str) -> frozenset[str]:
    return frozenset(link.target for link in claim.links if link.relation == relation)


async def _held(journal: Journal) -> Mapping[str, Claim]:
    """The places that the hub itself claims, by code."""
    found: dict[str, Claim] = {}
    after = ""
    while page := await journal.entities(after, PAGE):
        for claims in (await journal.claims_of(page)).values():
            found.update({h.claim.external_id: h.claim for h in claims if h.source == HUB and h.claim.kind == "Place"})
        after = page[-1]
    return found
