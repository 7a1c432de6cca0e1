"""Files that people send: large, odd, broken or hostile."""

import asyncio
import csv
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract import Claim
from hub.clock import now
from hub.errors import BadRequest
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.desk import EntryDesk, Word
from hub.ingest.imports.kind import BadRow, Circumstances
from hub.ingest.imports.kinds import KINDS
from hub.ingest.imports.limits import Limits
from hub.ingest.imports.preview import Retirement
from hub.ingest.imports.reading import read
from hub.ingest.imports.tables import Table, read_table
from hub.ingest.imports.templates import as_csv, as_workbook
from hub.ingest.uploads import Uploads
from tests.imports.entering import NOW, SHANGHAI, Park, in_park, written
from tests.loop import children_seconds, collecting_as_the_hub_does, probed

ROWS_A_SECOND = 20_000


def many(rows: int) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["code", "kind", "name", "part_of", "level", "area", "latitude", "longitude"])
    writer.writerow(["P", "PARK", "示范园区", "", "", "", "29.563", "106.5516"])
    for n in range(rows - 1):
        writer.writerow([f"Z{n}", "ZONE", f"区域 {n}", "P", "", "12.5", f"{29.56 + n * 1e-7:.7f}", "106.5517"])
    return out.getvalue().encode()


def test_csv_is_read_at_speed_with_progress_and_the_loop_stays_free(tmp_path: Path) -> None:
    rows = 60_000
    data = many(rows)

    async def run(park: Park) -> None:
        told: list[int] = []
        here, there = time.process_time(), children_seconds()
        async with probed():
            table = await table_of(data, Limits(), told.append)
        took = max(time.process_time() - here, children_seconds() - there)  # each has a core; others use them too
        assert len(table.rows) == rows and len(told) > 5 and told == sorted(told)
        assert rows / took > ROWS_A_SECOND, f"{rows / took:,.0f} rows/s"

    with collecting_as_the_hub_does():
        in_park(tmp_path, run)


def test_a_large_import_is_looked_at_stored_and_taken_back_while_the_loop_stays_free(tmp_path: Path) -> None:
    large, half = many(20_000), many(10_000)

    async def run(park: Park) -> None:
        uploads = Uploads(tmp_path / "uploads", 50_000_000)
        all_, some = await uploads.receive(once(large)), await uploads.receive(once(half))
        desk = EntryDesk(park.journal, now, SHANGHAI, extent=50_000)
        every = Retirement(missing=True, confirmed=True)
        async with probed():
            entered = await desk.import_table(Word(actor="tester", key="1"), "places", all_, file="a")
            again = await desk.import_table(Word(actor="tester", key="2"), "places", all_, file="a", dry_run=True)
            word = Word(actor="tester", key="3")
            fewer = await desk.import_table(word, "places", some, file="b", retirement=every)
        assert (entered.counts["new"], again.counts["unchanged"], fewer.counts["missing"]) == (20_000, 20_000, 10_000)

    with collecting_as_the_hub_does():
        in_park(tmp_path, run)


async def once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def table_of(data: bytes, limits: Limits, progress: Callable[[int], None] = lambda rows: None) -> Table:
    with written(data) as file:
        return await read_table(file, limits, progress)


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(700):
                sheet.write(b" " * (1 << 20))
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bomb(), "unpack"),
        (b"PK\x03\x04 no archive", "Excel|archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "before 2007|Excel"),
        (b"code,kind\n\xff\xff\xff\x80", "neither UTF-8 nor"),
        (b"code,kind\n" + b"A,ZONE\n" * 120_000, "more than 100000 rows"),
        (b'code,kind\nA,"' + b"x" * 2_000_000, "row 2 cannot be read"),
        (b"," * 300 + b"\n", "empty|at most 256"),
        (b"a" + b"," * 300 + b"\n", "at most 256"),
        (b"", "empty"),
        (b"\n\n\n", "empty"),
    ],
    ids=["bomb", "archive", "old", "bytes", "rows", "quote", "commas", "columns", "nothing", "blank"],
)
def test_what_is_no_table_is_refused_within_a_second(data: bytes, said: str) -> None:
    async def run() -> float:
        begun = time.process_time() + children_seconds()  # not by the clock: others use the machine too
        with pytest.raises(BadRequest, match=said):
            await table_of(data, Limits())
        return time.process_time() + children_seconds() - begun

    assert asyncio.run(run()) < 1.0


def test_a_file_larger_than_the_limit_is_not_even_looked_at() -> None:
    with pytest.raises(BadRequest, match="at most 1,000"):
        asyncio.run(table_of(b"x" * 1001, Limits(bytes=1000)))


def test_a_child_that_takes_too_long_is_ended() -> None:
    with pytest.raises(BadRequest, match="was stopped"):
        asyncio.run(table_of(many(90_000), Limits(seconds=0.05)))


def test_excel_cells_are_read_as_they_are_shown(tmp_path: Path) -> None:
    from datetime import date, datetime
    from datetime import time as clock

    data = workbook(
        [
            ["工号", "日期", "开始", "结束"],
            ["G-07", date(2026, 5, 1), clock(20, 0), clock(8, 0)],
            ["G-08", datetime(2026, 5, 1), "20:00", datetime(2026, 5, 2, 8, 0)],  # noqa: DTZ001  (a spreadsheet's)
            [None, None, None, None],
        ]
    )

    async def run(park: Park) -> None:
        for name in ("places", "organizations", "people"):
            await park.enter(name, as_csv(KINDS[name], "zh"))
        shown = await park.look("roster", data)
        assert [str(row.claim.values["starts_at"])[:16] for row in shown.new] == ["2026-05-01T12:00"] * 2
        assert [str(row.claim.values["ends_at"])[:16] for row in shown.new] == ["2026-05-02T00:00"] * 2

    in_park(tmp_path, run)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_rows_are_numbered_as_the_program_shows_them(mark: str, tmp_path: Path) -> None:
    file = "code,kind\n\nA,ZONE\n,\nB,HANGAR\n".replace(",", mark)
    shown = in_park(tmp_path, lambda park: park.look("places", file))
    assert [row.number for row in shown.new] == [3]
    assert [row.number for row in shown.rejected] == [5]


CIRCUMSTANCES = Circumstances(timezone=SHANGHAI, now=NOW)
WORDS = st.sampled_from(
    [
        "",
        "yes",
        "2026-05-01",
        "2026年5月1日 晚上8点",
        "24:00",
        "99999",
        "-1",
        "1e9",
        "B1",
        "3",
        "UN1203",
        "kg",
        "ZONE",
        "9999-12-31 24:00",
        "0001-01-01",
        "1000-01-01",
        "29.5",
        "٣",
        "²",
        "1_0",
        "\ud800",
        "\x00",
        ";;、",
        "上午99时",
    ]
) | st.text(max_size=30)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_nothing_but_a_bad_row_leaves_a_row(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS.values())))
    columns = {column.name: column for column in kind.all_columns}
    cells = Cells(columns, {name: data.draw(WORDS) for name in columns})
    for make in (kind.called, kind.claim):
        try:
            made = make(cells, CIRCUMSTANCES)
        except BadRow as bad:
            assert str(bad)
        else:
            assert isinstance(made, str | Claim)


def told(data: bytes, shapes: tuple[str, ...] = ("Polygon", "MultiPolygon", "Point")) -> None:
    with written(data) as file:
        lines = [json.loads(line) for line in read(file, Limits(shapes=shapes))]
    assert set(lines[-1]) <= {"end", "refused"} and len(lines[-1]) == 1


SEEDS = [as_csv(KINDS["roster"], "zh"), as_workbook(KINDS["places"], "en")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=20))
def test_mutated_files_are_read_or_refused(seed: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(seed)
    for at, byte in changes:
        data[at % len(data)] = byte
    told(bytes(data))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    told(data)


NUMBERS = (
    st.floats() | st.integers() | st.none() | st.text(max_size=3) | st.sampled_from([106.55, 29.56, 106.56, 29.57])
)
NESTS = st.recursive(st.lists(NUMBERS, max_size=4), lambda inner: st.lists(inner, max_size=5), max_leaves=30)
GEOMETRY = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "Point", "LineString", "x", None]),
        "coordinates": NESTS | NUMBERS,
    }
)
FEATURES = st.fixed_dictionaries(
    {
        "properties": st.none() | st.dictionaries(st.text(max_size=5), NUMBERS | NESTS, max_size=4),
        "geometry": GEOMETRY | NESTS | NUMBERS,
    }
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(FEATURES | NUMBERS, max_size=4), st.sampled_from([("LineString",), ("Polygon", "MultiPolygon", "Point")])
)
def test_any_geojson_is_read_or_refused(features: list[object], shapes: tuple[str, ...]) -> None:
    told(json.dumps({"type": "FeatureCollection", "features": features}).encode(), shapes)


def test_a_park_of_twenty_thousand_rows_comes_in_at_speed(tmp_path: Path) -> None:
    async def run(park: Park) -> float:
        data = many(20_000)
        begun = time.perf_counter()
        shown = await park.look("places", data)
        took = time.perf_counter() - begun
        assert len(shown.new) == 20_000
        return took

    took = in_park(tmp_path, run)
    assert took < 20, f"{20_000 / took:,.0f} rows/s"
