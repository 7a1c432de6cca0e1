"""Tenants' stock lists as they come: what is read of each, and what is said of those that cannot be."""

import asyncio
import codecs
import csv
import getpass
import io
import os
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.contract import (
    Batch,
    CertificateRefused,
    Claim,
    HealthState,
    Raw,
    Record,
    Source,
    SourceError,
    Unreadable,
)
from adapters.counterpart import Traits
from adapters.inventory import headers, tables
from adapters.inventory.files import ADAPTER, StockFiles
from adapters.inventory.files_config import FilesConfig
from adapters.inventory.list_rows import Row
from adapters.inventory.table_reader import TableReader
from adapters.inventory.tables import Limits
from adapters.testing import contract_tests
from hub.clock import now
from tests.loop import children_seconds, collecting_as_the_hub_does, probed
from tests.servers.gate import Gate
from tests.servers.process import ServerMissing
from tests.servers.sshd import Sshd

HEADER = ("物资名称", "数量", "单位", "批号", "有效期至", "存放地点")
COLUMNS = {
    **{"name": "物资名称", "quantity": "数量", "unit": "单位", "lot_number": "批号"},
    **{"expires_at": "有效期至", "place": "存放地点"},
}
MAPPING: Mapping[str, object] = {"columns": COLUMNS}


def line(number: int, quantity: object = "12") -> tuple[object, ...]:
    return ("灭火器", quantity, "具", f"L{number}", "2027年5月1日", "B2-1F")


def write_csv(file: Path, *rows: Sequence[object], encoding: str = "utf-8", header: Sequence[object] = HEADER) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    file.write_bytes(text.getvalue().encode(encoding))
    return aged(file)


def aged(file: Path) -> Path:
    """Not of this second: it is whole."""
    os.utime(file, ns=(time.time_ns(), time.time_ns() - 10_000_000_000))
    return file


def write_excel(file: Path, *rows: Sequence[object], merged: Sequence[str] = (), **cells: object) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for one in merged:
        sheet.merge_cells(one)
    for at, value in cells.items():
        sheet[at] = value
    book.save(file)
    return aged(file)


def lists(folder: Path, *, organization: str | None = "acme", **changes: object) -> StockFiles:
    config = FilesConfig.model_validate({"folder": folder, "mapping": MAPPING, **changes})
    made = ADAPTER.factory(Source(id="lists", organization=organization), config)
    assert isinstance(made, StockFiles)
    return made


def read(adapter: StockFiles, cursor: str | None = None) -> list[Batch]:
    async def run() -> list[Batch]:
        async with adapter:
            return [batch async for batch in adapter.read(cursor)]

    return asyncio.run(run())


def discovered(adapter: StockFiles) -> list[Claim]:
    async def run() -> list[Claim]:
        async with adapter:
            return [claim async for claim in adapter.discover()]

    return asyncio.run(run())


def claims(batches: Sequence[Batch]) -> list[Claim]:
    return [record for batch in batches for record in batch.records if isinstance(record, Claim)]


def reasons(batches: Sequence[Batch]) -> list[str]:
    return [f"{letter.where}: {letter.reason}" for batch in batches for letter in batch.unreadable]


def faults(batches: Sequence[Batch]) -> str:
    return "; ".join(f"{fault.where}: {fault.reason}" for batch in batches for fault in batch.faults)


class Lists:
    """A folder with one CSV list for the contract."""

    traits: ClassVar[Traits] = Traits(cursors=True, bound=1000, patience=15.0)

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lists"
        self._rows: list[tuple[object, ...]] = []
        self._spoiled = False
        self._last: list[tuple[object, ...]] = []
        self._age = 10_000_000_000

    def start(self) -> None:
        self.folder.mkdir()
        self._write()

    def _write(self) -> None:
        rows = [*self._rows, *([line(0, "a few")] if self._spoiled else [])]
        file = write_csv(self.folder / "stock.csv", *rows)
        self._age -= 1_000_000  # no two of one time
        os.utime(file, ns=(time.time_ns(), time.time_ns() - self._age))

    def stop(self) -> None:
        """Nothing runs."""

    def pause(self) -> None:
        self.folder.rename(self.folder.with_name("away"))

    def resume(self) -> None:
        self.folder.with_name("away").rename(self.folder)

    def config(self) -> Mapping[str, object]:
        return {"folder": str(self.folder), "mapping": MAPPING}

    def refused_config(self) -> Mapping[str, object]:
        raise NotImplementedError("a folder has no credentials")

    def produce(self, n: int) -> Sequence[Record]:
        self._last = [line(len(self._rows) + i, f"{len(self._rows) + i},000") for i in range(1, n + 1)]
        self._rows += self._last
        self._write()
        adapter = ADAPTER.factory(Source(id="contract"), FilesConfig.model_validate(self.config()))
        return [record for raw in self.payloads() for record in adapter.decode(raw)]

    def spoil(self) -> None:
        self._spoiled = True
        self._write()

    def payloads(self) -> Sequence[Raw]:
        first = len(self._rows) - len(self._last) + 2
        made = [
            Row(
                file="stock.csv", sheet="", number=first + i, modified=0.0, header=HEADER, cells=[str(c) for c in cells]
            )
            for i, cells in enumerate(self._last)
        ]
        return [Raw(key=f"stock.csv!{row.number}", received_at=now(), data=row.data()) for row in made]


class ListsOverSftp(Lists):
    """The same behind a real OpenSSH server."""

    traits: ClassVar[Traits] = Traits(credentials=True, cursors=True, bound=1000, patience=15.0)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server: Sshd | None = None
        self._gate: Gate | None = None

    @property
    def server(self) -> Sshd:
        assert self._server is not None
        return self._server

    def start(self) -> None:
        try:
            self._server = Sshd.start(self.folder.parent / "sshd")
        except ServerMissing as missing:
            pytest.skip(str(missing))
        self._gate = Gate.before(self.server.port)
        super().start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def pause(self) -> None:
        assert self._gate is not None
        self._gate.shut()

    def resume(self) -> None:
        assert self._gate is not None
        self._gate.open()

    def config(self) -> Mapping[str, object]:
        assert self._gate is not None
        sftp = {"host": "127.0.0.1", "port": self._gate.port, "user": getpass.getuser(), "path": str(self.folder)}
        keys = {"key": {"file": str(self.server.key)}, "host_key": self.server.host_key}
        return {"sftp": {**sftp, **keys}, "mapping": MAPPING}

    def refused_config(self) -> Mapping[str, object]:
        sftp = dict(self.config())["sftp"]
        assert isinstance(sftp, dict)
        return {**self.config(), "sftp": {**sftp, "key": {"file": str(self.server.other_key)}}}


globals().update(contract_tests(ADAPTER, Lists))
globals().update({f"{name}_sftp": test for name, test in contract_tests(ADAPTER, ListsOverSftp).items()})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_any_program(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [
        HEADER,
        ("矿泉水, 整箱", "１，２００ 箱", "", "ABC", "2026.05", "B1"),
        ("消毒液", "1.2万", "瓶", "x", "长期", "B1"),
    ]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    (tmp_path / "a.csv").write_bytes(text.getvalue().encode(encoding))
    aged(tmp_path / "a.csv")
    water, liquid = claims(read(lists(tmp_path)))
    assert water.values["name"] == "矿泉水, 整箱"
    assert (water.values["quantity"], water.values["unit"]) == (1200.0, "{box}")
    assert str(water.values["expires_at"]) == "2026-06-01 00:00:00"
    assert (liquid.values["quantity"], liquid.values["unit"], liquid.values["expires_at"]) == (
        12000.0,
        "{bottle}",
        None,
    )


def test_an_excel_list_with_titles_and_a_merged_header(tmp_path: Path) -> None:
    write_excel(
        tmp_path / "a.xlsx",
        ["应急物资库存表"],
        ["制表：李工", None, "2026年5月"],
        [],
        ["物资名称", "库存", None, "批次信息", None, "存放地点"],
        [None, "数量", "单位", "批号", "有效期至", None],
        ["灭火器", 12, "具", 20260501, 46508, "B2-1F"],
        ["担架", "三十二", "副", "S1", "二〇二七年十二月三十一日", "B2-1F"],
        merged=("A1:F1", "B4:C4", "D4:E4", "A4:A5"),
    )
    columns = {
        **{"name": "物资名称", "quantity": "库存/数量", "unit": "库存/单位"},
        **{"lot_number": "批次信息/批号", "expires_at": "批次信息/有效期至", "place": "存放地点"},
    }
    first, second = claims(read(lists(tmp_path, mapping={"columns": columns})))
    assert (first.values["quantity"], first.values["lot_number"]) == (12.0, "20260501")
    assert str(first.values["expires_at"]) == "2027-05-02 00:00:00"  # 46508 is 1 May 2027
    assert (second.values["quantity"], str(second.values["expires_at"])) == (32.0, "2028-01-01 00:00:00")


def test_a_thousand_rows_and_each_that_is_rejected_says_why(tmp_path: Path) -> None:
    rows = [line(i) for i in range(1000)]
    bad = {
        7: "a few",
        99: "",
        100: "-3",
        101: "1,2",
        102: "12-15",
        500: "约10",
        501: "1e400",
        900: "十?",
        901: "半",
        999: "12,34",
    }
    for at, quantity in bad.items():
        rows[at] = line(at, quantity)
    write_csv(tmp_path / "a.csv", *rows, encoding="gbk")
    batches = read(lists(tmp_path))
    assert len(claims(batches)) == 990
    said = reasons(batches)
    assert len(said) == len(bad)
    assert all(f"a.csv row {at + 2}, 数量: " in text for at, text in zip(sorted(bad), said, strict=True))
    letter = next(letter for batch in batches for letter in batch.unreadable)
    assert "L7" in letter.raw.data.decode() and "a few" in letter.raw.data.decode(), "the tenant sees its own row"
    named = discovered(lists(tmp_path))
    assert len(named) == 1000 and sum(claim.named_only for claim in named) == 10, "what cannot be read is not gone"


def test_the_same_lot_twice_is_told_with_both_rows(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", line(1), line(2), line(1, "5"))
    batches = read(lists(tmp_path))
    assert len(claims(batches)) == 2
    assert reasons(batches)[0].startswith("a.csv row 4: the same item, lot and place stand in row 2 already")


def test_a_list_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", line(1))
    adapter = lists(tmp_path)
    cursor = read(adapter)[-1].cursor
    assert claims(read(adapter, cursor)) == []
    os.utime(write_csv(tmp_path / "a.csv", line(1), line(2)), (0, 1e9))
    assert len(claims(read(adapter, cursor))) == 2


def test_the_newest_list_is_the_stock_or_all_are(tmp_path: Path) -> None:
    os.utime(write_csv(tmp_path / "may.csv", line(1)), (0, 1e9))
    write_csv(tmp_path / "june.csv", line(2))
    write_csv(tmp_path / "~$june.xlsx", line(3))
    write_csv(tmp_path / "july.csv.part", line(4))
    (tmp_path / "august.csv").write_bytes((tmp_path / "june.csv").read_bytes())  # this very second: still being written
    assert [claim.values["lot_number"] for claim in claims(read(lists(tmp_path)))] == ["L2"]
    assert [claim.values["lot_number"] for claim in claims(read(lists(tmp_path, take="all")))] == ["L1", "L2"]


def test_a_list_waits_until_its_columns_are_confirmed(tmp_path: Path) -> None:
    answers: dict[str, str] = {}
    config = FilesConfig.model_validate({"folder": tmp_path})
    adapter = ADAPTER.factory(Source(id="lists", confirmed=lambda: answers), config)
    assert isinstance(adapter, StockFiles)
    write_csv(tmp_path / "a.csv", line(1))
    batches = read(adapter)
    assert "causeway supplies confirm lists a.csv" in faults(batches) and not claims(batches)
    assert "causeway supplies confirm lists a.csv" in faults(read(adapter)), "it is told for as long as it waits"
    with pytest.raises(SourceError, match="causeway supplies confirm"):
        discovered(adapter)
    header = headers.Header(row=1, names=HEADER)
    assert headers.propose(header) == COLUMNS
    answers[header.fingerprint] = '{"columns": {"name": "物资名称", "quantity": "数量"}}'
    batches = read(adapter)
    assert [claim.values for claim in claims(batches)] == [{"name": "灭火器", "quantity": 12.0}]
    answers[header.fingerprint] = '{"columns": {"name": "物资名称", "quantity": "数量", "unit": "单位"}}'
    assert claims(read(adapter, batches[-1].cursor))[0].values["unit"] == "{device}", "a new mapping reads it anew"


def _bomb(file: Path, inside: str, text: bytes) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in _workbook().items():
            parts.writestr(name, data)
        parts.writestr(inside, text)
    return aged(file)


def _workbook() -> dict[str, str]:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    return {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/>'  # noqa: E501
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }


def _sheet(rows: bytes) -> bytes:
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return b'<worksheet xmlns="' + main + b'"><sheetData>' + rows + b"</sheetData></worksheet>"


def zip_bomb(folder: Path) -> Path:
    return _bomb(folder / "a.xlsx", "xl/worksheets/sheet1.xml", _sheet(b" " * 400_000_000))


def million_empty_rows(folder: Path) -> Path:
    rows = b"".join(b'<row r="%d" ht="15"/>' % number for number in range(1, 1_048_577))
    return _bomb(folder / "a.xlsx", "xl/worksheets/sheet1.xml", _sheet(rows))


def million_empty_lines(folder: Path) -> Path:
    (folder / "a.csv").write_bytes(",".join(HEADER).encode() + b"\n" + b",,,,,\n" * 1_000_000)
    return aged(folder / "a.csv")


def too_many_rows(folder: Path) -> Path:
    return write_csv(folder / "a.csv", *(line(i) for i in range(250_000)))


def too_many_full_rows(folder: Path) -> Path:
    """A sheet that unpacks to 60 MB, and is no bomb: whether it is too long shows at its end."""
    row = "".join(f'<c r="{column}%d" t="inlineStr"><is><t>灭火器 %d</t></is></c>' for column in "ABCDEF")
    rows = "".join(f'<row r="{n}">{row % ((n, n * 7919) * 6)}</row>' for n in range(1, 200_002))
    return _bomb(folder / "a.xlsx", "xl/worksheets/sheet1.xml", _sheet(rows.encode()))


def far_cell(folder: Path) -> Path:
    cell = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return _bomb(folder / "a.xlsx", "xl/worksheets/sheet1.xml", _sheet(cell))


def wrong_encoding(folder: Path) -> Path:
    (folder / "a.csv").write_bytes(",".join(HEADER).encode() + b"\n\xff\xff\xff,1,,,,\n")
    return aged(folder / "a.csv")


def duplicate_header(folder: Path) -> Path:
    return write_csv(folder / "a.csv", header=("物资名称", "数量", "单位", "数量"))


def no_header(folder: Path) -> Path:
    return write_csv(folder / "a.csv", line(1), line(2), header=("alpha", "beta"))


def empty(folder: Path) -> Path:
    (folder / "a.csv").touch()
    return aged(folder / "a.csv")


def cut_off(folder: Path) -> Path:
    file = write_excel(folder / "a.xlsx", HEADER, *(line(i) for i in range(50)))
    file.write_bytes(file.read_bytes()[:-900])
    return aged(file)


def a_word_document(folder: Path) -> Path:
    (folder / "a.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    return aged(folder / "a.doc")


def no_excel_file(folder: Path) -> Path:
    (folder / "a.xls").write_bytes(b"<html><table></table></html>")
    return aged(folder / "a.xls")


def nul_bytes(folder: Path) -> Path:
    (folder / "a.csv").write_bytes(b"\x00" * 5000)
    return aged(folder / "a.csv")


def column_gone(folder: Path) -> Path:
    return write_csv(folder / "a.csv", header=("物资名称", "数量", "单位", "批号", "存放地点"))


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (zip_bomb, "zip bomb"),
        (million_empty_rows, "more than 200000 rows, empty ones among them"),
        (million_empty_lines, "more than 200000 rows, empty ones among them"),
        (too_many_rows, "more than 200000 rows"),
        (too_many_full_rows, "more than 200000 rows"),
        (far_cell, "more than 200000 rows"),
        (wrong_encoding, "neither UTF-8 nor GBK"),
        (duplicate_header, "two columns are called 数量 (columns B and D)"),
        (no_header, "names the columns; put one above"),
        (empty, "the file is empty"),
        (cut_off, "no Excel file that can be read"),
        (a_word_document, "a file .doc is not read"),
        (no_excel_file, "no Excel file that can be read"),
        (nul_bytes, "NUL"),
        (column_gone, "its column '有效期至' is gone"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(tmp_path: Path, made: Any, says: str) -> None:
    made(tmp_path)
    adapter = lists(tmp_path)
    began = time.process_time() + children_seconds()  # not by the clock: others use the machine too
    batches = read(adapter)
    took = time.process_time() + children_seconds() - began
    assert says in faults(batches)
    assert took < 1.0, f"refused after {took:.1f} s"
    assert says in faults(read(adapter)), "it is told for as long as it lies there"
    with pytest.raises(SourceError):
        discovered(adapter)


def test_a_list_of_50_megabytes_is_read_or_refused_within_its_memory(tmp_path: Path) -> None:
    wide = ("灭火器" * 80, "12", "具", "L", "2027-05-01", "B")
    text = io.StringIO(newline="")
    csv.writer(text).writerows([HEADER, *((*wide[:3], f"L{i}", *wide[4:]) for i in range(70_000))])
    (tmp_path / "a.csv").write_text(text.getvalue(), encoding="utf-8")
    assert aged(tmp_path / "a.csv").stat().st_size > 50_000_000
    adapter = lists(tmp_path)
    assert len(claims(read(adapter))) == 70_000


def test_macros_and_formulas_are_told_and_errors_rejected(tmp_path: Path) -> None:
    rows = b"".join(
        b'<row r="%d">%s</row>' % (number, b"".join(cells))
        for number, cells in enumerate(
            [
                [
                    b'<c r="%c1" t="inlineStr"><is><t>%s</t></is></c>' % (65 + i, n.encode())
                    for i, n in enumerate(HEADER)
                ],
                [_text("A2", "灭火器"), b'<c r="B2"><f>6*2</f><v>12</v></c>', _text("D2", "L1")],
                [_text("A3", "灭火器"), b'<c r="B3"><v>3</v></c>', b'<c r="D3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'],
                [_text("A4", "灭火器"), b'<c r="B4"><f>SUM(B2:B3)</f></c>', _text("D4", "L3")],
            ],
            start=1,
        )
    )
    file = _bomb(tmp_path / "a.xlsm", "xl/worksheets/sheet1.xml", _sheet(rows))
    with zipfile.ZipFile(file, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"\x00")
    aged(file)
    batches = read(lists(tmp_path))
    assert [claim.values["quantity"] for claim in claims(batches)] == [12.0]
    assert reasons(batches) == [
        "a.xlsm row 3: the cell D3 shows an error of its formula; mend it",
        "a.xlsm row 4, 数量: the quantity is empty; write 0 where there is none left",
    ]

    async def notes() -> str:
        async with TableReader(file, sheet=None, limits=Limits()) as reader:
            return "; ".join((await reader.head()).notes)

    told = asyncio.run(notes())
    assert "macros are left alone" in told and "3 cells hold formulas" in told


def _text(at: str, text: str) -> bytes:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


def test_lists_are_read_at_their_rate_and_never_hold_the_loop(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", *(line(i, str(i)) for i in range(60_000)), encoding="gbk")

    async def run() -> tuple[int, float]:
        rows = 0
        began = time.process_time()
        async with lists(tmp_path) as adapter, probed():
            async for batch in adapter.read(None):
                rows += len(batch.records)
        return rows, time.process_time() - began

    with collecting_as_the_hub_does():
        rows, cpu = asyncio.run(run())
    assert rows == 60_000
    assert rows / cpu > 10_000, f"{rows / cpu:.0f} rows a second of the hub's CPU"


def test_another_host_key_is_not_believed(tmp_path: Path) -> None:
    peer = ListsOverSftp(tmp_path)
    peer.start()
    try:
        sftp = dict(peer.config())["sftp"]
        assert isinstance(sftp, dict)
        other = " ".join((peer.server.folder / "other_key.pub").read_text().split()[:2])
        config = FilesConfig.model_validate({**peer.config(), "sftp": {**sftp, "host_key": other}})
        adapter = ADAPTER.factory(Source(id="lists"), config)
        with pytest.raises(CertificateRefused, match="another host key"):
            read(adapter)  # type: ignore[arg-type]
    finally:
        peer.stop()


def test_settings_that_cannot_be_are_refused() -> None:
    sftp = {"host": "h", "user": "u", "host_key": "ssh-ed25519 AAAA"}
    for wrong, says in (
        ({}, "either a folder or an sftp"),
        ({"folder": "x", "sftp": {**sftp, "key": {"env": "K"}}}, "either a folder or an sftp"),
        ({"sftp": sftp}, "either a password or a key"),
        ({"sftp": {"host": "h", "user": "u", "password": {"env": "K"}}}, "host_key"),
    ):
        with pytest.raises(ValidationError, match=says):
            FilesConfig.model_validate(wrong)


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    async def run() -> HealthState:
        async with lists(tmp_path) as adapter:
            return (await adapter.check()).state

    assert asyncio.run(run()) is HealthState.DEGRADED
    assert "ask the tenant" in faults(read(lists(tmp_path)))
    with pytest.raises(SourceError, match="ask the tenant"):
        discovered(lists(tmp_path))


def test_a_list_that_was_put_there_just_now_waits_and_says_so(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", line(1))
    os.utime(tmp_path / "a.csv")
    adapter = lists(tmp_path, settle_seconds=60)

    async def checked() -> str:
        async with adapter:
            return (await adapter.check()).text

    for text in (asyncio.run(checked()), faults(read(adapter))):
        assert "a.csv was changed just now" in text and "for 60 s (settle_seconds)" in text
        assert "ask the tenant" not in text
    with pytest.raises(SourceError, match="was changed just now"):
        discovered(adapter)


CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
WORDS = st.sampled_from(
    ["12", "1,200 箱", "2026年5月1日", "十二万", "千", "万万", "%", "1e999", "AGREED", "自有", "½", "²", "٣"]
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(CELLS | WORDS, min_size=6, max_size=8))
def test_no_row_makes_the_reader_stumble(cells: list[Any]) -> None:
    adapter = lists(Path("/nowhere"), mapping={"columns": {**COLUMNS, "sharing": "批号", "agreed_quantity": "数量"}})
    row = Row(file="a", sheet="", number=2, modified=0.0, header=HEADER, cells=cells)
    try:
        data = row.data()
    except TypeError:  # a number that JSON has no form for, which no list can hold
        return
    try:
        adapter.decode(Raw(key="a!2", received_at=now(), data=data))
    except Unreadable as error:
        assert error.reason


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode), bom=st.sampled_from([b"", codecs.BOM_UTF8])
)
def test_no_text_makes_the_table_parser_stumble(tmp_path: Path, data: bytes, bom: bytes) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(bom + data)
    try:
        table = tables.open_table(file, sheet=None, limits=Limits())
        headers.find(list(table.rows), table.merged)
    except Unreadable as error:
        assert error.reason


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("workbook") / "a.xlsx"
    return write_excel(file, ["表"], HEADER, *(line(i) for i in range(20)), merged=("A1:F1",)).read_bytes()


def test_no_mutation_of_a_workbook_makes_the_child_stumble(tmp_path: Path, workbook: bytes) -> None:
    """In the child, as it is read: one that dies of a file must still become a reason."""

    async def one(data: bytes) -> None:
        file = tmp_path / "a.xlsx"
        file.write_bytes(data)
        try:
            async with TableReader(file, sheet=None, limits=Limits()) as reader:
                await reader.head()
                async for _ in reader.pages():
                    pass
        except Unreadable as error:
            assert error.reason

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, len(workbook) - 1), st.integers(0, 255)), min_size=1, max_size=8))
    def mutated(changes: list[tuple[int, int]]) -> None:
        data = bytearray(workbook)
        for at, value in changes:
            data[at] = value
        asyncio.run(one(bytes(data)))

    mutated()
