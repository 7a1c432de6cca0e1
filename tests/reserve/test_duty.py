"""Who is on duty, on a real journal: by every name that an issuer may have for a person, and at the moment."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.contract import Claim, Identifier, Link
from hub.clock import ManualClock
from hub.journal.identity import SourceTrust
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft
from hub.journal.sealing import Keyring, KeyringConfig
from hub.reserve.distances import Pace
from hub.reserve.duty import Duty
from hub.reserve.reserve import Reserve
from hub.topology import Topology
from hub.viewer import PersonName, Viewer

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
TRUSTED = frozenset({"employee_number", "email"})
TRUST = {
    "hr": SourceTrust(trusted_schemes=TRUSTED),
    "guards": SourceTrust(trusted_schemes=TRUSTED, organization="guard-company"),
    "desk": SourceTrust(trusted_schemes=TRUSTED),
    "list": SourceTrust(),
}


class _Places:
    """Without any."""

    topology = Topology({})
    position = 1 << 62


class Park:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock = ManualClock(START)
        pace = Pace(walking=1.0, driving=5.0, inside=10.0)
        self.reserve = Reserve(journal, _Places(), self.clock, precedence={}, pace=pace)
        self.duty = Duty(journal, self.reserve, self.clock)
        self.ids: dict[str, str] = {}

    async def say(self, *claims: Claim, source: str = "hr") -> None:
        appended = await self.journal.append(Draft(source=source, received_at=self.clock(), claims=claims))
        self.ids |= appended.entities
        assert await self.reserve.reached(self.journal.head, 10)

    async def on_duty(self, name: PersonName) -> bool:
        await self.duty.meet(name)
        return self.duty.holds(Viewer(subject="s", issuer="i", person=name))

    async def becomes(self, name: PersonName, *, on_duty: bool) -> None:
        """The names are looked up beside what is asked: soon, on an open stream too."""
        async with asyncio.timeout(1):
            while await self.on_duty(name) is not on_duty:
                await self.journal.people_named((name,))


def person(id_: str, *identifiers: tuple[str, str], gone: bool = False) -> Claim:
    said = tuple(Identifier(scheme=scheme, value=value) for scheme, value in identifiers)
    return Claim(kind="Person", external_id=id_, values={"name": id_}, identifiers=said, gone=gone)


def shift(id_: str, who: str, starts: float, ends: float, *, gone: bool = False) -> Claim:
    """From and to so many minutes after the start."""
    from_, to = ((START + timedelta(minutes=minutes)).isoformat(timespec="microseconds") for minutes in (starts, ends))
    links = (Link(relation="SERVED_BY", target=who),)
    return Claim(kind="Shift", external_id=id_, values={"starts_at": from_, "ends_at": to}, links=links, gone=gone)


def number(value: str, organization: str = "") -> PersonName:
    return PersonName(scheme="employee_number", value=value, organization=organization)


def in_park(folder: Path, work: Callable[[Park], Awaitable[None]]) -> None:
    async def main() -> None:
        keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder.with_suffix(".key")))
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder, trust=TRUST, keyring=keyring))
        park = Park(journal)
        following = [asyncio.create_task(each.run()) for each in (park.reserve, park.duty)]
        try:
            await work(park)
        finally:
            for task in following:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await journal.close()
            keyring.close()

    asyncio.run(main())


def test_a_shift_begins_and_ends_at_its_moment(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.say(person("wang", ("employee_number", "E-17")), person("li", ("employee_number", "E-18")))
        await park.say(shift("early", "wang", 10, 70), shift("late", "li", 70, 130), shift("month", "li", 200, 90_000))
        expected = {9.99: "", 10: "wang", 69.99: "wang", 70: "li", 129.99: "li", 130: "", 200: "li", 50_000: "li"}
        for minutes, who in expected.items():
            park.clock.moment = START + timedelta(minutes=minutes)
            assert park.duty.on_duty() == ((park.ids[who],) if who else ()), minutes
            assert await park.on_duty(number("E-17")) is (who == "wang"), minutes
            assert await park.on_duty(number("e 18")) is (who == "li"), minutes
        park.clock.moment = START + timedelta(minutes=20)  # a clock that was put back
        assert await park.on_duty(number("E-17"))
        assert park.duty.on_duty() is park.duty.on_duty()

    in_park(tmp_path, work)


def test_a_roster_that_changes_counts_at_once(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.say(person("wang", ("email", "wang.li@park.example")))
        wang = PersonName(scheme="email", value="Wang.Li@Park.example")
        assert not await park.on_duty(wang)
        await park.say(shift("now", "wang", -10, 60))
        assert await park.on_duty(wang)
        assert not await park.on_duty(PersonName(scheme="email", value="wangli@park.example"))
        await park.say(shift("now", "wang", -10, -5))
        assert not await park.on_duty(wang)
        await park.say(shift("now", "wang", -10, 60))
        assert await park.on_duty(wang)
        await park.say(shift("now", "wang", -10, 60, gone=True))
        assert not await park.on_duty(wang)
        assert park.duty.on_duty() == ()

    in_park(tmp_path, work)


def test_who_is_entered_later_is_known_without_a_new_token(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        assert not await park.on_duty(number("E-17"))
        await park.say(person("wang", ("employee_number", "E-17")), shift("now", "wang", -10, 60))
        await park.becomes(number("E-17"), on_duty=True)
        await park.say(person("wang", ("employee_number", "E-99")))
        await park.becomes(number("E-17"), on_duty=False)
        await park.becomes(number("E-99"), on_duty=True)
        await park.say(person("wang", ("employee_number", "E-99"), gone=True))
        await park.becomes(number("E-99"), on_duty=False)

    in_park(tmp_path, work)


def test_the_code_and_the_id_of_a_person_name_them_too(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.say(person("person:G-07"), shift("shift:1", "person:G-07", -10, 60), source=HUB)
        id_ = park.ids["person:G-07"]
        assert await park.on_duty(PersonName(scheme="code", value="G-07"))
        assert await park.on_duty(PersonName(scheme="id", value=id_))
        assert not await park.on_duty(PersonName(scheme="code", value="G-08"))
        assert not await park.on_duty(PersonName(scheme="id", value=park.ids["shift:1"]))
        assert not await park.on_duty(PersonName(scheme="id", value="' OR 1=1"))
        assert not await park.on_duty(PersonName(scheme="no_such_scheme", value="G-07"))

    in_park(tmp_path, work)


def test_nobody_becomes_another_by_a_number_that_is_not_theirs_to_give(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.say(person("x", ("employee_number", "E-17")), shift("duty", "x", -10, 60), source="list")
        assert not await park.on_duty(number("E-17"))  # its source is trusted with no scheme
        await park.say(person("g", ("employee_number", "E-17")), shift("duty", "g", -10, 60), source="guards")
        assert not await park.on_duty(number("E-17"))  # another organization's number
        assert await park.on_duty(number("E-17", "guard-company"))
        await park.say(person("wang", ("employee_number", "E-17")), shift("w", "wang", -10, 60))
        await park.becomes(number("E-17"), on_duty=True)
        await park.say(person("other", ("employee_number", "E-17")))
        await park.becomes(number("E-17"), on_duty=False)  # two of one source: it is not known who is meant

    in_park(tmp_path, work)


def test_a_merged_person_is_on_duty_by_the_shifts_of_both(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        await park.say(person("wang", ("employee_number", "E-17")))
        await park.say(person("w2", ("email", "w@park.example")), shift("duty", "w2", -10, 60), source="desk")
        assert not await park.on_duty(number("E-17"))
        await park.say(person("w2", ("email", "w@park.example"), ("employee_number", "E-17")), source="desk")
        await park.becomes(number("E-17"), on_duty=True)
        (one,) = park.duty.on_duty()
        assert one == (await park.journal.resolve([park.ids["wang"]]))[park.ids["wang"]]

    in_park(tmp_path, work)
