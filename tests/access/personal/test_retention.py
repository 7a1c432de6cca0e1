"""What is personal goes when its time is over, and not before; a legal hold keeps it."""

import asyncio
from datetime import timedelta
from typing import get_type_hints

import pytest

from adapters.contract import Claim
from graph_models.annotations import Privacy
from graph_models.entities import ENTITIES, IncidentKind, kept_of
from hub.access.personal.desk import PersonalDesk, Word
from hub.access.personal.retention import Expired, PersonalRetention
from hub.command import incidents
from hub.errors import NotFound, Refused
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft
from hub.warning.alerts import Named
from tests.access.personal.conftest import Files
from tests.access.personal.test_desk import HR, WORD, all_values, say
from tests.journal.conftest import START, Journals

RESPONSE = timedelta(days=30)
NUMBER = "2026-0001"


def gone(kind: str, external_id: str) -> Claim:
    return Claim(kind=kind, external_id=external_id, gone=True)


async def incident(journal: Journal, journals: Journals, *, close: bool = False) -> None:
    told = incidents.opened(
        id="01955000-0000-7000-8000-000000000001",
        number=NUMBER,
        kind=next(iter(IncidentKind)),
        drill=False,
        at=START,
        by="commander",
        places=[Named(id="01955000-0000-7000-8000-000000000002", kind="PARK", name="Park")],
    )
    name = incidents.OPENED
    if close:
        told, name = incidents.closed(told, at=journals.clock(), by="commander"), incidents.CLOSED
    event = incidents.event(name, told, expected=int(close), actor="commander", cause=None)
    await journal.append(Draft(source=HUB, received_at=journals.clock(), events=[event]))


def test_every_personal_field_says_why_and_how_long() -> None:
    for entity in ENTITIES:
        hints = get_type_hints(entity, include_extras=True).items()
        personal = {name for name, hint in hints if Privacy.PERSONAL in getattr(hint, "__metadata__", ())}
        kept = kept_of(entity)
        assert kept.keys() == personal, f"{entity.__name__}: say Kept(purposes, days) of {personal ^ kept.keys()}"
        assert all(each.purposes and each.days > 0 for each in kept.values())


def test_what_no_source_tells_of_goes_after_its_time(journals: Journals, files: Files) -> None:
    async def run() -> None:
        async with journals.open() as journal:
            await say(journal, "hr", *HR)
            retention = PersonalRetention(journal, journals.keyring, journals.clock, RESPONSE, files)
            await say(journal, "hr", gone("Person", "17"), gone("Qualification", "17/first_aid"))
            journals.clock.advance(timedelta(days=179))
            assert await retention.expire() == Expired(lapsed=0, responses=0) and not files.done
            journals.clock.advance(timedelta(days=2))
            assert await retention.expire() == Expired(lapsed=1, responses=0)
            assert files.done == ["condemned", "renewed"]
            left = await all_values(journal)
            assert not {"Li Si", "13800000017"} & left and {"Wang Wu", "FA-1"} <= left
            journals.clock.advance(timedelta(days=3 * 365))
            assert await retention.expire() == Expired(lapsed=1, responses=0)
            assert "FA-1" not in await all_values(journal)
            assert await retention.expire() == Expired(lapsed=0, responses=0), "once"
            await say(journal, "hr", HR[0])
            assert "Li Si" in await all_values(journal), "nobody asked to be forgotten: who returns is taken in"
            assert await journal.verify_chain() > 0

    asyncio.run(run())


def test_what_a_response_took_in_goes_after_its_close_unless_it_is_on_hold(journals: Journals, files: Files) -> None:
    async def run() -> None:
        async with journals.open() as journal:
            await say(journal, "hr", *HR)
            await incident(journal, journals)
            desk = PersonalDesk(journal, journals.keyring, journals.clock, files)
            retention = PersonalRetention(journal, journals.keyring, journals.clock, RESPONSE, files)
            told = {"name": "Zhao Liu", "phone": "13900000006"}
            with pytest.raises(NotFound, match="no incident"):
                await desk.register("2026-0099", told, WORD)
            await desk.register(NUMBER, told, Word(actor="duty", reason="", key="r1"))
            assert (await desk.register(NUMBER, told, Word(actor="duty", reason="", key="r1"))).repeated
            journals.clock.advance(timedelta(days=400))
            assert (await retention.expire()).responses == 0, "it is open still"
            await incident(journal, journals, close=True)
            with pytest.raises(Refused, match="is closed"):
                await desk.register(NUMBER, told, WORD)
            await desk.hold(NUMBER, Word(actor="officer", reason="court file 12"), place=True)
            with pytest.raises(Refused, match="court file 12"):
                await desk.hold(NUMBER, WORD, place=True)
            journals.clock.advance(timedelta(days=31))
            assert (await retention.expire()).responses == 0 and "Zhao Liu" in await all_values(journal)
            await desk.hold(NUMBER, Word(actor="officer", reason="court closed"), place=False)
            assert (await retention.expire()).responses == 1
            left = await all_values(journal)
            assert not {"Zhao Liu", "13900000006"} & left and {"Li Si", "Wang Wu"} <= left

    asyncio.run(run())


def test_whoever_is_on_legal_hold_is_neither_erased_nor_expired(journals: Journals) -> None:
    async def run() -> None:
        async with journals.open() as journal:
            made = await say(journal, "hr", *HR)
            desk = PersonalDesk(journal, journals.keyring, journals.clock)
            await desk.hold("hr/17", Word(actor="officer", reason="order 7"), place=True)
            with pytest.raises(Refused, match=r"legal hold since 2026-03-01 \(order 7\): release that first"):
                await desk.erase(made["17"], WORD)
            await say(journal, "hr", gone("Person", "17"), gone("Qualification", "17/first_aid"))
            journals.clock.advance(timedelta(days=4000))
            retention = PersonalRetention(journal, journals.keyring, journals.clock, RESPONSE)
            assert (await retention.expire()).lapsed == 0
            assert {"Li Si", "FA-1"} <= await all_values(journal)
            await desk.hold(made["17"], Word(actor="officer", reason="order 8"), place=False)
            with pytest.raises(Refused, match="not on legal hold"):
                await desk.hold(made["17"], WORD, place=False)
            await desk.erase(made["17"], WORD)
            assert not {"Li Si", "FA-1", "FA-0"} & await all_values(journal)

    asyncio.run(run())
