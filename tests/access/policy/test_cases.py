"""The table that a privacy officer reads, the words that explain a decision, and the commands over both."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.access.policy.cases import cases, cases_file, outcomes
from hub.access.policy.catalogue import declared
from hub.access.policy.load import SHIPPED, load
from hub.cli.commands import app
from hub.errors import BadRequest
from hub.graph.selection import MASKABLE

LOADED = load(None, declared(MASKABLE))
HEAD = "role,purpose,flags,action,field,expected,reason\n"


def test_the_table_that_ships_holds_and_speaks_of_every_role_and_every_personal_field() -> None:
    table = cases(SHIPPED / "cases.csv")
    found = list(outcomes(LOADED, table, SHIPPED / "cases.csv"))
    assert [o for o in found if not o.holds] == []
    assert {case.question.role for case in table} == set(LOADED.roles.roles)
    personal = {field.name for field in LOADED.catalogue.fields.values() if field.personal}
    assert personal <= {case.question.field for case in table}
    assert all(case.reason for case in table)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "guard,operations,,raed,Person.phone,nothing,x",
            "cases.csv:2: there is no action 'raed'; did you mean 'read'",
        ),
        (
            "gaurd,operations,,read,Person.phone,nothing,x",
            "cases.csv:2: there is no role 'gaurd'; did you mean 'guard'",
        ),
        ("guard,operations,,read,Person.phnoe,nothing,x", "cases.csv:2: there is no field 'Person.phnoe'"),
        ("guard,operation,,read,Person.phone,nothing,x", "cases.csv:2: there is no purpose 'operation'"),
        ("guard,,on_dutty,read,Person.phone,nothing,x", "cases.csv:2: there is no flag 'on_dutty'"),
        ("guard,,,read,Person.phone,SHOWN everything,x", "cases.csv:2: expected 'SHOWN everything'"),
        ("guard,,,read,Person.phone,SHOW,x", "neither `nothing` nor a mask and a row scope"),
        ("guard,,,read", "cases.csv:2: the row has no 'field'"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(f"{HEAD}{row}\n", encoding="utf-8")
    with pytest.raises(BadRequest) as caught:
        list(outcomes(LOADED, cases(file), file))
    assert said in caught.value.message


def test_a_table_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    row = 'guard,operations,on_duty incident,read,Person.phone,MASK_LAST4 everything,"one, two"\r\n\r\n'
    file.write_bytes(b"\xef\xbb\xbf" + (HEAD.strip() + "\r\n" + row).encode())
    (outcome,) = outcomes(LOADED, cases(file), file)
    assert outcome.holds
    assert outcome.case.reason == "one, two"
    assert cases_file(tmp_path) == file


def test_a_column_too_few_is_told(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("role,purpose\n", encoding="utf-8")
    with pytest.raises(BadRequest, match="lacks the column 'flags'"):
        cases(file)


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["policy", *words])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.output


def test_explain_names_the_rule_the_result_and_what_would_change_it() -> None:
    status, said = run("explain", "--as", "duty_officer", "--purpose", "operations", "Person.phone")
    assert status == 0
    assert "Person.phone: read as duty_officer for operations" in said
    assert "MASK_LAST4 everything" in said
    assert "by command-phones-masked (park.cedar:" in said
    assert "for operations while on_duty holds it would be: SHOW everything" in said


def test_explain_names_what_forbids_and_what_the_role_lacks() -> None:
    _, said = run("explain", "--as", "dashboard", "--when", "break_glass", "Person.phone")
    assert "nothing" in said
    assert "dashboard-never-personal" in said
    _, said = run("explain", "--as", "guard", "--purpose", "privacy", "Place.code")
    assert "the role may not act for privacy; it may for operations, emergency" in said
    with pytest.raises(BadRequest, match=r"did you mean 'Person\.phone'"):
        run("explain", "--as", "guard", "Person.phon")


def test_test_ends_with_one_where_the_policies_say_otherwise(tmp_path: Path) -> None:
    assert run("test") == (0, f"passed: {(n := len(cases(SHIPPED / 'cases.csv')))}/{n}\n")
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEAD}guard,,,read,Person.phone,SHOW everything,wished\n", encoding="utf-8")
    status, said = run("test", str(file))
    assert status == 1
    assert "wished" in said
    assert "passed: 0/1" in said


def test_list_shows_each_rule_with_its_place() -> None:
    status, said = run("list", "--json")
    assert status == 0
    assert all(rule.id in said for rule in LOADED.rules.values())
