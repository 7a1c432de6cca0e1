"""The demo's park, the same at every run: 6 buildings, 240 cabinets behind two Modbus servers, 60 smoke detectors."""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SEED = 20261
BUILDINGS = (
    ("B1", "五金交易楼 Hardware hall"),
    ("B2", "汽配仓库 Car parts store"),
    ("B3", "摩配车间 Motorcycle workshop"),
    ("B4", "孵化楼 Incubator"),
    ("B5", "物流中心 Logistics centre"),
    ("B6", "综合办公楼 Offices"),
)
STOREYS = 3
ZONES = "ABCD"
CABINETS_EACH = 120
DETECTORS = 60
LATITUDE, LONGITUDE = 29.5630, 106.5516  # Chongqing, WGS-84


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    east: int
    west: int
    broker: int
    web: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cabinet:
    name: str
    unit: int
    zone: str


def zones() -> Sequence[str]:
    return [f"{b}-{s}F-{z}" for b, _ in BUILDINGS for s in range(1, STOREYS + 1) for z in ZONES]


def cabinets(side: str) -> Sequence[Cabinet]:
    """`east` stands in the first three buildings, `west` in the others."""
    half = len(zones()) // 2
    mine = zones()[:half] if side == "east" else zones()[half:]
    chance = random.Random(SEED + len(side) + (side == "west"))
    return [
        Cabinet(name=f"{side}-{unit:03}", unit=unit, zone=chance.choice(mine)) for unit in range(1, CABINETS_EACH + 1)
    ]


def detectors() -> Sequence[str]:
    return [f"smoke-{number:02}" for number in range(1, DETECTORS + 1)]


def detector_zone(name: str) -> str:
    return zones()[int(name.rpartition("-")[2]) % len(zones())]


def places() -> Iterator[dict[str, object]]:
    yield {"code": "P", "kind": "PARK", "name": "示范园区 Demo park", "latitude": LATITUDE, "longitude": LONGITUDE}
    for number, (code, name) in enumerate(BUILDINGS):
        neighbour = BUILDINGS[(number + 1) % len(BUILDINGS)][0]
        east = round(LONGITUDE + 0.0008 * number, 6)
        yield {
            "code": code,
            "kind": "BUILDING",
            "name": name,
            "part_of": "P",
            "adjacent_to": neighbour,
            "area": 3600,
            "latitude": LATITUDE,
            "longitude": east,
        }
        for storey in range(1, STOREYS + 1):
            above = f"{code}-{storey}F"
            yield {
                "code": above,
                "kind": "STOREY",
                "name": f"{storey}F",
                "part_of": code,
                "level": storey,
                "area": 1200,
            }
            for zone in ZONES:
                full = f"{above}-{zone}"
                yield {"code": full, "kind": "ZONE", "name": f"{full} 区", "part_of": above, "area": 300}


def write(folder: Path, ports: Ports) -> Path:
    """Writes places.csv, rules.toml and park.toml into `folder`; returns the park file."""
    columns = ("code", "kind", "name", "part_of", "adjacent_to", "level", "area", "latitude", "longitude")
    with (folder / "places.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns)
        writer.writeheader()
        writer.writerows(places())
    (folder / "rules.toml").write_text((HERE / "rules.toml").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "cabinet.toml").write_text((HERE / "cabinet.toml").read_text(encoding="utf-8"), encoding="utf-8")
    text = (HERE / "park.toml").read_text(encoding="utf-8")
    text += "".join(
        f'\n[[source.config.sensors]]\nid = "{name}"\nplace = "{detector_zone(name)}"\n' for name in detectors()
    )
    for name in ("east", "west"):
        text += _modbus_source(name, getattr(ports, name))
    text = text.replace("port = 8000", f"port = {ports.web}").replace("port = 1883", f"port = {ports.broker}")
    park_file = folder / "park.toml"
    park_file.write_text(text, encoding="utf-8")
    return park_file


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
