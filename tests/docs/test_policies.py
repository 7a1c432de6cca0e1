"""docs/policies.md: its setting loads, its policy stands by itself, its table holds, `explain` says what it shows."""

import re
from pathlib import Path

import pytest

from hub import settings
from hub.access.policy.cases import cases, outcomes
from hub.access.policy.catalogue import declared
from hub.access.policy.explaining import Question, explain
from hub.access.policy.load import load
from hub.graph.selection import MASKABLE
from tests.docs.pages import DOCS, blocks

PAGES = [DOCS / "policies.md", DOCS / "policies.zh.md"]
CATALOGUE = declared(MASKABLE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_setting_and_the_policy_load(page: Path, tmp_path: Path) -> None:
    (setting,) = blocks(page, "toml")
    (policy,) = blocks(page, "cedar")
    park = tmp_path / "park.toml"
    park.write_text(f'[park]\nname = "P"\n\n{setting.text}', encoding="utf-8")
    folder = settings.load(park, {}).policies
    assert folder == tmp_path / "policies"
    folder.mkdir()
    (folder / "mine.cedar").write_text(policy.text, encoding="utf-8")
    (rule,) = load(folder, CATALOGUE).rules.values()
    assert rule.zh and rule.en


def test_explain_says_what_the_page_shows() -> None:
    (shown,) = [block.text for block in blocks(DOCS / "policies.md", "") if "Person.phone: read" in block.text]
    said = list(explain(load(None, CATALOGUE), Question(role="duty_officer", field="Person.phone")))
    assert _without_lines(shown.splitlines()) == _without_lines(said)[: len(shown.splitlines())]


def _without_lines(told: list[str]) -> list[str]:
    """Any change of the policies moves their lines."""
    return [re.sub(r"park\.cedar:\d+", "park.cedar:LINE", line) for line in told]


def test_the_table_of_the_page_holds(tmp_path: Path) -> None:
    text = (DOCS / "policies.md").read_text(encoding="utf-8")
    header, _, *rows = text[text.index("| role | purpose | flags") :].split("\n\n")[0].splitlines()
    file = tmp_path / "cases.csv"
    file.write_text("\n".join(",".join(c.strip() for c in row.strip("| ").split("|")) for row in (header, *rows)))
    found = list(outcomes(load(None, CATALOGUE), cases(file), file))
    assert len(found) == 3
    assert all(outcome.holds for outcome in found)
