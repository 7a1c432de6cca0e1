"""Reading a folder of policies: what is wrong is told with file and line, and nothing of it comes into force."""

import shutil
from pathlib import Path

import pytest

from graph_models.entities import ENTITIES
from hub.access.policy.catalogue import Catalogue, Field, declared
from hub.access.policy.load import SHIPPED, load
from hub.access.policy.roles import load as load_roles
from hub.access.policy.text import statements, syntax_error
from hub.errors import SettingsError
from hub.graph.selection import FIELDS, MASKABLE

CATALOGUE = declared(MASKABLE)
GOOD = '@id("one") @scope("everything") @mask("SHOW")\npermit (principal, action == Action::"read", resource);\n'


def refusal(tmp_path: Path, text: str) -> str:
    (tmp_path / "park.cedar").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, CATALOGUE)
    return caught.value.message


def test_what_ships_loads() -> None:
    loaded = load(None, CATALOGUE)
    assert len(loaded.rules) > 40
    assert all(rule.zh and rule.en for rule in loaded.rules.values())
    assert loaded.version == load(None, CATALOGUE).version


def test_a_park_replaces_what_it_has_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "mine.cedar").write_text(GOOD, encoding="utf-8")
    loaded = load(tmp_path, CATALOGUE)
    assert [rule.id for rule in loaded.rules.values()] == ["one"]
    assert loaded.roles == load_roles(SHIPPED / "roles.toml")
    assert loaded.version != load(None, CATALOGUE).version


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (GOOD + "\npermit (principal,\n  action,\n  resource)\nwhen { context.drill && && true };\n", 7, "&&"),
        (GOOD + GOOD.replace("one", "two").rstrip().rstrip(";"), 4, "ends with a semicolon"),
        (GOOD + "// a ; comment\n" + GOOD, 4, "taken by park.cedar:1"),
        (GOOD.replace("read", "raed"), 2, "did you mean 'read'"),
        (GOOD.replace("resource)", 'resource in Type::"Persn")'), 2, "did you mean 'Person'"),
        (GOOD.replace("resource)", 'resource == Field::"Person.phnoe")'), 2, "did you mean 'Person.phone'"),
        (GOOD.replace("principal,", 'principal in Role::"gaurd",'), 2, "did you mean 'guard'"),
        (GOOD.replace(";", '\nwhen { context.purpose == Purpose::"emergancy" };'), 3, "did you mean 'emergency'"),
        (GOOD.replace(";", "\nwhen { context.dril };"), 3, "dril"),
        (GOOD.replace(";", '\nwhen { context.drill == "yes" };'), 1, "String"),
        (GOOD.replace("resource)", 'resource in Kind::"Person")'), 2, "there is no kind 'Kind'"),
        (GOOD.replace("principal,", 'principal == Viewer::"zhang",'), 2, "never a single viewer"),
        (GOOD.replace('@id("one") ', ""), 1, "a name of its own"),
        (GOOD.replace('@mask("SHOW")', ""), 1, '@mask("…"): one of SHOW, MASK_LAST4, MASK_ALL'),
        (GOOD.replace("SHOW", "HIDE"), 1, "@mask cannot be 'HIDE'"),
        (GOOD.replace("everything", "everywhere"), 1, "did you mean 'everything'"),
        (GOOD.replace("@mask", "@maks"), 1, "did you mean 'mask'"),
        (GOOD.replace("permit", "forbid"), 1, "a forbid has no @scope"),
        (GOOD.replace("principal,", "principal == ?principal,"), 1, "template"),
    ],
)
def test_an_error_is_told_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    said = refusal(tmp_path, text)
    assert any(f"park.cedar:{line}: " in one and reason in one for one in said.splitlines()), said


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, GOOD.replace("read", "raed") + "permit (principal action);\n" + GOOD.replace("one", "x"))
    assert len(said.splitlines()) == 2


def test_a_folder_without_policies_that_say_anything_is_refused(tmp_path: Path) -> None:
    assert "no policy stands there" in refusal(tmp_path, "// nothing yet\n")
    with pytest.raises(SettingsError, match="no such folder"):
        load(tmp_path / "absent", CATALOGUE)


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("roles.toml", 'purposes = ["reporting"]', 'purposes = ["reportin"]', "did you mean 'reporting'"),
        ("roles.toml", '["staff", "command"]', '["staf"]', "did you mean 'staff'"),
        ("roles.toml", "[roles.guard]", "[roles.guard", "line"),
        ("roles.toml", 'en = "Guard"\n', "", "roles.guard.en"),
        ("roles.toml", 'purpose = "audit"', 'purpose = "privacy"', "is not among its purposes"),
        ("sets.toml", '"Place.code"', '"Place.cod"', "did you mean 'Place.code'"),
        ("sets.toml", '"Hazard.*"', '"Hazrd.*"', "did you mean 'Hazard'"),
        ("sets.toml", "[sets.scene]", "[sets.scene", "line"),
        ("park.cedar", 'Set::"scene"', 'Set::"scenes"', "did you mean 'scene'"),
    ],
)
def test_an_error_in_the_data_names_file_and_place(tmp_path: Path, file: str, old: str, new: str, reason: str) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, CATALOGUE)
    assert f"{file}:" in caught.value.message
    assert reason in caught.value.message


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "park.cedar").write_bytes(b"permit\xff\xfe")
    with pytest.raises(SettingsError, match=r"park\.cedar: cannot be read"):
        load(tmp_path, CATALOGUE)


def test_policies_can_speak_of_every_name_that_a_mask_is_asked_about() -> None:
    for entity in ENTITIES:
        assert entity.__name__ in CATALOGUE.types
    for kind, names in MASKABLE.items():
        assert names <= {field.name.partition(".")[2] for field in CATALOGUE.of(kind)}
        assert set(FIELDS[kind]) <= names


def test_every_personal_field_is_decided_about_by_name() -> None:
    personal = {field.name for field in CATALOGUE.fields.values() if field.personal}
    assert {"Person.name", "Person.phone", "Qualification.certificate"} <= personal
    assert load(None, CATALOGUE).uncovered == []


def test_a_personal_field_that_no_policy_names_is_told() -> None:
    new = Field(name="Person.blood_group", type="Person", personal=True)
    grown = Catalogue(fields={**CATALOGUE.fields, new.name: new})
    assert load(None, grown).uncovered == ["Person.blood_group"]


def test_statements_keep_their_lines() -> None:
    text = (
        '// a ; "\n\n@id("a;b") // hi "\npermit (principal, action, resource);\nforbid (principal, action, resource);'
    )
    found = list(statements(text))
    assert [s.line for s in found] == [3, 5]
    assert [syntax_error(s) for s in found] == [None, None]
