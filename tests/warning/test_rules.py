import string
from datetime import timedelta
from pathlib import Path

import pytest

from graph_models.entities import Severity
from hub.errors import SettingsError
from hub.units import Quantity
from hub.warning import rules, words
from hub.warning.rules import RuleSet, SilenceRule

QUANTITIES = {
    "temperature": Quantity(name="temperature", unit="Cel", heartbeat=timedelta(seconds=60)),
    "humidity": Quantity(name="humidity", unit="%"),
    "residual_current": Quantity(name="residual_current", unit="mA"),
    "cable_temperature": Quantity(name="cable_temperature", unit="Cel"),
    "voltage": Quantity(name="voltage", unit="V"),
    "smoke_obscuration": Quantity(name="smoke_obscuration", unit="%/m"),
    "carbon_monoxide": Quantity(name="carbon_monoxide", unit="[ppm]"),
}
GOOD = """
[[limit]]
id = "hot"
quantity = "temperature"
direction = "high"
limit = 60
on_delay = "10s"
severity = "SEVERE"
code = "temperature_high"
"""
PARK = Path(__file__).parents[2] / "examples" / "park" / "rules.toml"


def written(folder: Path, text: str) -> Path:
    file = folder / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_parks_own_rules_can_be_read_and_say_where_each_figure_is_from() -> None:
    rule_set = rules.load(PARK, QUANTITIES)
    limits = [rule for rule in rule_set.rules if rule.type == "limit"]
    assert {"residual_current", "cable_temperature", "smoke_obscuration", "temperature", "humidity", "voltage"} <= {
        rule.quantity for rule in limits
    }
    assert all(rule.basis for rule in limits)
    assert {rule.id for rule in limits if rule.verified} == {"residual-current-high", "residual-current-extreme"}


def test_what_is_recorded_is_what_was_read(tmp_path: Path) -> None:
    for file in (PARK, written(tmp_path, GOOD)):
        rule_set = rules.load(file, QUANTITIES)
        assert RuleSet.of(rule_set.recorded()) == rule_set


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("limit = 60", "limt = 60"), "limit[0] (hot).limt: there is no such key; did you mean 'limit'?"),
        (('"temperature"', '"temprature"'), "is no quantity of the park file; did you mean 'temperature'?"),
        (('"10s"', '"10 parsecs"'), "is no duration"),
        (('"SEVERE"', '"RED"'), "severity"),
        (('"temperature_high"', '"temperature_hi"'), "has no words; did you mean 'temperature_high'?"),
        (("limit = 60", 'limit = 60\nunit = "K"'), "'K' is not the unit of temperature"),
        (("limit = 60", "limit = nan"), "finite"),
        (("[[limit]]", "[[limits]]"), "there is no such kind of rule; did you mean 'limit'?"),
        (("[[limit]]", "[limit]"), "write it as [[limit]]"),
        (('"hot"', '"Hot!"'), "id"),
    ],
)
def test_a_wrong_rule_says_what_to_do(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    file = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(SettingsError) as refused:
        rules.load(file, QUANTITIES)
    assert said in refused.value.message and str(file) in refused.value.message


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        rules.load(written(tmp_path, GOOD + GOOD + GOOD.replace("limit = 60", "")), QUANTITIES)
    assert "'hot' stands twice" in refused.value.message and "limit[2] (hot).limit" in refused.value.message


def test_a_silence_shorter_than_twice_the_heartbeat_is_refused_and_both_are_named(tmp_path: Path) -> None:
    text = (
        '[[silence]]\nid = "quiet"\nquantity = "temperature"\nafter = "{}"\nseverity = "MINOR"\ncode = "sensor_silent"'
    )
    with pytest.raises(SettingsError) as refused:
        rules.load(written(tmp_path, text.format("119s")), QUANTITIES)
    assert "quiet" in refused.value.message and "heartbeat of temperature" in refused.value.message
    assert "119s" in refused.value.message and "at least 120s" in refused.value.message
    (rule,) = rules.load(written(tmp_path, text.format("2m")), QUANTITIES).rules
    assert isinstance(rule, SilenceRule) and rule.after == timedelta(minutes=2)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        rules.load(tmp_path / "none.toml", QUANTITIES)


# ---- words


def alert(code: str, **given: object) -> dict[str, object]:
    return {
        "code": code,
        "severity": Severity.SEVERE,
        "subject": {"id": "e-1", "kind": "SENSOR", "name": "柜 7"},
        "path": [{"id": "z", "kind": "ZONE", "name": "A区"}, {"id": "b", "kind": "BUILDING", "name": None}],
        "quantity": "temperature",
        "value": 71.54,
        "limit": 60.0,
        "unit": "Cel",
        **given,
    }


def test_every_code_quantity_and_unit_has_words_in_both_languages() -> None:
    zh, en = (words.catalogue(language) for language in words.LANGUAGES)
    for part in ("codes", "quantities", "units"):
        assert set(zh[part]) == set(en[part]) and all(zh[part].values()) and all(en[part].values())
    for catalogue in (zh, en):
        for template in catalogue["codes"].values():
            used = {name for _, name, _, _ in string.Formatter().parse(template) if name}
            assert used <= {"subject", "quantity", "value", "limit", "issuer", "event", "colour", "headline"}
            assert "subject" in used
    assert {rule.code for rule in rules.load(PARK, QUANTITIES).rules} <= words.codes()


def test_a_text_says_where_what_and_how_much() -> None:
    assert words.text(alert("temperature_high"), "en") == "b · A区 · 柜 7: temperature 71.54 °C, at or above 60 °C"
    assert words.text(alert("temperature_high"), "zh") == "b · A区 · 柜 7:温度 71.54 °C,达到限值 60 °C"
    assert "119" in words.text(alert("smoke_high"), "zh") and "119" in words.text(alert("smoke_high"), "en")
    assert words.text(alert("sensor_silent", value=None, limit=None), "zh") == "b · A区 · 柜 7:温度没有读数"
    assert words.text(alert("of_a_newer_hub"), "en") == "of_a_newer_hub"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.8,zh;q=0.5", "en"),
        ("fr, zh;q=0.3, en;q=0.9", "en"),
        ("de", "zh"),
        ("en;q=0, zh", "zh"),
        ("en;q=x, *", "zh"),
    ],
)
def test_the_language_is_what_the_reader_asked_for(header: str | None, language: str) -> None:
    assert words.pick(header) == language
