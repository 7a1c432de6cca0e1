"""Appending: what is stored, in which order, what is refused, and what is not stored twice."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.contract import Claim, DeadLetter, Identifier, Link, Position, Raw, Signal
from hub.clock import to_micros
from hub.errors import BadRequest, Conflict, NotFound
from hub.journal.match import Decision, Matches
from hub.journal.records import (
    HUB,
    Checkpoint,
    ClaimEntry,
    Command,
    Draft,
    EventEntry,
    NewEvent,
    ReadingRow,
    ReadingsEntry,
    SignalEntry,
)
from hub.journal.trust import SourceTrust
from tests.journal.conftest import START, Journals

AT = to_micros(START)


def draft(**parts: object) -> Draft:
    return Draft(**{"source": "cabinets", "received_at": START, **parts})  # type: ignore[arg-type]


def sensor(name: str = "s1", **more: object) -> Claim:
    return Claim(**{"kind": "Asset", "external_id": name, "values": {"kind": "SENSOR", "name": name}, **more})  # type: ignore[arg-type]


def timer(expected: int, **more: object) -> NewEvent:
    data = {"deadline": "2026-03-01T08:00:00+00:00", "subject": "x", "rule": "r"}
    made = {"type": "timer.fired", "version": 1, "stream": "timer:r", "expected": expected, "data": data, "actor": HUB}
    return NewEvent(**{**made, **more})  # type: ignore[arg-type]


def test_a_batch_takes_a_number_and_its_records_the_following_ones_what_is_claimed_before_what_is_measured(
    journals: Journals,
) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            (series,) = await journal.series("cabinets", [("s1", "temperature", "Cel")])
            row = ReadingRow(series.id, AT, 21.5, 0, None)
            claim = sensor(
                position=Position(latitude=31.2, longitude=121.4),
                identifiers=(Identifier(scheme="serial_number", value="ACME/17"),),
                links=(Link(relation="LOCATED_IN", target="room"),),
                observed_at=START,
            )
            signal = Signal(type="door.open", subject="s1", at=START, values={"door": 2}, evidence=("a.jpg",))
            appended = await journal.append(
                draft(claims=[claim], readings=[row], signals=[signal], events=[timer(0)], cursor="c1")
            )
            assert (appended.batch, appended.seq, journal.head) == (3, 5, 5)
            first, readings, second, third = await journal.read(0)
            assert isinstance(first, ClaimEntry) and (first.batch, first.seq) == (1, 2) and first.claim == claim
            assert isinstance(readings, ReadingsEntry) and list(readings.rows) == [row] and readings.seq == 3
            assert first.entity == appended.entities["s1"] == series.sensor
            assert isinstance(second, SignalEntry) and second.signal == signal and second.entity == first.entity
            assert isinstance(third, EventEntry) and third.stream_version == 1 and third.seq == 5
            assert await journal.verify_chain() == 2
            assert await journal.cursor("cabinets") == "c1"
            assert await journal.cursor("other") is None

    asyncio.run(main())


def test_what_memory_and_database_tell_is_the_same(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            (series,) = await journal.series("cabinets", [("s1", "temperature", "Cel")])
            for n in range(5):
                rows = [ReadingRow(series.id, AT + n * 10 + k, float(k), k % 3, AT if k == 2 else None) for k in (2, 1)]
                claims = [sensor(links=(Link(relation="LOCATED_IN", target=f"room{n}"),))]
                await journal.append(draft(claims=claims, readings=rows, events=[timer(n, claims=[sensor(f"h{n}")])]))
            from_memory = [list(await journal.read(after)) for after in range(journal.head + 1)]
        async with journals.open() as journal:
            from_database = [list(await journal.read(after)) for after in range(journal.head + 1)]
            paged, after = [], 0
            while page := await journal.read(after, 2):
                paged += page
                after = page[-1].seq
        assert from_memory == from_database
        assert paged == from_database[0]
        assert len(paged) == 5 * 4

    asyncio.run(main())


def test_an_unchanged_claim_moves_only_its_last_seen_time(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            first = await journal.append(draft(claims=[sensor(observed_at=START)]))
            later = START + timedelta(hours=1)
            again = await journal.append(draft(claims=[sensor(observed_at=later)], received_at=later))
            assert again.seq == first.seq == journal.head
            assert again.entities == first.entities
            held = (await journal.claims_of([first.entities["s1"]]))[first.entities["s1"]]
            assert [(h.last_seen, h.seq) for h in held] == [(later, first.seq)]
            changed = await journal.append(draft(claims=[sensor(values={"kind": "SENSOR", "name": "new"})]))
            assert changed.seq == first.seq + 2

    asyncio.run(main())


def test_a_claim_taken_back_is_no_longer_live_and_can_return(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            link = (Link(relation="LOCATED_IN", target="room"),)
            made = await journal.append(draft(claims=[sensor(links=link), sensor("room")]))
            entity, room = made.entities["s1"], made.entities["room"]
            assert (await journal.referring([room]))[room] == [entity]
            assert await journal.linking([room]) == {entity}
            await journal.append(draft(claims=[sensor(gone=True, values={})]))
            assert set(await journal.live_claims("cabinets")) == {"room"}
            assert (await journal.claims_of([entity]))[entity] == []
            assert (await journal.referring([room]))[room] == []
            assert await journal.linking([room]) == set()
            (last,) = (await journal.latest_claims([entity])).claims[entity]
            assert last.claim.gone and last.claim.values == sensor().values and last.claim.links == link
            head = journal.head
            await journal.append(draft(claims=[sensor(gone=True, values={})]))
            assert journal.head == head
            back = await journal.append(draft(claims=[sensor(links=link)]))
            assert back.entities["s1"] == entity
            assert set(await journal.live_claims("cabinets")) == {"room", "s1"}
            (held,) = (await journal.claims_of([entity]))[entity]
            assert held.targets == {("LOCATED_IN", "room"): room}
            assert await journal.entities("", 10) == sorted([entity, room])
            assert await journal.entities(min(entity, room), 10) == [max(entity, room)]
            assert await journal.resolve([entity, "nobody"]) == {entity: entity}

    asyncio.run(main())


def test_one_source_s_claims_meet_another_s_in_one_entity(journals: Journals) -> None:
    trust = {name: SourceTrust(trusted_schemes=frozenset({"serial_number"})) for name in ("cabinets", "maintenance")}

    async def main() -> None:
        async with journals.open(trust=trust) as journal:
            serial = (Identifier(scheme="serial_number", value="ACME/17"),)
            (series,) = await journal.series("maintenance", [("m1", "temperature", "Cel")])
            old = (await journal.append(draft(claims=[sensor(identifiers=serial)]))).entities["s1"]
            new = await journal.append(draft(source="maintenance", claims=[sensor("m1", identifiers=serial)]))
            living = new.entities["m1"]
            assert {h.source for h in (await journal.claims_of([old]))[old]} == {"cabinets", "maintenance"}
            assert (await journal.resolve([old, series.sensor])) == {old: living, series.sensor: living}
            await journal.append(draft(source="maintenance", readings=[ReadingRow(series.id, AT, 1.0, 0, None)]))
            (latest,) = (await journal.latest([old]))[old]
            assert latest.row.value == 1.0 and latest.series.sensor == living
            merged = [e for e in await journal.read(0) if isinstance(e, EventEntry) and e.type == "entity.merged"]
            assert [e.data["entity"] for e in merged] == [living]
            await journal.verify_chain()

    asyncio.run(main())


def test_a_stream_that_moved_on_refuses_and_spares_its_neighbours(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            await journal.append(draft(events=[timer(0), timer(1)]))
            stale = timer(1, claims=[sensor("never")])
            outcomes = await asyncio.gather(
                journal.append(draft(claims=[sensor("a")])),
                journal.append(draft(claims=[sensor("lost")], events=[stale], cursor="lost")),
                journal.append(draft(readings=[ReadingRow(999, AT, 1.0, 0, None)])),
                journal.append(draft(claims=[sensor("b")], events=[timer(2)])),
                return_exceptions=True,
            )
            assert isinstance(outcomes[1], Conflict) and "version 2" in str(outcomes[1])
            assert isinstance(outcomes[2], BadRequest)
            assert await journal.live_claims("cabinets") == {"a": "Asset", "b": "Asset"}
            assert await journal.cursor("cabinets") is None
            assert [e.stream_version for e in await journal.stream("timer:r")] == [1, 2, 3]
            assert await journal.verify_chain() > 0

    asyncio.run(main())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_refused(journals: Journals, value: float) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            (series,) = await journal.series("cabinets", [("s1", "temperature", "Cel")])
            with pytest.raises(BadRequest):
                await journal.append(draft(readings=[ReadingRow(series.id, AT, value, 0, None)]))

    asyncio.run(main())


def test_an_event_s_claims_follow_it_as_the_hub_s(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            id_ = "0195518a-3c00-7000-8000-000000000001"
            claim = Claim(kind="Asset", external_id=id_, values={"kind": "EQUIPMENT", "name": "pump"})
            appended = await journal.append(draft(events=[timer(0, claims=[claim], reason="why", cause=7)]))
            event, effect = await journal.read(0)
            assert isinstance(event, EventEntry) and (event.reason, event.cause, event.actor) == ("why", 7, HUB)
            assert isinstance(effect, ClaimEntry)
            assert (effect.source, effect.entity, effect.cause) == (HUB, id_, event.seq)
            assert appended.entities == {id_: id_}

    asyncio.run(main())


def test_a_repeated_command_gets_the_first_answer_and_appends_nothing(journals: Journals) -> None:
    command = Command(actor="ann", key="k1", fingerprint="f", answer={"alert": "x"})

    async def main() -> None:
        async with journals.open() as journal:
            first = await journal.append(draft(events=[timer(0)], command=command))
            other = Command(actor="ann", key="k1", fingerprint="f", answer={"alert": "another"})
            again = await journal.append(draft(events=[timer(0)], command=other))
            assert (again.repeated, again.answer, again.seq) == (True, {"alert": "x"}, first.seq)
            assert not first.repeated
            with pytest.raises(Conflict):
                await journal.append(
                    draft(events=[timer(1)], command=Command(actor="ann", key="k1", fingerprint="other"))
                )
            bobs = await journal.append(
                draft(events=[timer(1)], command=Command(actor="bob", key="k1", fingerprint="other"))
            )
            assert not bobs.repeated
            assert len(await journal.stream("timer:r")) == 2

    asyncio.run(main())


def test_a_refused_command_can_be_tried_again(journals: Journals) -> None:
    command = Command(actor="ann", key="k1", fingerprint="f")

    async def main() -> None:
        async with journals.open() as journal:
            with pytest.raises(Conflict):
                await journal.append(draft(events=[timer(3)], command=command))
            assert not (await journal.append(draft(events=[timer(0)], command=command))).repeated

    asyncio.run(main())


def test_a_consumer_s_position_moves_with_what_it_appended(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            assert await journal.checkpoint("warning") == (0, None)
            await journal.append(draft(events=[timer(0)], checkpoint=Checkpoint(consumer="warning", position=5)))
            mark = Checkpoint(consumer="warning", position=9, state=b"s")
            await journal.append(draft(checkpoint=mark))
            await journal.append(draft(checkpoint=Checkpoint(consumer="warning", position=10)))
            assert await journal.checkpoint("warning") == (10, b"s")
            with pytest.raises(Conflict):
                moved = Checkpoint(consumer="warning", position=99)
                await journal.append(draft(events=[timer(0)], checkpoint=moved))
            assert await journal.checkpoint("warning") == (10, b"s")
            await journal.append(draft(checkpoint=Checkpoint(consumer="warning%snapshot", position=3)))
            assert await journal.checkpoints("warning") == [("warning%snapshot", 3), ("warning", 10)]
            assert await journal.checkpoints("warning%") == [("warning%snapshot", 3)]

    asyncio.run(main())


def test_a_dead_letter_is_kept_sealed_and_can_be_marked(journals: Journals) -> None:
    raw = Raw(key="park/t1", received_at=START, data=b'{"v": "\xff')
    letter = DeadLetter(raw=raw, reason="not UTF-8", where="byte 7")

    async def main() -> None:
        async with journals.open() as journal:
            await journal.append(draft(dead_letters=[letter, letter], adapter_version="1.2", cursor="c"))
            await journal.append(draft(source="other", dead_letters=[letter]))
            first, second = await journal.dead_letters("cabinets")
            assert (first.data, first.reason, first.where) == (raw.data, "not UTF-8", "byte 7")
            assert (first.adapter_version, first.received_at, first.key) == ("1.2", START, "park/t1")
            assert [d.id for d in await journal.dead_letters("cabinets", after=first.id)] == [second.id]
            assert len(await journal.dead_letters()) == 3
            replayed = await journal.append(draft(claims=[sensor("mended")], replayed=first.id))
            assert not replayed.repeated
            again = await journal.append(draft(claims=[sensor("again")], replayed=first.id))
            assert again.repeated and "again" not in await journal.live_claims("cabinets")
            marked, unmarked = await journal.dead_letters("cabinets")
            assert marked.replayed_at is not None and unmarked.replayed_at is None
            with pytest.raises(NotFound):
                await journal.append(draft(replayed=999))

    asyncio.run(main())


def test_personal_values_are_sealed_and_can_be_forgotten(journals: Journals) -> None:
    person = Claim(kind="Person", external_id="p1", values={"name": "Li Wei", "phone": "13800000000"})

    async def main() -> None:
        async with journals.open() as journal:
            appended = await journal.append(draft(claims=[person]))
            again = await journal.append(draft(claims=[person]))
            assert again.seq == appended.seq
            id_ = appended.entities["p1"]
            held = (await journal.claims_of([id_]))[id_]
            (entry,) = await journal.read(0)
            assert isinstance(entry, ClaimEntry)
            assert "Li Wei" not in repr(held) + repr(entry) and "13800000000" not in repr(held) + repr(entry)
            (clear,) = await journal.unseal(held)
            assert clear.claim.values == person.values
            journals.keyring.forget("cabinets", "p1")
            (forgotten,) = await journal.unseal(held)
            assert forgotten.claim.values == {"name": None, "phone": None}
            await journal.verify_chain()

    asyncio.run(main())


def test_a_person_s_decision_and_its_events_are_one(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            made = await journal.append(draft(claims=[sensor("a"), sensor("b")]))
            one, other = sorted(made.entities.values())
            command = Command(actor="ann", key="k", fingerprint="merge")

            def merge(matches: Matches, connection: sa.Connection, at: datetime) -> Sequence[NewEvent]:
                return matches.merge(connection, one, other, Decision(actor="ann", at=at))

            decided = await journal.decide(merge, command=command)
            assert await journal.resolve([one, other]) == {one: one, other: one}
            types = [e.type for e in await journal.read(made.seq) if isinstance(e, EventEntry)]
            assert types == ["match.accepted", "entity.merged"]
            assert (await journal.decide(merge, command=command)).seq == decided.seq
            with pytest.raises(Conflict):
                await journal.decide(merge)
            assert journal.head == decided.seq
            await journal.decide(lambda m, c, at: m.split(c, other, Decision(actor="ann", at=at)))
            assert await journal.resolve([one, other]) == {one: one, other: other}
            assert await journal.verify_chain() == 3

    asyncio.run(main())


def test_who_gives_up_waiting_does_not_stop_the_others(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            tasks = [asyncio.create_task(journal.append(draft(claims=[sensor(f"s{n}")]))) for n in range(600)]
            await asyncio.sleep(0)
            for task in tasks[::3]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            kept = {f"s{n}" for n, outcome in enumerate(done) if not isinstance(outcome, BaseException)}
            assert len(kept) == 400
            assert kept <= set(await journal.live_claims("cabinets"))
        async with journals.open() as journal:
            assert kept <= set(await journal.live_claims("cabinets"))
            await journal.verify_chain()

    asyncio.run(main())
