"""What policies ask of the moment, kept live on a real journal with the real engine: the same as reading all anew."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.contract import Claim, Link
from graph_models.entities import IncidentKind, Severity
from hub.command.circumstances import Circumstances
from hub.command.incident_desk import IncidentDesk
from hub.journal.identity import SourceTrust
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft
from hub.topology import threat
from hub.viewer import LOCAL_ADMINISTRATOR
from hub.warning import alerts
from hub.warning.alerts import Named
from hub.warning.engine import Engine

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
METRES = 100.0


class Park:
    """`ids`: external id → entity id. Time stands still unless a test moves it."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.now = START
        self.ids: dict[str, str] = {}
        self.engine = Engine(journal, self.clock, precedence={})
        self.circumstances = self.another()
        self.desk = IncidentDesk(journal, self.clock, ZoneInfo("Asia/Shanghai"))

    def clock(self) -> datetime:
        return self.now

    def another(self) -> Circumstances:
        return Circumstances(self.journal, self.engine, self.clock, precedence={}, metres=METRES)

    async def claim(
        self, kind: str, id_: str, gone: bool = False, /, *links: tuple[str, str], **values: object
    ) -> None:
        one = Claim(
            kind=kind,
            external_id=id_,
            values=values,  # type: ignore[arg-type]
            links=tuple(Link(relation=relation, target=target) for relation, target in links),
            gone=gone,
        )
        appended = await self.journal.append(Draft(source="plan", received_at=self.now, claims=[one]))
        self.ids |= appended.entities

    async def open_alert(self, place: str, *, severity: Severity = Severity.SEVERE, passes: str | None = None) -> str:
        named = Named(id=self.ids[place], kind="BUILDING", name=place)
        id_ = alerts.alert_id(self.journal.epoch, "hot", named.id, str(self.journal.head))
        told = ("event", "headline", "issuer", "sent", "colour")
        warning = None if passes is None else dict.fromkeys(told) | {"id": self.ids[passes], "identifier": passes}
        opened = alerts.opened(
            id=id_, rule="hot", severity=severity, code="c", at=self.now, measured=None, subject=named, path=[named],
            warning=warning,
        )  # fmt: skip
        await self.tell(alerts.OPENED, opened, 0)
        return id_

    async def end(self, id_: str, *, close: bool = True) -> None:
        history = await self.journal.stream(alerts.stream(id_))
        snapshot: alerts.Snapshot = alerts.returned(history[-1].data["alert"], at=self.now)  # type: ignore[arg-type]
        await self.tell(alerts.RETURNED, snapshot, len(history))
        if close:
            await self.tell(alerts.CLOSED, alerts.closed(snapshot, at=self.now), len(history) + 1)

    async def tell(self, type_: str, snapshot: alerts.Snapshot, expected: int) -> None:
        event = alerts.event(type_, snapshot, expected=expected, actor="tester", cause=None)
        await self.journal.append(Draft(source=HUB, received_at=self.now, events=[event]))

    async def catch_up(self) -> Circumstances:
        await self.engine.catch_up()
        assert await self.circumstances.wait_for(self.journal.head, 10)
        return self.circumstances

    def names(self, ids: object) -> list[str]:
        called = {id_: name for name, id_ in self.ids.items()}
        return sorted(called[id_] for id_ in ids)  # type: ignore[attr-defined]

    async def furnish(self) -> None:
        """A (a) and B (b) next door, C (c) at 80 m from B, D far off; a fire department for the park."""
        await self.claim("Place", "park", kind="PARK")
        for name in "abcd":
            beside = (("ADJACENT_TO", "a"),) if name == "b" else ()
            await self.claim("Place", name, False, ("PART_OF", "park"), *beside, kind="BUILDING")
            await self.claim("Organization", name.upper(), False, ("OCCUPIES", name), kind="TENANT")
        await self.claim("Place", "b1", False, ("PART_OF", "b"), kind="ZONE")
        await self.claim("Route", "bc", False, ("CONNECTS", "b"), ("CONNECTS", "c"), length=80.0)
        await self.claim("Route", "cd", False, ("CONNECTS", "c"), ("CONNECTS", "d"), length=80.0)
        await self.claim("Organization", "fire", False, ("HAS_JURISDICTION_OVER", "park"), kind="GOVERNMENT")


def in_park(folder: Path, work: Callable[[Park], Awaitable[None]]) -> None:
    async def main() -> None:
        trust = {"plan": SourceTrust(precedence=50, trusted_schemes=frozenset())}
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder, trust=trust))
        park = Park(journal)
        await park.engine.take_up()
        following = asyncio.create_task(park.circumstances.run())
        try:
            await park.furnish()
            await work(park)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await journal.close()

    asyncio.run(main())


def test_a_fire_concerns_neighbours_and_those_near_and_ends_with_the_alert(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        at = await park.catch_up()
        assert {name: park.names(at.threatened(park.ids[name])) for name in "ABCD"} == {
            "A": ["a", "b"], "B": ["a", "b"], "C": ["c"], "D": ["d"],
        }  # fmt: skip
        assert not any(at.threatened_places(park.ids[name]) for name in "ABCD")
        minor = await park.open_alert("b1", severity=Severity.MODERATE)
        fire = await park.open_alert("b1")
        at = await park.catch_up()
        assert {name: park.names(at.threatened_places(park.ids[name])) for name in "ABCD"} == {
            "A": ["a"], "B": ["b"], "C": ["c"], "D": [],
        }  # fmt: skip
        assert park.names(at.threatened(park.ids["C"])) == ["b1", "c"]
        assert park.names(at.threatened(park.ids["D"])) == ["d"]
        await park.claim("Route", "bc", False, ("CONNECTS", "b"), ("CONNECTS", "c"), length=120.0)
        assert park.names((await park.catch_up()).threatened(park.ids["C"])) == ["c"]
        await park.end(fire)
        await park.end(minor)
        assert not (await park.catch_up()).threatened_places(park.ids["A"])

    in_park(tmp_path, work)


def test_a_warning_threatens_what_it_covers_until_it_is_over(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.claim("Warning", "storm", identifier="storm")
        covering = await park.open_alert("park", severity=Severity.MINOR, passes="storm")
        at = await park.catch_up()
        assert all(at.threatened_places(park.ids[name]) for name in "ABCD")
        assert park.names(at.threatened(park.ids["D"])) == ["d"]  # the park's other alerts are not D's
        await park.end(covering, close=False)
        at = await park.catch_up()
        assert not any(at.threatened_places(park.ids[name]) for name in "ABCD")

    in_park(tmp_path, work)


def test_jurisdiction_agreements_and_flags_follow_the_log(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        links = (("SHARED_BY", "A"), ("SHARED_WITH", "fire"))
        day = timedelta(days=1)
        await park.claim(
            "SharingAgreement", "sa", False, *links, code="SA", types=("SupplyLot",), purposes=("emergency",),
            starts_at=(START + day).isoformat(), ends_at=(START + 2 * day).isoformat(),
        )  # fmt: skip
        at = await park.catch_up()
        assert park.names(at.jurisdiction(park.ids["fire"])) == ["park"]
        assert at.jurisdiction(park.ids["A"]) == () == at.jurisdiction("nobody")
        held = []
        for _ in range(3):
            held.append([(park.names([each.provider]), each.types) for each in at.agreements(park.ids["fire"])])
            park.now += day
        assert held == [[], [(["A"], ("SupplyLot",))], []]
        assert at.agreements(park.ids["A"]) == ()
        place, who = [Named(id=park.ids["a"], kind="BUILDING", name="a")], LOCAL_ADMINISTRATOR
        ids = [
            (await park.desk.open(who, place, IncidentKind.FIRE, drill=drill, note=None, key=str(drill))).incident["id"]
            for drill in (True, False)
        ]
        assert (await park.catch_up()).flags() == {"incident", "drill"}
        await park.desk.close(who, ids[1], None, "c1")
        assert (await park.catch_up()).flags() == {"drill"}
        await park.desk.close(who, ids[0], None, "c2")
        assert (await park.catch_up()).flags() == frozenset()
        await park.claim("Organization", "fire", True)
        assert (await park.catch_up()).jurisdiction(park.ids["fire"]) == ()

    in_park(tmp_path, work)


@pytest.mark.parametrize("seed", range(4))
def test_kept_live_it_says_what_one_says_that_reads_all_anew(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)

    async def work(park: Park) -> None:
        going: list[str] = []
        for number in range(25):
            match dice.randrange(6):
                case 0 | 1:
                    severity = dice.choice([Severity.SEVERE, Severity.EXTREME, Severity.MINOR])
                    going.append(await park.open_alert(dice.choice(["a", "b", "b1", "c", "d"]), severity=severity))
                case 2 if going:
                    await park.end(going.pop())
                case 3:
                    await park.claim("Place", "c", False, ("PART_OF", "park"), ("OWNED_BY", dice.choice("ABD")))
                case 4:
                    places = dice.sample(["a", "b", "c", "d"], dice.randrange(3))
                    await park.claim("Organization", "A", False, *(("OCCUPIES", place) for place in places))
                case _:
                    metres = dice.choice([50.0, 99.0, 150.0])
                    await park.claim("Route", "bc", False, ("CONNECTS", "b"), ("CONNECTS", "c"), length=metres)
            if number % 5:
                continue
            live, anew = await park.catch_up(), park.another()
            await anew.take_up()
            grave = [
                each.data["alert"]["path"][0]["id"]  # type: ignore[index]
                for id_ in going
                for each in [(await park.journal.stream(alerts.stream(id_)))[-1]]
                if each.data["alert"]["severity"] in ("SEVERE", "EXTREME")  # type: ignore[index]
            ]
            for name in "ABCD":
                organization = park.ids[name]
                assert live.threatened(organization) == anew.threatened(organization)
                assert live.threatened_places(organization) == anew.threatened_places(organization)
                own = live.places_of(organization)
                reached = threat.threatened_places(park.engine.topology, own, grave, [], METRES)
                assert reached == live.threatened_places(organization)

    in_park(tmp_path, work)
