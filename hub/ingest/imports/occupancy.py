"""How many people are in a place, by a count and its time."""

from datetime import timedelta

from adapters.contract import Claim
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id

AHEAD = timedelta(minutes=5)  # what a clock may be ahead of ours
COLUMNS = (
    Column(name="place", zh="位置", due=True, also=("编码", "区域", "地点"), meaning="The code of the place"),
    Column(name="count", zh="人数", due=True, feeds=("occupancy",), meaning="People inside"),
    Column(
        name="at",
        zh="时间",
        feeds=("at",),
        also=("统计时间",),
        meaning="When they were counted; now, where it is empty",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Place", cells.code("place"))


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    count = cells.integer("count", low=0)
    if count is None:
        raise BadRow("the count is empty")
    at = cells.moment("at", circumstances.timezone)
    if at is not None and at > circumstances.now + AHEAD:
        raise BadRow("the at lies in the future")
    return Claim(
        kind="Place",
        external_id=called(cells, circumstances),
        values={"occupancy": count},
        observed_at=at or circumstances.now,
    )


OCCUPANCY = Kind(
    name="occupancy",
    entity="Place",
    title="How many people are in each place",
    title_zh="在场人数",
    columns=COLUMNS,
    called=called,
    claim=claim,
    of_entity=True,
    unique="place",
    examples={
        "en": (("B1", "120", "2026-05-01 09:00"), ("B2", "14", "2026-05-01 09:00")),
        "zh": (("B1", "120", "2026年5月1日 9:00"), ("B2", "14", "2026年5月1日 9:00")),
    },
)
