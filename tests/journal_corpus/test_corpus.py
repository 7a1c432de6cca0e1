"""Every payload that was ever released can still be read, and none is released without its row here."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import is_typeddict

from graph_models.entities import Severity
from hub.errors import JournalCorrupt
from hub.journal import payloads
from hub.journal.encoding import decode_resolved, decode_signal
from hub.journal.upcast import CURRENT, STEPS, upcast
from hub.warning import alerts
from hub.warning.rules import RuleSet

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
    claim, targets = decode_resolved("Asset", "3", stored["version"], json.dumps(stored["data"]).encode())
    assert claim.values["name"] == "配电柜 3 温度"
    assert targets


@pytest.mark.parametrize("path", [path for path in ROWS if path.stem.startswith("signal.")], ids=lambda path: path.stem)
def test_a_released_signal_is_decoded(path: Path) -> None:
    stored = row(path)
    signal = decode_signal("line.crossed", "3", stored["version"], json.dumps(stored["data"]).encode())
    assert signal.at is not None and signal.at.utcoffset() is not None


@pytest.mark.parametrize("path", sorted(CORPUS.glob("rules.replaced.*")), ids=lambda path: path.stem)
def test_released_rules_are_rules_still(path: Path) -> None:
    """A replay reads the rules of its time from the log."""
    stored = row(path)
    _, data = upcast(stored["type"], stored["version"], stored["data"])
    assert {rule.type for rule in RuleSet.of(data).rules} >= {"limit", "silence", "source"}


def test_what_the_warning_engine_writes_has_the_shape_of_its_row() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    named = alerts.Named(id="a", kind="Asset")
    measured = alerts.Measured(quantity="temperature", unit="Cel", value=71.5, limit=70.0)
    first = alerts.opened(
        id="x", rule="hot", severity=Severity.SEVERE, code="c", at=at, measured=measured, subject=named, path=[named]
    )
    later = alerts.closed(alerts.returned(alerts.acknowledged(first, at=at, by="li"), at=at), at=at)
    for type_, snapshot, note in (("alert.opened", first, None), ("alert.closed", later, "looked at it")):
        event = alerts.event(type_, snapshot, expected=0, actor="engine", cause=None, note=note)
        assert event.version == CURRENT[type_]
        check(type_, json.loads(json.dumps(dict(event.data))))


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
