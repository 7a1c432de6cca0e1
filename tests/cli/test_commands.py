"""The `causeway` command as an operator meets it, without a running hub."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from adapters.contract import Claim, Link
from hub import settings as park_file
from hub.clock import now
from hub.journal.records import Draft
from hub.parts import open_parts

pytestmark = pytest.mark.long

PARK = """
[park]
name = "Test park"

[[quantity]]
name = "temperature"
unit = "Cel"

[[source]]
id = "gateway"
adapter = "mqtt"
[source.config]
host = "127.0.0.1"
port = 1
[[source.config.subscriptions]]
topic = "a/{sensor}"
format = "number"
quantity = "temperature"
unit = "Cel"
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def causeway(tmp_path: Path) -> Run:
    (tmp_path / "park.toml").write_text(PARK, encoding="utf-8")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command: Sequence[str] = [sys.executable, "-m", "hub.cli", *arguments]
        environment = {k: v for k, v in os.environ.items() if k != "NEO4J_URI"} | {"COLUMNS": "200", "TERM": "dumb"}
        root = str(Path(__file__).resolve().parents[2])
        environment["PYTHONPATH"] = root
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)

    return run


def test_help_names_every_command_and_how_to_begin(causeway: Run) -> None:
    said = causeway("--help").stdout
    names = ("serve", "check", "demo", "rebuild", "replay", "backup", "restore", "sources", "adapters", "dead-letters")
    assert all(name in said for name in names)
    assert "causeway check" in said


def test_check_says_what_to_mend_and_fails(causeway: Run) -> None:
    done = causeway("check")
    assert done.returncode == 1
    assert "MEND source gateway" in done.stdout
    assert "127.0.0.1:1" in done.stdout
    found = [json.loads(line) for line in causeway("check", "--json").stdout.splitlines()]
    assert {f["what"] for f in found if not f["ok"]} == {"source gateway (mqtt)"}


def test_wrong_settings_end_every_command_with_2(causeway: Run, tmp_path: Path) -> None:
    (tmp_path / "park.toml").write_text(PARK.replace("[park]", "[prak]"), encoding="utf-8")
    done = causeway("sources")
    assert done.returncode == 2
    assert "did you mean 'park'" in done.stderr
    assert "Traceback" not in done.stderr


def test_places_come_in_after_a_look_and_a_backup_brings_them_back(causeway: Run, tmp_path: Path) -> None:
    assert causeway("import", "places", "places.csv", "--template").returncode == 0
    looked = causeway("import", "places", "places.csv", "--dry-run", "--json")
    assert json.loads(looked.stdout.splitlines()[-1])["result"]["changes"] == 6
    assert causeway("import", "places", "places.csv", "--yes").returncode == 0
    assert "Nothing would change" in causeway("import", "places", "places.csv").stdout
    assert causeway("backup", "copy").returncode == 0
    assert "not empty" in causeway("backup", "copy").stderr
    refused = causeway("restore", "copy")
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    assert causeway("restore", "copy", "--force").returncode == 0
    again = causeway("import", "places", "places.csv", "--dry-run", "--json")
    assert json.loads(again.stdout.splitlines()[-1])["result"]["unchanged"] == 6


def test_a_rejected_row_fails_the_look_and_names_the_row(causeway: Run, tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("code,kind,part_of\nA,ZONE,nowhere\n", encoding="utf-8")
    done = causeway("import", "places", "places.csv", "--dry-run")
    assert done.returncode == 1
    assert "nowhere" in done.stdout


def test_an_empty_log_replays_and_has_no_dead_letters(causeway: Run) -> None:
    assert "equal" in causeway("replay", "--check").stdout
    assert causeway("replay").returncode == 1
    assert "No dead letters" in causeway("dead-letters", "list").stdout
    assert "there is no dead letter 7" in causeway("dead-letters", "show", "7").stderr


def test_adapters_are_listed_with_what_they_read(causeway: Run) -> None:
    said = causeway("adapters", "list").stdout
    assert "modbus" in said
    assert "mqtt" in said


def test_a_state_folder_that_another_process_holds_is_refused_by_name(causeway: Run, tmp_path: Path) -> None:
    from hub.journal.lock import StateLock

    lock = StateLock.take(tmp_path / "var")
    try:
        done = causeway("dead-letters", "list")
    finally:
        lock.release()
    assert done.returncode == 1
    assert str(os.getpid()) in done.stderr


def test_a_tenants_list_from_the_drop_to_its_codes(causeway: Run, tmp_path: Path) -> None:
    lists = (
        '\n[[source]]\nid = "acme"\nadapter = "stock_files"\norganization = "acme"\n[source.config]\nfolder = "drop"\n'
    )
    (tmp_path / "park.toml").write_text(PARK + lists, encoding="utf-8")
    (tmp_path / "drop").mkdir()
    rows = "品名,库存,单位\n干粉灭火器,12,具\n头灯,约十,个\n手电,3,个\n"
    (tmp_path / "drop" / "may.csv").write_text(rows, encoding="gbk")
    os.utime(tmp_path / "drop" / "may.csv", (1e9, 1e9))
    sample = Path(__file__).resolve().parents[2] / "examples" / "park" / "codes.csv"
    (tmp_path / "codes.csv").write_bytes(sample.read_bytes())
    assert "stored" in causeway("import", "codes", "codes.csv", "--yes").stdout
    shown = causeway("supplies", "lists", "acme").stdout
    assert "PROPOSED" in shown and "1 accepted + 1 without a code + 1 rejected = 3 rows" in shown
    assert "库存: '约十' is no number" in shown
    wrong = causeway("supplies", "confirm", "acme", "may.csv", "--set", "quantity=库")
    assert wrong.returncode != 0 and "did you mean '库存'" in wrong.stderr
    assert causeway("supplies", "confirm", "acme", "may.csv").returncode == 0
    assert "confirmed" in causeway("supplies", "lists", "acme").stdout
    assert "Every lot has a code" in causeway("supplies", "unmapped").stdout, "nothing was read yet"
    assert causeway("supplies", "map", "手电", "SAMPLE-204").returncode == 0
    assert "2 accepted + 0 without a code + 1 rejected" in causeway("supplies", "lists", "acme").stdout
    refused = causeway("supplies", "map", "手电", "SAMPLE-999")
    assert refused.returncode != 0 and "causeway import codes" in refused.stderr


def test_a_match_is_listed_and_refused_or_accepted_by_an_operator(causeway: Run, tmp_path: Path) -> None:
    assert "Nothing waits" in causeway("matches", "list").stdout

    async def say() -> None:
        async with open_parts(park_file.load(tmp_path / "park.toml")) as parts:
            place = Claim(kind="Place", external_id="hall", values={"kind": "ZONE", "name": "Hall"})
            await parts.journal.append(Draft(source="plan", received_at=now(), claims=[place]))
            for source in ("survey", "list"):
                pumps = [
                    Claim(
                        kind="Asset",
                        external_id=f"{source}-{name}",
                        values={"kind": "EQUIPMENT", "name": name},
                        links=(Link(relation="LOCATED_IN", target="hall", source="plan"),),
                    )
                    for name in ("Pump", "Tap")
                ]
                await parts.journal.append(Draft(source=source, received_at=now(), claims=pumps))

    asyncio.run(say())
    rows = json.loads(causeway("matches", "list", "--json").stdout.splitlines()[-1])["result"]["rows"]
    assert sorted((row["left"], row["right"]) for row in rows) == [
        ("Asset Pump (survey: survey-Pump)", "Asset Pump (list: list-Pump)"),
        ("Asset Tap (survey: survey-Tap)", "Asset Tap (list: list-Tap)"),
    ]
    assert {row["reason"] for row in rows} == {"LOOKS_ALIKE"}
    pump, tap = sorted(rows, key=lambda row: row["left"])
    assert causeway("matches", "accept", pump["id"], "--reason", "one pump").returncode == 0
    assert causeway("matches", "refuse", tap["id"]).returncode == 0
    late = causeway("matches", "refuse", pump["id"])
    assert (late.returncode, "accepted already" in late.stderr) == (1, True)
    assert "there is no match nothing" in causeway("matches", "accept", "nothing").stderr
    assert "Nothing waits" in causeway("matches", "list").stdout


def test_a_folder_of_tables_is_a_park(causeway: Run, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    assert "name them" in causeway("import", "park", "tables").stderr
    for kind in ("places", "organizations", "people"):
        causeway("import", kind, f"tables/{kind}.csv", "--template")
    with (tables / "people.csv").open("a", encoding="utf-8") as people:
        people.write("G-09,Nobody,,guard,T-999\n")
    done = causeway("import", "park", "tables", "--yes")
    assert done.returncode == 1, "a row was rejected"
    assert "T-999" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("rejected: ")] == [
        "rejected: 0",
        "rejected: 0",
        "rejected: 1",
    ]
    causeway("import", "places", "tables/places.xlsx", "--template")
    twice = causeway("import", "park", "tables", "--yes")
    assert twice.returncode != 0
    assert "leave one" in twice.stderr
