"""Whose a source is, on a real journal: by every word that a park file may have for an organization."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from adapters.contract import Claim, Identifier
from hub.clock import ManualClock
from hub.journal.identity import SourceTrust
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft
from hub.journal.sealing import Keyring, KeyringConfig
from hub.reserve.distances import Pace
from hub.reserve.reserve import Reserve
from hub.reserve.tenants import Tenants
from hub.topology import Topology

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
CREDIT_CODE = "91350100M000100Y43"
TRUST = {"register": SourceTrust(trusted_schemes=frozenset({"unified_social_credit_code"})), "list": SourceTrust()}


class _Places:
    """Without any."""

    topology = Topology({})
    position = 1 << 62


class Park:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        pace = Pace(walking=1.0, driving=5.0, inside=10.0)
        self.reserve = Reserve(journal, _Places(), ManualClock(START), precedence={}, pace=pace)
        self.running: list[asyncio.Task[None]] = []

    def tenants(self, *words: str | None) -> Tenants:
        tenants = Tenants(self.journal, self.reserve, words)
        self.running.append(asyncio.create_task(tenants.run()))
        return tenants

    async def say(self, *claims: Claim, source: str = HUB) -> dict[str, str]:
        """External id → entity id."""
        appended = await self.journal.append(Draft(source=source, received_at=START, claims=claims))
        assert await self.reserve.reached(self.journal.head, 10)
        return dict(appended.entities)

    async def becomes(self, tenants: Tenants, word: str, id_: str | None) -> None:
        """The words are looked up beside what is asked: soon."""
        async with asyncio.timeout(10):
            while tenants.organization(word) != id_:
                await self.journal.resolve(())


def organization(external_id: str, credit_code: str | None = None, *, gone: bool = False) -> Claim:
    said = () if credit_code is None else (Identifier(scheme="unified_social_credit_code", value=credit_code),)
    values = {"name": external_id}
    return Claim(kind="Organization", external_id=external_id, values=values, identifiers=said, gone=gone)


def in_park(folder: Path, work: Callable[[Park], Awaitable[None]]) -> None:
    async def main() -> None:
        keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder.with_suffix(".key")))
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder, trust=TRUST, keyring=keyring))
        park = Park(journal)
        park.running.append(asyncio.create_task(park.reserve.run()))
        try:
            await work(park)
        finally:
            for task in park.running:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await journal.close()
            keyring.close()

    asyncio.run(main())


def test_by_code_by_credit_code_and_by_id(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        acme = (await park.say(organization("organization:T-017", CREDIT_CODE)))["organization:T-017"]
        bolt = (await park.say(organization("organization:T-018")))["organization:T-018"]
        tenants = park.tenants("T-017", "T-018", CREDIT_CODE, bolt, "T-019", None)
        for word, id_ in {"T-017": acme, CREDIT_CODE: acme, "T-018": bolt, bolt: bolt}.items():
            await park.becomes(tenants, word, id_)
        assert [tenants.organization(word) for word in ("T-019", "t-017", acme, "", None)] == [None] * 5

    in_park(tmp_path, work)


def test_what_the_log_tells_later_counts_soon(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        tenants = park.tenants("T-017")
        assert tenants.organization("T-017") is None
        acme = (await park.say(organization("organization:T-017")))["organization:T-017"]
        await park.becomes(tenants, "T-017", acme)
        await park.say(organization("organization:T-017", gone=True))
        await park.becomes(tenants, "T-017", None)

    in_park(tmp_path, work)


def test_a_merge_is_followed(tmp_path: Path) -> None:
    async def work(park: Park) -> None:
        registered = (await park.say(organization("a", CREDIT_CODE), source="register"))["a"]
        entered = (await park.say(organization("organization:T-017")))["organization:T-017"]
        tenants = park.tenants("T-017", CREDIT_CODE, registered, entered)
        await park.becomes(tenants, "T-017", entered)
        await park.becomes(tenants, CREDIT_CODE, registered)
        assert registered != entered
        await park.say(organization("organization:T-017", CREDIT_CODE))
        living = (await park.journal.resolve([entered]))[entered]
        assert living == (await park.journal.resolve([registered]))[registered]
        for word in ("T-017", CREDIT_CODE, registered, entered):
            await park.becomes(tenants, word, living)

    in_park(tmp_path, work)


def test_nobody_takes_a_source_by_a_list_of_their_own(tmp_path: Path) -> None:
    """Neither by a credit code that their source is not trusted with, nor by calling a thing as the hub does; and a
    word that means two organizations means none."""

    async def work(park: Park) -> None:
        await park.say(organization("organization:T-017"), organization("b", CREDIT_CODE), source="list")
        await park.say(Claim(kind="Place", external_id="organization:T-020", values={"kind": "ZONE", "name": "Z"}))
        acme = (await park.say(organization("organization:T-018")))["organization:T-018"]
        tenants = park.tenants("T-017", CREDIT_CODE, "T-018", "T-020")
        await park.becomes(tenants, "T-018", acme)  # all words were looked up at once
        assert [tenants.organization(word) for word in ("T-017", CREDIT_CODE, "T-020")] == [None] * 3
        await park.say(organization(f"organization:{CREDIT_CODE}"))
        await park.say(organization("d", CREDIT_CODE), source="register")
        two = park.tenants(CREDIT_CODE, "T-018")
        await park.becomes(two, "T-018", acme)
        assert two.organization(CREDIT_CODE) is None

    in_park(tmp_path, work)
