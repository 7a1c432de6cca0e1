"""After its time the record goes, and what is left can still be shown to be whole."""

import asyncio
from datetime import UTC, datetime, timedelta

from hub.access.audit.chain import Checkpoint, Kind
from hub.access.audit.expiry import AT_ONCE
from hub.access.audit.verify import What
from tests.access.audit.keeping import Keeping, in_loop, personal, plain

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def two_chains(keeping: Keeping) -> list[Checkpoint]:
    """Ten days, an entry of each sort a day; the second process takes over after the fifth."""
    told: list[Checkpoint] = []

    async def witness(signed: Checkpoint) -> None:
        told.append(signed)

    for half in (range(5), range(5, 10)):
        audit = await keeping.at(checkpoint_entries=4).open(witness=witness)
        for day in half:
            for record in (personal(f"p-{day}"), plain(1)):
                record.at = START + day * DAY
                await audit.write(record)
        await audit.close()
    return told


@in_loop
async def test_what_is_left_holds_after_an_expiry_and_after_the_next(keeping: Keeping) -> None:
    told = await two_chains(keeping)

    async def witness(signed: Checkpoint) -> None:
        told.append(signed)

    for days, left in ((3, 14), (7, 6), (7, 6)):
        audit = await keeping.open(witness=witness)
        await audit.expire(START + days * DAY, START)
        await audit.close()
        for witnessed in (told, []):
            report = keeping.verified(witnessed)
            assert report.holds, report.findings
            assert report.entries == left
    assert {row[0] for row in keeping.rows("SELECT id FROM subject")} == {"p-7", "p-8", "p-9"}
    assert Kind.EXPIRED in {each.kind for each in told}


@in_loop
async def test_what_showed_nothing_personal_is_emptied_and_the_rest_is_kept(keeping: Keeping) -> None:
    told = await two_chains(keeping)
    audit = await keeping.open()
    assert await audit.expire(START, START + 7 * DAY) == 7
    assert await audit.expire(START, START + 7 * DAY) == 0
    await audit.close()
    report = keeping.verified(told)
    assert report.holds and report.entries == 20, report.findings
    ((emptied, whole),) = keeping.rows("SELECT sum(CASE WHEN body IS NULL THEN 1 ELSE 0 END), count(body) FROM entry")
    assert (emptied, whole) == (7, 13)
    keeping.change("UPDATE entry SET body = NULL WHERE number = 10")  # younger than what was signed, in both chains
    assert {each.what for each in keeping.verified(told).findings} == {What.CHANGED}


@in_loop
async def test_an_expiry_cannot_be_made_up(keeping: Keeping) -> None:
    told = await two_chains(keeping)
    audit = await keeping.open()
    await audit.expire(START + 2 * DAY, START)
    await audit.close()
    keeping.change("DELETE FROM entry WHERE number <= 6", "DELETE FROM subject WHERE number <= 6")
    found = keeping.verified(told).findings
    assert {each.what for each in found} == {What.DELETED}, found


@in_loop
async def test_many_go_in_more_than_one_step_while_others_are_written(keeping: Keeping) -> None:
    audit = await keeping.open()
    for _ in range(AT_ONCE + 100):
        record = plain(1)
        record.at = START
        audit.offer(record)
    await asyncio.sleep(0.1)  # these have gathered and gone
    await audit.write(personal("young"))
    assert await audit.expire(START + DAY, START + DAY) == AT_ONCE + 100
    await audit.write(personal("younger"))
    await audit.close()
    report = keeping.verified()
    assert report.holds and report.entries == 2, report.findings
