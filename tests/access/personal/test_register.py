"""The register of processing says what the declarations and the policies in force say, in both languages."""

import csv
import io
from pathlib import Path

from typer.testing import CliRunner

from hub.access.personal import register
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.cli.commands import app
from hub.graph.derive import personal_fields
from hub.graph.selection import MASKABLE


def test_every_personal_field_is_in_it_with_whom_it_is_shown_to() -> None:
    loaded = load(None, declared(MASKABLE))
    found = {row.field: row for row in register.rows(loaded)}
    assert found.keys() == personal_fields()
    assert found["Person.name"].searched and not found["Person.phone"].searched
    assert ("privacy_officer", "privacy", "MASK_LAST4 everything") in found["Person.phone"].shown
    assert not [role for row in found.values() for role, _, _ in row.shown if role == "dashboard"]
    purposes = {purpose for row in found.values() for purpose in row.purposes}
    assert purposes <= loaded.roles.purposes.keys(), "a purpose is one that policies know"


def test_it_is_printed_in_both_languages(tmp_path: Path) -> None:
    none = ["--config", str(tmp_path / "none.toml")]
    chinese = CliRunner().invoke(app, ["privacy", "register", *none])
    assert chinese.exit_code == 0 and chinese.stdout.startswith("# 个人信息处理登记册")
    assert "| Person.phone | 日常运行；应急处置 | 加密 | 180 |" in chinese.stdout
    english = CliRunner().invoke(app, ["privacy", "register", "--lang", "en", "--format", "csv", *none])
    rows = list(csv.reader(io.StringIO(english.stdout)))
    assert rows[0][0] == "Field" and len({len(row) for row in rows}) == 1
    assert {row[0] for row in rows[1:]} == personal_fields()
