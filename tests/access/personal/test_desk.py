"""What the desk does to log and keys: erasure of all that is a person's, and of nobody else's; correction; return."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from shutil import copyfile

import pytest

from adapters.contract import Claim, DeadLetter, Identifier, Link, Raw
from hub.access.personal.desk import PersonalDesk, Word
from hub.errors import BadRequest, Conflict, NotFound, Refused
from hub.journal.log import Journal
from hub.journal.records import HUB, ClaimEntry, Draft, HeldClaim
from hub.journal.sealing import Keyring, KeyringConfig
from hub.journal.trust import SourceTrust
from tests.access.personal.conftest import Files
from tests.journal.conftest import START, Journals

WORD = Word(actor="officer", reason="asked for in writing")
TRUST = {name: SourceTrust(trusted_schemes=frozenset({"employee_number"})) for name in ("hr", "gate")}


def li(external_id: str = "17", **values: str) -> Claim:
    return Claim(
        kind="Person",
        external_id=external_id,
        identifiers=(Identifier(scheme="employee_number", value="E-0017"),),
        values={"name": "Li Si", "phone": "13800000017", **values},
    )


HR = (
    li(),
    Claim(kind="Person", external_id="18", values={"name": "Wang Wu", "phone": "13800000018"}),
    Claim(
        kind="Qualification",
        external_id="17/first_aid",
        values={"skill": "first_aid", "certificate": "FA-1"},
        links=(Link(relation="HELD_BY", target="17"),),
    ),
    Claim(
        kind="Qualification",
        external_id="17/lapsed",
        values={"skill": "lapsed", "certificate": "FA-0"},
        links=(Link(relation="HELD_BY", target="17"),),
    ),
    Claim(
        kind="Shift",
        external_id="17/1",
        values={"role": "guard", "starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-03-01T08:00:00Z"},
        links=(Link(relation="SERVED_BY", target="17"),),
    ),
)


async def say(journal: Journal, source: str, *claims: Claim, letters: Sequence[DeadLetter] = ()) -> Mapping[str, str]:
    drafted = Draft(source=source, received_at=START, claims=claims, dead_letters=letters)
    return (await journal.append(drafted)).entities


def letter(text: str, coding: str = "utf-8") -> DeadLetter:
    return DeadLetter(raw=Raw(key="topic", received_at=START, data=text.encode(coding)), reason="no number", where="n")


async def furnish(journal: Journal) -> tuple[str, str]:
    """Li Si, whom two sources know, with two certificates, one of them gone, and a shift; and Wang Wu."""
    made = await say(journal, "hr", *HR)
    await say(journal, "hr", Claim(kind="Qualification", external_id="17/lapsed", gone=True))
    gate = await say(journal, "gate", li("badge-9"))
    letters = [letter("李 Li Si"), letter("call 13800000017", "utf-16-le"), letter("Wang Wu 13800000018")]
    await say(journal, "gate", letters=letters)
    lives = await journal.resolve([gate["badge-9"], made["17"]])
    [person] = set(lives.values())  # one, by their number
    return person, made["18"]


async def clear(journal: Journal, *entities: str) -> list[HeldClaim]:
    latest = (await journal.latest_claims(entities)).claims
    return list(await journal.unseal([each for claims in latest.values() for each in claims]))


async def all_values(journal: Journal) -> set[str]:
    """Every personal value that can still be read, in the whole log."""
    held = [
        HeldClaim(
            seq=each.seq,
            source=each.source,
            entity=each.entity,
            claim=each.claim,
            targets={},
            recorded_at=START,
            last_seen=START,
        )
        for each in (await journal.records(0, 1000))[1]
        if isinstance(each, ClaimEntry)
    ]
    said = [value for each in await journal.unseal(held) for value in each.claim.values.values()]
    return {value for value in said if isinstance(value, str)}


def test_all_of_a_person_is_unreadable_and_nobody_elses(journals: Journals, files: Files) -> None:
    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, other = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock, files)
            assert {"Li Si", "13800000017", "FA-1", "FA-0"} <= await all_values(journal)
            looked = await desk.footprint("gate/badge-9")
            assert looked.person == person and not looked.erased and len(looked.letters) == 2
            assert {(thing.source, thing.external_id) for thing in looked.things} == {
                ("hr", "17"),
                ("gate", "badge-9"),
                ("hr", "17/first_aid"),
                ("hr", "17/lapsed"),
                ("hr", "17/1"),
            }
            done = await desk.erase(person, WORD)
            assert (done.things, done.letters) == (5, 2) and files.done == ["condemned", "renewed"]
            left = await all_values(journal)
            assert not {"Li Si", "13800000017", "FA-1", "FA-0"} & left and {"Wang Wu", "13800000018"} <= left
            assert all(each.claim.gone for each in await clear(journal, person))
            assert not any(each.claim.gone for each in await clear(journal, other))
            [kept] = await journal.dead_letters()
            assert kept.data == b"Wang Wu 13800000018"
            [event] = await journal.stream("erasures")
            assert (event.type, event.actor, event.reason) == ("person.erased", "officer", WORD.reason)
            assert await journal.verify_chain() > 0
            assert (await desk.footprint(person)).erased

    asyncio.run(run())


def test_what_is_told_later_is_taken_in_without_it_until_they_are_readmitted(journals: Journals) -> None:
    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock)
            await desk.erase(person, WORD)
            journals.clock.advance(timedelta(seconds=1))  # of merged ids the older one lives
            changed = li(phone="13800009999")
            for source, claim in (("hr", li()), ("hr", changed), ("gate", li("badge-10"))):
                await say(journal, source, claim)
            assert not {"Li Si", "13800000017", "13800009999"} & await all_values(journal)
            with pytest.raises(Refused, match="was erased"):
                await desk.correct(person, {"phone": "13800000001"}, WORD)
            await desk.readmit(person, WORD)
            await say(journal, "hr", changed)
            values = [each.claim.values for each in await clear(journal, person) if not each.claim.gone]
            assert {"Li Si"} <= {value.get("name") for value in values}
            assert "13800000017" not in await all_values(journal), "what was erased stays so"
            with pytest.raises(Refused, match="was not erased"):
                await desk.readmit(person, WORD)

    asyncio.run(run())


def test_a_correction_stands_above_the_sources_and_is_sealed(journals: Journals) -> None:
    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock)
            word = Word(actor="officer", reason="moved", key="k1")
            done = await desk.correct(person, {"phone": "13700000001"}, word)
            again = await desk.correct(person, {"phone": "13700000001"}, word)
            assert again.repeated and again.seq == done.seq
            with pytest.raises(Conflict):
                await desk.correct(person, {"phone": "13700000002"}, word)
            await desk.correct(person, {"name": "Li Siyu"}, WORD)
            [own] = [each for each in await clear(journal, person) if each.source == HUB]
            assert dict(own.claim.values) == {"phone": "13700000001", "name": "Li Siyu"}
            for values, said in (
                ({}, "say what"),
                ({"phone": "call me"}, "no telephone number"),
                ({"name": " "}, "empty"),
                ({"born": "x"}, "'born'"),
            ):
                with pytest.raises(BadRequest, match=said):
                    await desk.correct(person, values, WORD)
            await desk.erase(person, WORD)
            assert not {"13700000001", "Li Siyu", "Li Si"} & await all_values(journal)

    asyncio.run(run())


def test_a_wrong_order_changes_nothing(journals: Journals, files: Files) -> None:
    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock, files)
            head = journal.head
            for reason, said in (("", "give a reason"), ("Li Si asked", "names the person")):
                with pytest.raises(BadRequest, match=said):
                    await desk.erase(person, Word(actor="officer", reason=reason))
            for name in ("nobody", "hr/99", "01955000-0000-7000-8000-000000000000", "hr/17/1"):
                with pytest.raises(NotFound, match="no person"):
                    await desk.erase(name, WORD)
            assert journal.head == head and not files.done and "Li Si" in await all_values(journal)

    asyncio.run(run())


def test_a_repeated_command_erases_once(journals: Journals, files: Files) -> None:
    """Also after the person was readmitted: a repeat is no new order."""

    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock, files)
            word = Word(actor="officer", reason="asked for", key="k")
            first = await desk.erase(person, word)
            await desk.readmit(person, WORD)
            await say(journal, "hr", li())
            again = await desk.erase(person, word)
            assert again.repeated and (again.things, again.letters) == (first.things, first.letters)
            assert "Li Si" in await all_values(journal)

    asyncio.run(run())


def test_keys_that_came_back_go_when_the_log_is_opened(journals: Journals, tmp_path: Path) -> None:
    """An older copy of the key store is put back, and the list beside the park key is lost."""

    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            copyfile(tmp_path / "keys.db", tmp_path / "old.db")
            await PersonalDesk(journal, journals.keyring, journals.clock).erase(person, WORD)
        (tmp_path / "park.key.forgotten").rename(tmp_path / "lost")
        old = KeyringConfig(store=tmp_path / "old.db", park_key=tmp_path / "park.key")
        keyring = Keyring.open(old, clock=journals.clock)
        try:
            async with journals.open(trust=TRUST, keyring=keyring) as journal:
                assert "Li Si" in await all_values(journal), "the older store has the keys still"
                assert await PersonalDesk(journal, keyring, journals.clock).settle() == 4
                assert not {"Li Si", "FA-1"} & await all_values(journal)
                assert keyring.barred([("hr", "17")])
        finally:
            keyring.close()
        (tmp_path / "park.key.forgotten").unlink()
        (tmp_path / "lost").rename(tmp_path / "park.key.forgotten")
        copyfile(tmp_path / "old.db", tmp_path / "older.db")

    journals.clock.advance(timedelta(minutes=1))
    asyncio.run(run())


def test_the_list_beside_the_park_key_is_honoured_by_an_older_store(journals: Journals, tmp_path: Path) -> None:
    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, other = await furnish(journal)
            copyfile(tmp_path / "keys.db", tmp_path / "old.db")
            desk = PersonalDesk(journal, journals.keyring, journals.clock)
            await desk.erase(person, WORD)
            await desk.erase(other, WORD)
            await desk.readmit(other, WORD)
        keyring = Keyring.open(KeyringConfig(store=tmp_path / "old.db", park_key=tmp_path / "park.key"))
        try:
            assert keyring.barred([("hr", "17"), ("hr", "18")]) == {("hr", "17")}
            async with journals.open(trust=TRUST, keyring=keyring) as journal:
                assert not {"Li Si", "FA-1", "Wang Wu"} & await all_values(journal)
        finally:
            keyring.close()

    asyncio.run(run())


def test_a_log_that_knows_nothing_of_an_erasure_takes_who_is_readmitted_in_again(journals: Journals) -> None:
    """As after the restore of an older backup: the source says word for word what it said before."""

    async def run() -> None:
        async with journals.open(trust=TRUST) as journal:
            person, _ = await furnish(journal)
            desk = PersonalDesk(journal, journals.keyring, journals.clock)
            pairs = [("hr", "17"), ("gate", "badge-9"), ("hr", "17/first_aid")]
            journals.keyring.erase(pairs, bar=True)
            assert (await desk.footprint(person)).erased and "Li Si" not in await all_values(journal)
            await say(journal, "hr", li())
            assert "Li Si" not in await all_values(journal)
            await desk.readmit(person, WORD)
            await say(journal, "hr", li())
            assert {"Li Si", "13800000017"} <= await all_values(journal)

    asyncio.run(run())
