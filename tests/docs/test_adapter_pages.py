"""docs/adapters: each page's sources load in a park, in both languages alike, and what was never tried is said."""

import tomllib
from pathlib import Path

import pytest

from adapters import registry
from hub import settings
from hub.parts import source_specs
from tests.docs.pages import DOCS, blocks

FOLDER = DOCS / "adapters"
PAGES = sorted(page for page in FOLDER.glob("*.md") if not page.name.endswith(".zh.md"))
UNTRIED = {"gb26875", "isapi", "onvif"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_pages_sources_load(page: Path, tmp_path: Path) -> None:
    park = tmp_path / "park.toml"
    found = list(blocks(page, "toml"))
    assert found, "a page shows how its adapter is set up"
    for block in found:
        park.write_text('[park]\nname = "P"\n\n' + block.text, encoding="utf-8")
        for spec in source_specs(settings.load(park, {})):
            assert spec.definition.name == page.stem


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_both_languages_show_the_same_set_up(page: Path) -> None:
    other = page.with_suffix(".zh.md")
    assert [tomllib.loads(b.text) for b in blocks(page, "toml")] == [
        tomllib.loads(b.text) for b in blocks(other, "toml")
    ]
    assert page.stem in registry.BUILT_IN


@pytest.mark.parametrize("name", sorted(UNTRIED))
def test_what_was_never_tried_is_said(name: str) -> None:
    english = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert "never tried against a device" in " ".join(english.split())
    assert "从未在真实设备上试过" in (FOLDER / f"{name}.zh.md").read_text(encoding="utf-8")
