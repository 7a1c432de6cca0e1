"""Every payload that was ever released can still be read, and none is released without its row here."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import is_typeddict

from hub.errors import JournalCorrupt
from hub.journal import payloads
from hub.journal.encoding import decode_claim, decode_signal
from hub.journal.upcast import CURRENT, STEPS, upcast

CORPUS = Path(__file__).parent
ROOT = CORPUS.parents[1]
ROWS = sorted(CORPUS.glob("*.json"))
SHAPES = {name: shape for name, (_, shape) in payloads.EVENTS.items()} | {
    "claim": payloads.ClaimPayload,
    "signal": payloads.SignalPayload,
}
for each in vars(payloads).values():
    if is_typeddict(each):
        with_config(ConfigDict(extra="forbid"))(each)


def row(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def check(type_: str, data: object) -> None:
    """Strict: a number is no text, and a key that nobody declared is an error."""
    TypeAdapter(SHAPES[type_]).validate_python(data, strict=True)


@pytest.mark.parametrize("path", ROWS, ids=lambda path: path.stem)
def test_a_released_row_is_read_as_the_newest_version(path: Path) -> None:
    stored = row(path)
    assert path.name == f"{stored['type']}.v{stored['version']}.json"
    version, data = upcast(stored["type"], stored["version"], stored["data"])
    assert version == CURRENT[stored["type"]]
    check(stored["type"], data)


@pytest.mark.parametrize("path", [path for path in ROWS if path.stem.startswith("claim.")], ids=lambda path: path.stem)
def test_a_released_claim_is_decoded(path: Path) -> None:
    stored = row(path)
    claim, targets = decode_claim("Asset", "3", stored["version"], json.dumps(stored["data"]).encode())
    assert claim.values["name"] == "配电柜 3 温度"
    assert targets


@pytest.mark.parametrize("path", [path for path in ROWS if path.stem.startswith("signal.")], ids=lambda path: path.stem)
def test_a_released_signal_is_decoded(path: Path) -> None:
    stored = row(path)
    signal = decode_signal("line.crossed", "3", stored["version"], json.dumps(stored["data"]).encode())
    assert signal.at is not None and signal.at.utcoffset() is not None


@pytest.mark.parametrize("type_", sorted(CURRENT))
def test_every_version_has_its_row(type_: str) -> None:
    missing = [
        f"{type_}.v{version}.json"
        for version in range(1, CURRENT[type_] + 1)
        if not (CORPUS / f"{type_}.v{version}.json").exists()
    ]
    assert not missing, f"a payload is released with its row in tests/journal_corpus: add {missing}"


def test_every_step_up_exists() -> None:
    assert set(STEPS) == {(type_, version) for type_, newest in CURRENT.items() for version in range(1, newest)}


def test_no_row_was_lost_of_a_type_that_the_code_no_longer_knows() -> None:
    assert {row(path)["type"] for path in ROWS} == set(CURRENT)


def test_the_code_writes_no_event_that_is_not_in_the_list() -> None:
    written = {name: where for folder in ("hub", "schema") for name, where in _written(ROOT / folder)}
    unknown = {name: where for name, where in written.items() if name not in payloads.EVENTS}
    assert not unknown, f"declare these in hub/journal/payloads.py and add their rows: {unknown}"
    assert "alert.opened" in payloads.EVENTS and written


def test_a_payload_of_a_newer_hub_is_refused_with_what_to_do() -> None:
    with pytest.raises(JournalCorrupt, match="upgrade"):
        upcast("alert.opened", 99, {})
    with pytest.raises(JournalCorrupt, match=r"unknown type 'alert\.exploded'"):
        upcast("alert.exploded", 1, {})


def test_a_row_of_the_wrong_shape_is_noticed() -> None:
    with pytest.raises(ValidationError):
        check("source.recovered", {"source": "cabinets", "reason": "ok", "more": 1})
    with pytest.raises(ValidationError):
        check("entity.merged", {"entity": "a"})


def test_old_versions_climb_one_step_at_a_time() -> None:
    steps = {
        ("x", 1): lambda data: {"name": data["title"]},
        ("x", 2): lambda data: {**data, "unit": "Cel"},
    }
    assert upcast("x", 1, {"title": "t"}, current={"x": 3}, steps=steps) == (3, {"name": "t", "unit": "Cel"})
    assert upcast("x", 2, {"name": "t"}, current={"x": 3}, steps=steps) == (3, {"name": "t", "unit": "Cel"})


def _written(folder: Path) -> Iterator[tuple[str, str]]:
    """The types of `NewEvent(type="…")` in the code, with where they stand."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NewEvent"):
                continue
            for keyword in node.keywords:
                if keyword.arg == "type" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value), f"{path.relative_to(ROOT)}:{node.lineno}"
