"""What the processes take that read files: 200 MB at most, however large the file that they may read."""

import csv
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import openpyxl
import pytest

from hub.ingest.imports.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
MOST = 200_000_000
SPAWN = """
import json, os, subprocess, sys
child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE)
last = b""
for last in child.stdout:
    pass
_, status, used = os.wait4(child.pid, 0)
print(json.dumps([status, used.ru_maxrss * 1024, last.decode()]))
"""
"""From a small process, since a child's peak begins with that of whoever starts it."""
HEADER = ("物资名称", "数量", "单位", "批号", "有效期至", "存放地点")


def large_csv(folder: Path) -> Path:
    """100 MB."""
    file = folder / "a.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(HEADER)
        out.writerows(("灭火器" * 52, "12", "具", f"L{i}", "2027-05-01", "B2-1F") for i in range(190_000))
    assert 90_000_000 < file.stat().st_size < 100_000_000
    return file


def large_workbook(folder: Path) -> Path:
    """Just under 200,000 rows."""
    file = folder / "a.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for i in range(199_000):
        sheet.append((f"灭火器 {i % 3000} 号", 12.5 + i, "具", f"L{i}", "2027-05-01", f"B{i % 60}-1F"))
    book.save(file)
    return file


def large_map(folder: Path) -> Path:
    """50 MB of outlines."""
    file = folder / "a.geojson"
    with file.open("w", encoding="utf-8") as stream:
        stream.write('{"type": "FeatureCollection", "features": [\n')
        for i in range(20_000):
            ring = [[106.5 + i * 1e-6 + n * 1.0000001e-7, 29.5 + (n % 60) ** 2 * 1.000001e-9] for n in range(59)]
            properties = {"code": f"Z{i}", "kind": "ZONE", "name": f"区域 {i}", "part_of": "P"}
            feature = {"properties": properties, "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}}
            stream.write((",\n" if i else "") + json.dumps({"type": "Feature", **feature}))
        stream.write("]}")
    assert 45_000_000 < file.stat().st_size < 60_000_000, file.stat().st_size
    return file


def spawned(*arguments: str) -> tuple[int, int, dict[str, object]]:
    """Exit status, peak of resident bytes, and the last line."""
    command = [sys.executable, "-c", SPAWN, *arguments]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=110).stdout
    status, peak, line = json.loads(told)
    return status, peak, json.loads(line)


@pytest.mark.parametrize("made", [large_csv, large_workbook])
def test_a_tenants_list(tmp_path: Path, made: object) -> None:
    file = made(tmp_path)  # type: ignore[operator]
    limits = ("200000", "100000000", str(MOST), "60")
    status, peak, last = spawned("-m", "adapters.inventory.table_child", str(file), "", *limits)
    assert (status, last) == (0, {"end": True})
    assert peak < MOST, f"{peak / 1e6:.0f} MB"


@pytest.mark.parametrize("made", [large_csv, large_workbook, large_map])
def test_a_parks_table(tmp_path: Path, made: object) -> None:
    file = made(tmp_path)  # type: ignore[operator]
    limits = json.dumps(asdict(Limits(bytes=100_000_000, rows=200_000, shapes=("Polygon",))))
    status, peak, last = spawned("-m", "hub.ingest.imports.child", limits, str(file))
    assert status == 0 and "end" in last, last
    assert peak < MOST, f"{peak / 1e6:.0f} MB"
