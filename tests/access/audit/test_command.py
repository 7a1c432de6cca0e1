"""`causeway audit`, as an operator types it."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.access.audit.audit import Audit
from hub.access.audit.witness import in_journal
from hub.parts import audit_config, open_parts
from hub.settings import load
from tests.access.audit.keeping import personal, plain

PARK = '[park]\nname = "test"\n'


@pytest.fixture
def park(tmp_path: Path) -> Path:
    """A park in whose record there is something."""
    file = tmp_path / "park.toml"
    file.write_text(PARK, encoding="utf-8")

    async def main() -> None:
        settings = load(file)
        async with open_parts(settings) as parts:
            audit = await Audit.open(audit_config(settings), witness=in_journal(parts.journal))
            for number in range(5):
                await audit.write(personal("li", f"other-{number}"))
            audit.offer(plain(7))
            await audit.close()

    asyncio.run(main())
    return file


def audit(park: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.cli", "audit", *arguments, "--config", str(park)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
    )


def result(done: subprocess.CompletedProcess[str]) -> Mapping[str, object]:
    assert done.returncode in (0, 1), done.stderr
    (found,) = [line["result"] for line in map(json.loads, done.stdout.splitlines()) if "result" in line]
    assert isinstance(found, dict)
    return found


def test_verify_says_that_the_record_holds_then_names_what_does_not(park: Path) -> None:
    done = audit(park, "verify")
    assert done.returncode == 0, done.stderr
    assert "the record holds" in done.stdout and "entries: 6" in done.stdout
    with sqlite3.connect(park.parent / "var" / "audit.db") as database:
        database.execute("UPDATE entry SET body = replace(body, 'guard-7', 'guard-8') WHERE number = 3")
        database.execute("DELETE FROM entry WHERE number > 4")
        database.execute("DELETE FROM checkpoint WHERE number > 4")
    done = audit(park, "verify")
    assert done.returncode == 1
    assert re.search(r"3 +changed +entry 3 was changed", done.stdout), done.stdout
    assert re.search(r"4 +truncated +entry 4 is the last one", done.stdout), done.stdout
    assert "vouches for 6" in done.stdout and "the record was changed" in done.stdout


def test_verify_trusts_the_key_that_it_is_given_alone(park: Path) -> None:
    done = audit(park, "key")
    key = done.stdout.partition("key: ")[2].strip()
    assert audit(park, "verify", "--key", key).returncode == 0
    other = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    done = audit(park, "verify", "--key", other)
    assert done.returncode == 1 and "is not trusted here" in done.stdout
    assert audit(park, "verify", "--key", other, "--key", key).returncode == 0
    done = audit(park, "verify", "--key", "nonsense")
    assert done.returncode == 2 and "is no public Ed25519 key" in done.stderr


def test_who_saw_names_the_viewers_and_the_fields_and_is_itself_recorded(park: Path) -> None:
    found = result(audit(park, "who-saw", "li", "--since", "1h", "--json"))
    rows = found["rows"]
    assert isinstance(rows, list) and len(rows) == 5 and found["viewers"] == 1
    assert {(row["subject"], row["shown"], row["purpose"]) for row in rows} == {
        ("guard-7", "Person.phone", "operations")
    }
    assert result(audit(park, "who-saw", "other-3", "--json"))["answers"] == 1
    assert "Nothing of the kind" in audit(park, "who-saw", "nobody").stdout
    listed = result(audit(park, "list", "--first", "3", "--json"))["rows"]
    assert isinstance(listed, list)
    assert [row["operation"] for row in listed] == ["command audit who-saw"] * 3
    (row,) = result(audit(park, "report", "li", "--json"))["rows"]  # type: ignore[misc]
    assert (row["subject"], row["shown"], row["answers"]) == ("guard-7", "Person.phone", 5)
    assert "neither a time" in audit(park, "who-saw", "li", "--since", "yesterday").stderr
    assert audit(park, "verify").returncode == 0


def test_a_damaged_file_is_said_to_be_damaged(park: Path) -> None:
    (park.parent / "var" / "audit.db").write_bytes(b"no database" * 1000)
    for file in (park.parent / "var").glob("audit.db-*"):
        file.unlink()
    done = audit(park, "verify")
    assert done.returncode != 0 and "damaged" in done.stderr, done.stderr
