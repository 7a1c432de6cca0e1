"""What a file would change, row by row: new, changed, unchanged, retired or rejected with its reason."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from adapters.contract import Claim, Link
from hub.coordinates import CoordinateSystem
from hub.errors import Refused
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.header import columns_of
from hub.ingest.imports.kind import GONE, IDENTIFIERS, POSITION, BadRow, Circumstances, Column, Kind
from hub.ingest.imports.leaning import leaning
from hub.ingest.imports.limits import Limits
from hub.ingest.imports.naming import code_of
from hub.ingest.imports.standing import Standing, meant
from hub.ingest.imports.tables import RawRow, Table, read_table
from hub.journal.log import Journal
from hub.journal.records import HUB

RETIRE_GUARD = 0.3
"""The share of what was entered that a file may leave out before retiring it asks a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`number` is as a spreadsheet counts: the header is row 1, and 0 is no row of the file."""

    number: int
    claim: Claim
    code: str  # as a person knows it
    differing: tuple[str, ...] = ()  # what a changed thing would change
    leaning: str = ""  # what is still in a place that would be retired


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    number: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an import would do; every row of the file is in exactly one of the first five, and `missing` are things
    that it leaves out. `version`: of the stream of such imports, as it was looked at."""

    kind: str
    version: int
    new: Sequence[Row]
    changed: Sequence[Row]
    unchanged: Sequence[Row]
    retired: Sequence[Row]
    rejected: Sequence[Rejected]
    missing: Sequence[Row] = ()

    @property
    def changes(self) -> int:
        return len(self.new) + len(self.changed) + len(self.retired) + len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """Whether what was entered before and is not in the file is gone; `confirmed` by a person, however much it is."""

    missing: bool = False
    confirmed: bool = False


AS_IT_IS = Retirement()


def stream(kind: Kind) -> str:
    return f"import:{kind.name}"


async def preview(
    journal: Journal,
    kind: Kind,
    file: Path,
    circumstances: Circumstances,
    *,
    retirement: Retirement = AS_IT_IS,
    progress: Callable[[int], None] = lambda rows: None,
) -> Preview:
    """Raises BadRequest where the file as a whole cannot be read, Refused where it would retire too much."""
    limits = Limits(coordinates=circumstances.coordinates, shapes=kind.shapes)
    table = await read_table(file, limits, progress)
    version = await journal.stream_version(stream(kind))
    ends = {meant(relation) for relation in _relations(kind)}
    standing = await Standing.read(journal, sorted({kind.entity} | ends))
    found = await asyncio.to_thread(_compare, kind, table, circumstances, standing, version, retirement)
    if kind.entity != "Place" or not (found.retired or found.missing):
        return found
    going = await asyncio.to_thread(_going, found, standing)
    inside = await leaning(journal, list(going.values()))
    return await asyncio.to_thread(_with_what_leans, found, going, inside) if inside else found


def _going(found: Preview, standing: Standing) -> Mapping[str, str]:
    """External id → entity of what would be retired."""
    names = [row.claim.external_id for row in (*found.retired, *found.missing)]
    return {name: entity for name in names if (entity := standing.entity(name)) is not None}


def _with_what_leans(found: Preview, going: Mapping[str, str], inside: Mapping[str, str]) -> Preview:
    def told(rows: Sequence[Row]) -> list[Row]:
        return [replace(row, leaning=inside.get(going.get(row.claim.external_id, ""), "")) for row in rows]

    return replace(found, retired=told(found.retired), missing=told(found.missing))


def _relations(kind: Kind) -> set[str]:
    return {fed for column in kind.columns for fed in column.feeds if fed.isupper()}


def _compare(
    kind: Kind,
    table: Table,
    circumstances: Circumstances,
    standing: Standing,
    version: int,
    retirement: Retirement,
) -> Preview:
    columns = columns_of(kind, table.header, lenient=table.is_map)
    if table.is_map:
        circumstances = replace(circumstances, coordinates=CoordinateSystem.WGS84)  # its reader has converted it
    work = _Work(kind, circumstances, standing, columns)
    for row in table.rows:
        work.take(row)
    work.hold_together()
    missing = work.missing(retirement) if retirement.missing else []
    new, changed, unchanged = work.compared()
    return Preview(
        kind=kind.name,
        version=version,
        new=new,
        changed=changed,
        unchanged=unchanged,
        retired=work.retired,
        rejected=sorted(work.rejected.values(), key=lambda each: each.number),
        missing=missing,
    )


class _Work:
    """The rows of one file on their way into a preview."""

    def __init__(
        self, kind: Kind, circumstances: Circumstances, standing: Standing, columns: Sequence[Column | None]
    ) -> None:
        self._kind = kind
        self._circumstances = circumstances
        self._standing = standing
        self._names = [None if column is None else column.name for column in columns]
        self._columns = {column.name: column for column in kind.all_columns}
        self._spoken = {fed for column in columns if column is not None for fed in column.feeds}
        self._rows: dict[str, Row] = {}
        self._numbers: dict[str, int] = {}  # every name that a row gave, also of a rejected one
        self.rejected: dict[int, Rejected] = {}
        self.retired: list[Row] = []
        self._gone: list[Row] = []  # of things that are not there

    def take(self, row: RawRow) -> None:
        try:
            if row.reason is not None:
                raise BadRow(row.reason)
            if any(cell.strip() for cell in row.cells[len(self._names) :]):
                raise BadRow("the row has more cells than the header")
            texts = {name: cell for name, cell in zip(self._names, row.cells, strict=False) if name is not None}
            self._claim(row.number, Cells(self._columns, texts))
        except BadRow as bad:
            self._reject(row.number, str(bad))

    def _claim(self, number: int, cells: Cells) -> None:
        gone = not self._kind.of_entity and cells.truth(GONE.name) is True
        name = self._kind.called(cells, self._circumstances)
        if (earlier := self._numbers.get(name)) is not None:
            raise BadRow(f"the same {self._kind.unique} stands in row {earlier} already")
        self._numbers[name] = number
        claim = self._kind.claim(cells, self._circumstances)
        if not gone:
            self._rows[name] = Row(number=number, code=code_of(name), claim=claim)
            return
        held = self._standing.entity(name)
        taken = Row(number=number, code=code_of(name), claim=Claim(kind=claim.kind, external_id=name, gone=True))
        (self._gone if held is None else self.retired).append(taken)

    def _reject(self, number: int, reason: str) -> None:
        self.rejected[number] = Rejected(number=number, reason=reason)

    def hold_together(self) -> None:
        """Rejects what cannot stand beside the others, until what is left can: a place goes with what lies in it."""
        going = {row.claim.external_id for row in self.retired}
        while True:
            claims = {name: row.claim for name, row in self._rows.items()}
            broken = dict(self._kind.check(claims, self._standing, self._circumstances))
            for name, claim in claims.items():
                if name not in broken and (reason := self._broken_link(claim, claims, going)) is not None:
                    broken[name] = reason
            kept = {
                row.claim.external_id: others
                for row in self.retired
                if (others := self._left_behind(row.claim.external_id, claims, going))
            }
            if not broken and not kept:
                break
            for name, reason in broken.items():
                self._reject(self._rows.pop(name).number, f"{self._shown(name)}{reason}")
            for name, others in kept.items():
                row = next(row for row in self.retired if row.claim.external_id == name)
                self.retired.remove(row)
                going.discard(name)
                named = ", ".join(code_of(other) for other in others[:3])
                self._reject(row.number, f"{self._shown(name)}it cannot go while {named} leads to it; retire that too")
        self._rows = {name: replace(row, claim=self._resolved(row.claim)) for name, row in self._rows.items()}

    def _shown(self, name: str) -> str:
        code = self._columns.get("code")
        return "" if code is None or code.personal else f"{code_of(name)}: "

    def _left_behind(self, name: str, claims: Mapping[str, Claim], going: set[str]) -> list[str]:
        """What stays and leads to a thing that would go."""
        return [
            other
            for other in self._standing.linking(name)
            if other not in going and (other not in claims or any(link.target == name for link in claims[other].links))
        ]

    def _broken_link(self, claim: Claim, claims: Mapping[str, Claim], going: set[str]) -> str | None:
        if self._kind.of_entity:
            found = self._standing.find(self._kind.entity, claim.external_id)
            return found if isinstance(found, str) else None
        for link in claim.links:
            if link.target in going:
                return f"{code_of(link.target)} is retired by the same file"
            if link.target not in claims:
                found = self._standing.find(meant(link.relation), link.target)
                if isinstance(found, str):
                    return found
        return None

    def _resolved(self, claim: Claim) -> Claim:
        """With the source of whatever is linked to, where it is not the hub."""
        if self._kind.of_entity:
            found = self._standing.find(self._kind.entity, claim.external_id)
            return claim if isinstance(found, str) else replace(claim, external_id=found[2])
        links = []
        for link in claim.links:
            found = self._standing.find(meant(link.relation), link.target)
            if link.target in self._rows or isinstance(found, str) or found[0] == HUB:
                links.append(link)
            else:
                links.append(Link(relation=link.relation, target=found[1], source=found[0]))
        return replace(claim, links=tuple(links))

    def missing(self, retirement: Retirement) -> list[Row]:
        """What was entered before and stands in no row. Raises Refused past the guard."""
        held = {} if self._kind.of_entity else self._standing.claims(self._kind.entity)
        names = sorted(held.keys() - self._numbers.keys())
        if not retirement.confirmed and len(names) > RETIRE_GUARD * len(held):
            raise Refused(
                f"the file leaves out {len(names)} of {len(held)} {self._kind.name} that were entered, more than "
                f"{RETIRE_GUARD:.0%}, so nothing is retired. Look whether it is whole; if they are truly gone: "
                "--confirm-retirement"
            )
        return [
            Row(number=0, code=code_of(name), claim=Claim(kind=self._kind.entity, external_id=name, gone=True))
            for name in names
        ]

    def compared(self) -> tuple[list[Row], list[Row], list[Row]]:
        new: list[Row] = []
        changed: list[Row] = []
        unchanged: list[Row] = list(self._gone)
        for row in self._rows.values():
            earlier = self._standing.claim(row.claim.external_id)
            if earlier is None:
                new.append(replace(row, claim=_said(row.claim)))
                continue
            claim = _merged(earlier, row.claim, self._spoken)
            if differing := _differences(earlier, claim):
                changed.append(replace(row, claim=claim, differing=differing))
            else:
                unchanged.append(replace(row, claim=claim))
        unchanged.sort(key=lambda row: row.number)
        return new, changed, unchanged


def _said(claim: Claim) -> Claim:
    return replace(claim, values={name: value for name, value in claim.values.items() if value is not None})


def _merged(earlier: Claim, later: Claim, spoken: set[str]) -> Claim:
    """What the file says, and of what it does not speak what was said before."""
    values = {name: value for name, value in earlier.values.items() if name not in spoken and value is not None}
    values |= {
        name: value
        for name, value in later.values.items()
        if value is not None and (name in spoken or name not in values)
    }
    links = [link for link in earlier.links if link.relation not in spoken]
    links += [link for link in later.links if link.relation in spoken]
    return replace(
        later,
        values=values,
        links=tuple(dict.fromkeys(links)),
        identifiers=later.identifiers if IDENTIFIERS in spoken else earlier.identifiers,
        position=later.position if POSITION in spoken else earlier.position,
    )


def _differences(earlier: Claim, later: Claim) -> tuple[str, ...]:
    fields = sorted(set(earlier.values) | set(later.values))
    found = [name for name in fields if earlier.values.get(name) != later.values.get(name)]
    relations = sorted({link.relation for link in (*earlier.links, *later.links)})
    found += [name.lower() for name in relations if _targets(earlier, name) != _targets(later, name)]
    if earlier.position != later.position:
        found.append(POSITION)
    if set(earlier.identifiers) != set(later.identifiers) and not found:
        found.append(IDENTIFIERS)
    if later.observed_at is not None and later.observed_at != earlier.observed_at:
        found.append("at")
    return tuple(found)


def _targets(claim: Claim, relation: str) -> frozenset[tuple[str, str]]:
    return frozenset((link.source or HUB, link.target) for link in claim.links if link.relation == relation)
