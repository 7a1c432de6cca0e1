"""The demo's park on disk: its tables, its tenants' stock, and the park file with the ports of its servers.

60 buildings, 900 organizations, 400 people, about 10,000 assets and 20,000 lots, the same at every run but for dates.
"""

import csv
import os
import random
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import layout
import people
import register
import stock
from devices import PANEL_ADDRESS, RECORDERS, USER, surveyed

HERE = Path(__file__).parent
SEED = 20261
CABINETS_EACH = 120
DETECTORS = 60
TABLES = ("organizations", "people", "certificates", "roster", "hazards", "goods", "equipment", "occupancy")
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    east: int
    west: int
    broker: int
    panel: int
    web: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cabinet:
    name: str
    unit: int
    zone: str


def cabinets(side: str) -> Sequence[Cabinet]:
    """`east` stands in the first half of the buildings, `west` in the others."""
    zones = layout.zones()
    half = len(zones) // 2
    mine = zones[:half] if side == "east" else zones[half:]
    chance = random.Random(SEED + len(side) + (side == "west"))
    return [
        Cabinet(name=f"{side}-{unit:03}", unit=unit, zone=chance.choice(mine)) for unit in range(1, CABINETS_EACH + 1)
    ]


def detectors() -> Sequence[str]:
    return [f"smoke-{number:02}" for number in range(1, DETECTORS + 1)]


def detector_zone(name: str) -> str:
    zones = layout.zones()
    return zones[int(name.rpartition("-")[2]) * 11 % len(zones)]


def write(folder: Path, ports: Ports, servers: Mapping[str, str]) -> Path:
    """Writes everything into `folder`; returns the park file. `servers`: recorder or feed → its URL."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    (folder / "places.geojson").write_text(layout.geojson(), encoding="utf-8")
    _table(folder / "routes.csv", layout.routes())
    for name, rows in {
        "organizations": people.organization_rows(),
        "people": people.people(),
        "certificates": people.certificates(today),
        "roster": people.roster(today),
        "hazards": register.hazards(today),
        "goods": register.goods(today),
        "equipment": [*register.equipment(), *surveyed()],
        "occupancy": register.occupancy(),
    }.items():
        _table(folder / f"{name}.csv", rows)
    for tenant in stock.DATABASES:
        stock.write_database(folder / f"{tenant}.db", tenant, today)
    for tenant in stock.SPREADSHEETS:
        (folder / "lists" / tenant).mkdir(parents=True)
    stock.write_workbook(folder / "lists" / "jialing" / "stock.xlsx", "jialing", today)
    stock.write_csv(folder / "lists" / "bayu" / "stock.csv", "bayu", today)
    for drop in (folder / "lists").glob("*/*"):
        os.utime(drop, (time.time() - 60,) * 2)  # put there a minute ago, not just being written
    for name in ("rules.toml", "cabinet.toml", "codes.csv"):
        shutil.copy(HERE / name, folder / name)
    park_file = folder / "park.toml"
    park_file.write_text(_park_file(folder, ports, servers), encoding="utf-8")
    return park_file


def _table(path: Path, rows: Iterable[Row]) -> None:
    given = list(rows)
    columns = list(dict.fromkeys(name for row in given for name in row))
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        writer.writerows(given)


def _park_file(folder: Path, ports: Ports, servers: Mapping[str, str]) -> str:
    text = (HERE / "park.toml").read_text(encoding="utf-8")
    text += "".join(
        f'\n[[source.config.sensors]]\nid = "{name}"\nplace = "{detector_zone(name)}"\n' for name in detectors()
    )
    text += _modbus_source("east", ports.east) + _modbus_source("west", ports.west)
    text += "".join(_database(tenant) for tenant in stock.DATABASES)
    text += "".join(_list(tenant) for tenant in stock.SPREADSHEETS)
    text += "".join(_recorder(name, servers[name], folder) for name in RECORDERS)
    text += PANEL.format(port=ports.panel, address=PANEL_ADDRESS)
    text += WEATHER.format(url=servers["weather"])
    return text.replace("port = 8000", f"port = {ports.web}").replace("port = 1883", f"port = {ports.broker}")


def _modbus_source(side: str, port: int) -> str:
    lines = [
        "",
        "[[source]]",
        f'id = "cabinets-{side}"',
        'adapter = "modbus"',
        'every = "250ms"',
        'expect_within = "3s"',
        "[source.config]",
        "timeout_seconds = 1.0",
        'map_files = { cabinet = "cabinet.toml" }',
        "devices = [",
    ]
    address = f'host = "127.0.0.1", port = {port}'
    lines += [
        f'  {{ name = "{c.name}", {address}, unit = {c.unit}, map = "cabinet", place = "{c.zone}" }},'
        for c in cabinets(side)
    ]
    return "\n".join([*lines, "]", ""])


def _database(tenant: str) -> str:
    """A tenant's table, with its own names for things."""
    return f"""
[[source]]
id = "{tenant}-stock"
adapter = "sql"
every = "5s"
discover_every = "10m"
expect_within = "10s"
timezone = "Asia/Shanghai"
organization = "{stock.HOLDERS[tenant]}"
[source.config]
url = "sqlite:///{tenant}.db"
query = "SELECT * FROM stock"
id = "id"
updated_at = "changed_at"
[source.config.columns]
name = "goods"
quantity = "qty"
unit = "uom"
lot_number = "batch"
place = "location"
expires_at = "best_before"
sharing = "share"
agreed_quantity = "agreed"
"""


def _list(tenant: str) -> str:
    return f"""
[[source]]
id = "{tenant}-stock"
adapter = "stock_files"
every = "5s"
expect_within = "30s"
timezone = "Asia/Shanghai"
organization = "{stock.HOLDERS[tenant]}"
[source.config]
folder = "lists/{tenant}"
"""


def _recorder(name: str, url: str, folder: Path) -> str:
    return f"""
[[source]]
id = "{name}"
adapter = "isapi"
expect_within = "1m"
timezone = "Asia/Shanghai"
trusted_schemes = ["serial_number", "recorder_channel"]
[source.config]
url = "{url}"
username = "{USER}"
password = {{ file = "{folder / "recorder.password"}" }}
"""


PANEL = """
[[source]]
id = "fire-panel"
adapter = "gb26875"
expect_within = "90s"
timezone = "Asia/Shanghai"
[source.config]
port = {port}
panels = [{{ address = "{address}", name = "消防控制室 Fire control room", place = "B6-1F-A" }}]
"""
WEATHER = """
[[source]]
id = "weather-office"
adapter = "cap"
every = "1s"
expect_within = "10s"
timezone = "Asia/Shanghai"
[source.config]
url = "{url}/warnings.atom"
"""
