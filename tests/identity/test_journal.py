"""Matches and decisions in the log itself, on both engines."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.contract import Claim, Identifier, Link
from hub.clock import now
from hub.errors import Conflict
from hub.journal.log import Journal, JournalConfig
from hub.journal.match import Decision
from hub.journal.records import Draft, EventEntry, NewEvent
from hub.journal.sealing import Keyring, KeyringConfig
from hub.journal.trust import SourceTrust
from hub.journal.upcast import CURRENT

START = datetime(2026, 3, 1, tzinfo=UTC)
TRUST = {name: SourceTrust(trusted_schemes=frozenset({"mac"})) for name in ("nvr", "stock")}
T = TypeVar("T")
Run = Callable[[Callable[[Journal], Awaitable[T]]], T]


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run[object]:
    url = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres").new_database()
    config = JournalConfig(url=url, folder=tmp_path / "var", trust=TRUST)

    def run(work: Callable[[Journal], Awaitable[T]], **changed: object) -> T:
        async def opened() -> T:
            keyring = Keyring.open(KeyringConfig(store=tmp_path / "keys.db", park_key=tmp_path / "park.key"))
            journal = await Journal.open(replace(config, keyring=keyring, **changed))  # type: ignore[arg-type]
            try:
                return await work(journal)
            finally:
                await journal.close()
                keyring.close()

        return asyncio.run(opened())

    return run  # type: ignore[return-value]


def camera(external_id: str, mac: str = "", *, name: str = "", at: str = "") -> Claim:
    return Claim(
        kind="Asset",
        external_id=external_id,
        identifiers=(Identifier(scheme="mac", value=mac),) if mac else (),
        values={"name": name},
        links=(Link(relation="LOCATED_IN", target=at),) if at else (),
    )


async def say(journal: Journal, source: str, *claims: Claim) -> dict[str, str]:
    appended = await journal.append(Draft(source=source, received_at=now(), claims=claims))
    return dict(appended.entities)


async def events(journal: Journal) -> list[EventEntry]:
    return [entry for entry in await journal.read(0, 10_000) if isinstance(entry, EventEntry)]


def test_a_merge_is_read_as_one_entity_and_a_split_as_two(run: Run[None]) -> None:
    async def work(journal: Journal) -> None:
        one = (await say(journal, "nvr", camera("1", "aa:bb", name="Gate")))["1"]
        two = (await say(journal, "stock", camera("9")))["9"]
        assert (await say(journal, "stock", camera("9", "AABB", name="Camera at gate")))["9"] == one
        assert await journal.resolve([one, two]) == {one: one, two: one}
        held = (await journal.claims_of([two]))[two]
        assert {each.source for each in held} == {"nvr", "stock"}
        assert one in await journal.entities("", 10) and two not in await journal.entities("", 10)

        decided = await journal.decide(
            lambda matches, connection, at: matches.split(
                connection, two, Decision(actor="li", at=at, reason="another camera")
            )
        )
        assert decided.seq == journal.head
        assert await journal.resolve([one, two]) == {one: one, two: two}
        assert [each.source for each in (await journal.claims_of([two]))[two]] == ["stock"]
        [merged, split] = await events(journal)
        assert (merged.type, split.type) == ("entity.merged", "entity.split")
        assert (split.actor, split.reason, split.stream_version) == ("li", "another camera", 2)

    run(work)


def test_a_decision_holds_after_a_restart(run: Run[None]) -> None:
    async def propose(journal: Journal) -> tuple[str, str, str]:
        both = await say(journal, "nvr", camera("1", "aa:bb"), camera("2", "aa:bb"))
        [proposed] = await events(journal)
        assert proposed.type == "match.proposed" and proposed.data["reason"] == "SAME_SOURCE"
        return str(proposed.data["match"]), both["1"], both["2"]

    match_id, one, two = run(propose)  # type: ignore[arg-type, misc]

    async def accept(journal: Journal) -> None:
        await journal.decide(lambda m, connection, at: m.accept(connection, match_id, Decision(actor="li", at=at)))
        with pytest.raises(Conflict):
            await journal.decide(lambda m, connection, at: m.accept(connection, match_id, Decision(actor="li", at=at)))

    run(accept)

    async def look(journal: Journal) -> None:
        living = await journal.resolve([one, two])
        assert living[one] == living[two]
        await say(journal, "nvr", camera("2", "cc:dd"))
        assert (await journal.resolve([one, two]))[two] == living[two]

    run(look)


def test_what_failed_leaves_identity_as_it_was(run: Run[None]) -> None:
    async def work(journal: Journal) -> None:
        one = (await say(journal, "nvr", camera("1", "aa:bb")))["1"]
        wrong = NewEvent(
            type="timer.fired", version=1, stream="timers", expected=7, data={}, actor="x", claims=(camera("x"),)
        )
        with pytest.raises(Conflict):
            await journal.append(
                Draft(source="stock", received_at=now(), claims=[camera("9", "aa:bb")], events=[wrong])
            )
        assert await events(journal) == []
        assert (await say(journal, "stock", camera("9", "aa:bb")))["9"] == one
        assert [each.stream_version for each in await events(journal)] == [1]

    run(work)


def test_links_reach_a_place_that_is_claimed_later_and_merged(run: Run[None]) -> None:
    async def work(journal: Journal) -> None:
        asset = (await say(journal, "nvr", camera("1", at="gate")))["1"]
        place = Claim(kind="Place", external_id="gate", identifiers=(Identifier(scheme="mac", value="ee:ff"),))
        gate = (await say(journal, "nvr", place))["gate"]
        older = (await journal.claims_of([asset]))[asset][0].targets
        assert set(older.values()) == {gate}
        assert (await say(journal, "stock", replace(place, external_id="G")))["G"] == gate
        assert list((await journal.referring([gate]))[gate]) == [asset]
        assert await journal.linking([gate]) == {asset}

    run(work)


def test_trust_given_later_joins_at_the_next_start(run: Run[None]) -> None:
    async def before(journal: Journal) -> tuple[str, str]:
        one = (await say(journal, "nvr", camera("1", "aa:bb")))["1"]
        return one, (await say(journal, "stranger", camera("1", "aa:bb")))["1"]

    one, two = run(before)  # type: ignore[arg-type, misc]
    assert one != two

    async def after(journal: Journal) -> None:
        assert (await journal.resolve([two]))[two] == one
        assert {each.type for each in await events(journal)} == {"match.proposed", "entity.merged"}
        assert all(each.version == CURRENT[each.type] for each in await events(journal))

    run(after, trust={**TRUST, "stranger": TRUST["nvr"]})  # type: ignore[call-arg]
