"""The table of MUSTs in docs/oauth.md names tests that there are, of every standard that the issuer keeps."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "oauth.md"
ROW = re.compile(r"^\| (RFC [^|]+) \| ([^|]+) \| `(\w+\.py)::(\w+)` \|$", re.MULTILINE)
STANDARDS = {6238, 6749, 7009, 7517, 7636, 7662, 8252, 8414, 8628, 8707, 9068, 9207, 9700}


def functions(file: Path) -> set[str]:
    """The tests of a module that hold something against something."""
    return {
        node.name
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
    }


def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_every_row_can_be_read() -> None:
    table = PAGE.read_text(encoding="utf-8").split("| standard | it must | test |\n|---|---|---|\n")[1]
    assert len(rows()) == table.count("\n")


def test_every_must_has_a_test_that_there_is() -> None:
    missing = [f"{file}::{name}" for _, _, file, name in rows() if name not in functions(HERE / file)]
    assert missing == []


def test_every_standard_is_in_the_table() -> None:
    assert {int(number) for standard, *_ in rows() for number in re.findall(r"RFC (\d+)", standard)} == STANDARDS
