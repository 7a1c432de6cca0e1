"""Incidents on a real journal: numbered without gap or twin however many open at once, closed once, for ever told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from graph_models.entities import IncidentKind
from hub.command.incident_desk import IncidentClosed, IncidentDesk
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.log import Journal, JournalConfig
from hub.viewer import Viewer
from hub.warning.alerts import Named

LI, WANG = Viewer(subject="li"), Viewer(subject="wang")
NEW_YEAR = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)  # half past midnight in Shanghai, of the year after
SHED = [Named(id="01955000-0003-7000-8000-000000000003", kind="BUILDING", name="Shed")]


def at_the_desk(folder: Path, work: Callable[[IncidentDesk, Journal], Awaitable[None]]) -> None:
    async def main() -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
        try:
            await work(IncidentDesk(journal, lambda: NEW_YEAR, ZoneInfo("Asia/Shanghai")), journal)
        finally:
            await journal.close()

    asyncio.run(main())


def test_thirty_that_open_at_once_have_thirty_numbers_of_the_parks_own_year(tmp_path: Path) -> None:
    async def work(desk: IncidentDesk, journal: Journal) -> None:
        told = await asyncio.gather(
            *(desk.open(LI, SHED, IncidentKind.FIRE, drill=False, note=None, key=f"k{n}") for n in range(12)),
            *(desk.open(WANG, SHED, IncidentKind.FIRE, drill=True, note=None, key=f"k{n}") for n in range(6)),
        )
        assert sorted(each.incident["number"] for each in told) == [f"2026-{n:04d}" for n in range(1, 19)]
        assert len({each.incident["id"] for each in told}) == 18

    at_the_desk(tmp_path, work)


def test_a_repeat_gets_the_first_answer_and_a_key_is_for_one_thing(tmp_path: Path) -> None:
    async def work(desk: IncidentDesk, journal: Journal) -> None:
        first = await desk.open(LI, SHED, IncidentKind.FIRE, drill=False, note="smoke", key="k")
        again = await desk.open(LI, SHED, IncidentKind.FIRE, drill=False, note="smoke", key="k")
        assert (again.incident, again.repeated) == (first.incident, True)
        with pytest.raises(Conflict):
            await desk.open(LI, SHED, IncidentKind.FLOOD, drill=False, note="smoke", key="k")
        closed = await desk.close(LI, first.incident["id"], "out", "c")
        assert (closed.incident["state"], closed.incident["closedBy"]) == ("CLOSED", "li")
        assert (await desk.close(LI, first.incident["id"], "out", "c")).incident == closed.incident
        with pytest.raises(IncidentClosed, match="2026-0001 was closed by li"):
            await desk.close(WANG, first.incident["id"], None, "c2")
        assert await desk.told(first.incident["id"]) == closed.incident
        types = [(each.type, each.data.get("note")) for each in await journal.stream("incident:2026-0001")]
        assert types == [("incident.opened", "smoke"), ("incident.closed", "out")]

    at_the_desk(tmp_path, work)


def test_two_who_close_at_once_close_it_once(tmp_path: Path) -> None:
    async def work(desk: IncidentDesk, journal: Journal) -> None:
        first = await desk.open(LI, SHED, IncidentKind.LEAK, drill=False, note=None, key="k")
        done = await asyncio.gather(
            *(desk.close(who, first.incident["id"], None, "c") for who in (LI, WANG)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["IncidentClosed", "Told"]

    at_the_desk(tmp_path, work)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async def work(desk: IncidentDesk, journal: Journal) -> None:
        for places, key in (([], "k"), (SHED * 101, "k"), (SHED, "")):
            with pytest.raises(BadRequest):
                await desk.open(LI, places, IncidentKind.FIRE, drill=False, note=None, key=key)
        for id_ in ("nothing", SHED[0].id):
            with pytest.raises(NotFound):
                await desk.close(LI, id_, None, "k")
        assert journal.head == 0

    at_the_desk(tmp_path, work)
