"""A person's row speaks of a device by its source's name for it, whichever of the two comes first."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.contract import Claim, Identifier
from graph_models.schemes import SOURCE_REFERENCE
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SURVEY = {
    code: Claim(
        kind="Asset",
        external_id=f"asset:{code}",
        identifiers=(Identifier(scheme=SOURCE_REFERENCE, value=f"fire-panels/{device}"),),
        values={"kind": "SENSOR"},
    )
    for code, device in {"E-1": "panel/0/1.1/1-15", "E-2": "panel/0/1.1/11-5"}.items()
}
DEVICES = [
    Claim(kind="Asset", external_id=name, values={"kind": "SENSOR"})
    for name in ("panel/0/1.1/1-15", "panel/0/1.1/11-5")
]


def entities(folder: Path, drafts: list[Draft]) -> dict[str, str]:
    """External id → living entity, once all is in the log."""

    async def run() -> dict[str, str]:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
        try:
            for draft in drafts:
                await journal.append(draft)
            return {held.claim.external_id: held.entity for held in await journal.live_of(["Asset"])}
        finally:
            await journal.close()

    return asyncio.run(run())


@pytest.mark.parametrize("first", ["the survey", "the device"])
def test_the_row_and_the_device_are_one(first: str, tmp_path: Path) -> None:
    survey = Draft(source=HUB, received_at=NOW, claims=list(SURVEY.values()))
    devices = Draft(source="fire-panels", received_at=NOW, claims=DEVICES)
    found = entities(tmp_path, [survey, devices] if first == "the survey" else [devices, survey])
    assert found["asset:E-1"] == found["panel/0/1.1/1-15"]
    assert found["asset:E-2"] == found["panel/0/1.1/11-5"]
    assert found["asset:E-1"] != found["asset:E-2"], "names that differ by where their digits part are two devices"


def test_another_source_of_the_same_name_for_it_is_another_thing(tmp_path: Path) -> None:
    found = entities(
        tmp_path,
        [
            Draft(source=HUB, received_at=NOW, claims=[SURVEY["E-1"]]),
            Draft(source="other-panels", received_at=NOW, claims=DEVICES[:1]),
        ],
    )
    assert len(set(found.values())) == 2
