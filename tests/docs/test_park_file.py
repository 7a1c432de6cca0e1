"""docs/park-file.md: its files load as they stand, and what it says of them holds."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from hub import settings
from hub.errors import SettingsError
from hub.parts import source_specs
from hub.settings import Settings
from hub.warning import rules
from tests.docs.pages import DOCS, Block, blocks

PAGE = DOCS / "park-file.md"
OTHERS = [DOCS / "oauth.md", DOCS / "oauth.zh.md", DOCS / "webhooks.md"]
ALONE = [block for page in (PAGE, *OTHERS) for block in blocks(page, "toml") if block.file is None]


def files() -> dict[str, str]:
    """Each file of the page; one that is written in several blocks is put together in the page's order."""
    parts: dict[str, list[str]] = defaultdict(list)
    for block in blocks(PAGE, "toml"):
        if block.file is not None:
            parts[block.file].append(block.text)
    return {name: "\n".join(texts) for name, texts in parts.items()}


@pytest.fixture
def park(tmp_path: Path) -> Settings:
    for name, text in files().items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return settings.load(tmp_path / "park.toml", {})


def test_the_pages_park_loads_with_its_three_sources(park: Settings) -> None:
    assert [spec.id for spec in source_specs(park)] == ["cabinets", "detectors", "meters"]
    assert park.rules is not None
    assert len(rules.load(park.rules, park.quantities).rules) == 6


def test_the_pages_silence_is_the_shortest_that_is_allowed(park: Settings) -> None:
    assert park.rules is not None
    assert park.quantities["smoke_obscuration"].heartbeat == timedelta(seconds=30)
    text = park.rules.read_text(encoding="utf-8")
    park.rules.write_text(text.replace('after = "1m"', 'after = "59s"'), encoding="utf-8")
    with pytest.raises(SettingsError, match="twice the heartbeat"):
        rules.load(park.rules, park.quantities)


def test_the_pages_example_message_is_read(park: Settings) -> None:
    from adapters.contract import Raw, Reading, Source
    from hub.clock import now

    [detectors] = [spec for spec in source_specs(park) if spec.id == "detectors"]
    adapter = detectors.definition.factory(Source(id="detectors"), detectors.config)
    text = PAGE.read_text(encoding="utf-8")
    message = text[text.index('{"time"') : text.index("` on\n`park/")]
    topic = text[text.index("`park/B1") + 1 :].split("`")[0]
    records = adapter.decode(Raw(key=topic, received_at=now(), data=message.encode()))
    readings = {r.quantity: r for r in records if isinstance(r, Reading)}
    assert {name: r.value for name, r in readings.items()} == {"smoke_obscuration": 0.12, "temperature": 21.5}
    assert all(r.sensor == "S-0042" and r.at is not None and r.at.tzinfo is None for r in readings.values())


@pytest.mark.parametrize("block", ALONE, ids=str)
def test_a_block_that_stands_alone_loads_in_a_park(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "park.toml"
    head = "" if "[park]" in block.text else '[park]\nname = "P"\n\n'
    file.write_text(head + block.text, encoding="utf-8")
    loaded = settings.load(file, {})
    tokens = bool(loaded.issuers) or loaded.accounts is not None
    assert tokens or loaded.webhooks or loaded.cap or loaded.journal.url != "sqlite" or loaded.graph.uri is not None


def test_no_toml_on_any_other_page_is_left_untested() -> None:
    pages = [page for page in (*DOCS.glob("*.md"), DOCS.parent / "README.md") if page not in (PAGE, *OTHERS)]
    run = {"write-an-adapter.md", "bring-in-your-park.md", "bring-in-your-park.zh.md", "policies.md", "policies.zh.md"}
    run |= {"federation.md"}
    untested = [str(b) for page in pages for b in blocks(page, "toml") if page.name not in run]
    assert not untested, f"no test loads the TOML of {', '.join(untested)}"
