"""Four tenants' stock, all invented: two keep databases, two spreadsheets, each in its own words. 20,000 lots."""

import csv
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from layout import zones
from openpyxl import Workbook

SEED = 20264
DATABASES = {"yuhang": 8500, "shancheng": 8500}  # tenant → lots in its database
SPREADSHEETS = {"jialing": 1500, "bayu": 1500}  # tenant → lots in its spreadsheet
LOTS = sum(DATABASES.values()) + sum(SPREADSHEETS.values())
HOLDERS = {"yuhang": "ORG-005", "shancheng": "ORG-006", "jialing": "ORG-007", "bayu": "ORG-008"}
ITEMS = (  # as tenants call them, with what one is counted in; 强光手电 has no code until a person gives it one
    ("干粉灭火器", "具"),
    ("防毒面具", "个"),
    ("编织袋", "个"),
    ("水泵", "台"),
    ("急救包", "个"),
    ("矿泉水", "箱"),
    ("担架", "副"),
    ("对讲机", "台"),
    ("消防水带", "盘"),
    ("强光手电", "个"),
)
SHARING = ("AGREED", "ASK", "NOT_SHARED", "NOT_SHARED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    number: int
    item: str
    unit: str
    quantity: int
    lot_number: str
    zone: str
    expires_at: str  # a date, or empty
    sharing: str
    agreed: int


def lots(tenant: str, count: int, today: datetime) -> Iterator[Lot]:
    chance = random.Random(f"{SEED}-{tenant}")
    where = zones()
    for number in range(1, count + 1):
        item, unit = chance.choice(ITEMS)
        quantity = chance.randint(1, 400)
        sharing = chance.choice(SHARING)
        expires = today + timedelta(days=chance.randint(-60, 900))
        yield Lot(
            number=number,
            item=item,
            unit=unit,
            quantity=quantity,
            lot_number=f"{tenant[:2].upper()}{number:06}",
            zone=chance.choice(where),
            expires_at=f"{expires:%Y-%m-%d}" if chance.random() < 0.4 else "",
            sharing=sharing,
            agreed=max(1, quantity // 2) if sharing == "AGREED" else 0,
        )


def write_database(path: Path, tenant: str, today: datetime) -> None:
    """A tenant's own table, with its own names; `changed_at` moves with each change of a row, in the park's time."""
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE stock (id INTEGER PRIMARY KEY, goods TEXT, qty REAL, uom TEXT, batch TEXT, location TEXT,"
            " best_before TEXT, share TEXT, agreed REAL, changed_at TEXT)"
        )
        database.executemany(
            "INSERT INTO stock VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    lot.number,
                    lot.item,
                    lot.quantity,
                    lot.unit,
                    lot.lot_number,
                    lot.zone,
                    lot.expires_at or None,
                    lot.sharing,
                    lot.agreed or None,
                    f"{today - timedelta(seconds=lot.number):%Y-%m-%d %H:%M:%S}",
                )
                for lot in lots(tenant, DATABASES[tenant], today)
            ),
        )
    database.close()


COLUMNS = ("序号", "品名", "数量", "单位", "批号", "存放地点", "有效期至")


def _cells(lot: Lot) -> Sequence[object]:
    date = datetime.fromisoformat(lot.expires_at) if lot.expires_at else None
    until = f"{date.year}年{date.month}月{date.day}日" if date else ""
    return (lot.number, lot.item, f"{lot.quantity:,}", lot.unit, lot.lot_number, lot.zone, until)


def write_workbook(path: Path, tenant: str, today: datetime) -> None:
    """A spreadsheet as people make them: a title over the header, dates and numbers in words."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("库存")
    sheet.append([f"{tenant} 库存台账 {today.year}年{today.month}月"])
    sheet.append([])
    sheet.append(list(COLUMNS))
    for lot in lots(tenant, SPREADSHEETS[tenant], today):
        sheet.append(list(_cells(lot)))
    book.save(path)


def write_csv(path: Path, tenant: str, today: datetime) -> None:
    """The same in GBK, as older programs save it."""
    with path.open("w", encoding="gbk", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(_cells(lot) for lot in lots(tenant, SPREADSHEETS[tenant], today))
