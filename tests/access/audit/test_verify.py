"""Whoever owns the database and changes it is found out, and what they did is named."""

from collections.abc import Callable

import pytest

from hub.access.audit import keys
from hub.access.audit.chain import Checkpoint, digest, entry_hash
from hub.access.audit.verify import What
from tests.access.audit.keeping import Keeping, in_loop, personal, plain

Told = list[Checkpoint]


async def written(keeping: Keeping, count: int = 12, *, closed: bool = True) -> Told:
    """A chain of entries with a checkpoint every five; the checkpoints as a witness has them."""
    told: Told = []

    async def witness(signed: Checkpoint) -> None:
        told.append(signed)

    audit = await keeping.at(checkpoint_entries=5).open(witness=witness)
    for number in range(count):
        await audit.write(personal(f"p-{number + 1}"))
    await audit.close()
    if not closed:  # as a kill would leave it
        keeping.change("DELETE FROM checkpoint WHERE kind = 'closed'")
        told.pop()
    return told


@in_loop
async def test_what_nobody_touched_holds(keeping: Keeping) -> None:
    told = await written(keeping)
    report = keeping.verified(told)
    assert report.holds and (report.entries, report.checkpoints) == (12, 4)
    assert keeping.verified(trusted=[keeping.public]).holds


FORGED = b'{"viewer":{"subject":"nobody"}}'
CASES: dict[str, tuple[str, What, int]] = {
    "body": ("UPDATE entry SET body = :forged WHERE number = 6", What.CHANGED, 6),
    "time": ("UPDATE entry SET at = at - 3600000000 WHERE number = 6", What.CHANGED, 6),
    "flag": ("UPDATE entry SET personal = NOT personal WHERE number = 6", What.CHANGED, 6),
    "emptied": ("UPDATE entry SET body = NULL WHERE number = 6", What.CHANGED, 6),
    "hash": ("UPDATE entry SET hash = digest WHERE number = 6", What.CHANGED, 6),
    "deleted": ("DELETE FROM entry WHERE number = 6", What.DELETED, 6),
    "first": ("DELETE FROM entry WHERE number = 1", What.DELETED, 1),
    "several": ("DELETE FROM entry WHERE number BETWEEN 4 AND 8", What.DELETED, 4),
    "tail": ("DELETE FROM entry WHERE number > 7", What.TRUNCATED, 7),
    "all": ("DELETE FROM entry", What.TRUNCATED, 0),
    "seen": ("DELETE FROM subject WHERE number = 6", What.UNLISTED, 6),
    "framed": ("UPDATE subject SET id = 'somebody' WHERE number = 6", What.UNLISTED, 6),
}


@pytest.mark.parametrize("case", CASES)
@in_loop
async def test_a_change_is_named(keeping: Keeping, case: str) -> None:
    told = await written(keeping)
    statement, what, number = CASES[case]
    keeping.change(statement, **({"forged": FORGED} if ":forged" in statement else {}))
    for witnessed in (told, []):  # the database's own checkpoints suffice for these
        found = keeping.verified(witnessed).findings
        assert [(each.what, each.number) for each in found] == [(what, number)], found


@pytest.mark.parametrize("whole", [True, False], ids=["rows", "what they say"])
@in_loop
async def test_two_that_changed_places_are_named(keeping: Keeping, whole: bool) -> None:
    told = await written(keeping)
    if whole:
        keeping.change(
            "UPDATE entry SET number = -1 WHERE number = 3",
            "UPDATE entry SET number = 3 WHERE number = 9",
            "UPDATE entry SET number = 9 WHERE number = -1",
            "UPDATE subject SET number = -1 WHERE number = 3",
            "UPDATE subject SET number = 3 WHERE number = 9",
            "UPDATE subject SET number = 9 WHERE number = -1",
        )
    else:
        rows = {n: r for n, *r in keeping.rows("SELECT number, at, digest, body FROM entry WHERE number IN (3, 9)")}
        for number, (at, digest_, body) in ((3, rows[9]), (9, rows[3])):
            keeping.change(
                "UPDATE entry SET at = :at, digest = :digest, body = :body WHERE number = :number",
                at=at,
                digest=bytes(digest_),
                body=bytes(body),
                number=number,
            )
    found = keeping.verified(told).findings
    assert [(each.what, each.number) for each in found] == [(What.REORDERED, 3), (What.REORDERED, 9)]
    assert "it was entry 9" in found[0].text


def rewrite(keeping: Keeping, number: int, *, to_the_end: bool) -> None:
    """The owner knows how hashes are made, and makes them anew."""
    rows = keeping.rows("SELECT number, chain, at, personal, digest, body, previous FROM entry ORDER BY number")
    previous = b""
    for row in rows:
        if row.number < number or (row.number > number and not to_the_end):
            continue
        body = FORGED if row.number == number else bytes(row.body)
        before = bytes(row.previous) if row.number == number else previous
        hash_ = entry_hash(before, row.chain, row.number, row.at, bool(row.personal), digest(body))
        keeping.change(
            "UPDATE entry SET body = :body, digest = :digest, previous = :previous, hash = :hash "
            "WHERE number = :number",
            body=body,
            digest=digest(body),
            previous=before,
            hash=hash_,
            number=row.number,
        )
        previous = hash_
    keeping.change("DELETE FROM subject WHERE number = :number", number=number)


@in_loop
async def test_hashes_made_anew_do_not_help(keeping: Keeping) -> None:
    told = await written(keeping)
    rewrite(keeping, 6, to_the_end=False)
    found = keeping.verified(told).findings
    assert [(each.what, each.number) for each in found] == [(What.CHANGED, 6)], found


@in_loop
async def test_a_whole_chain_made_anew_is_told_by_its_checkpoints(keeping: Keeping) -> None:
    told = await written(keeping)
    rewrite(keeping, 6, to_the_end=True)
    found = keeping.verified(told).findings
    assert [(each.what, each.number) for each in found] == [(What.CHANGED, 10)], found
    assert "or one before it" in found[0].text


HIDES: dict[str, tuple[list[str], Callable[[What], bool]]] = {
    "a tail with its checkpoints": (
        ["DELETE FROM entry WHERE number > 7", "DELETE FROM checkpoint WHERE number > 7"],
        lambda what: what is What.TRUNCATED,
    ),
    "a chain as if it had never been": (
        ["DELETE FROM entry", "DELETE FROM checkpoint", "DELETE FROM subject"],
        lambda what: what is What.TRUNCATED,
    ),
    "a checkpoint alone": (
        ["DELETE FROM checkpoint WHERE number = 10"],
        lambda what: what is What.DELETED,
    ),
}


@pytest.mark.parametrize("case", HIDES)
@in_loop
async def test_what_is_gone_with_its_checkpoint_is_told_by_the_witness(keeping: Keeping, case: str) -> None:
    told = await written(keeping)
    statements, expected = HIDES[case]
    keeping.change(*statements)
    found = keeping.verified(told).findings
    assert len(found) == 1 and expected(found[0].what), found


@in_loop
async def test_a_tail_that_nobody_vouched_for_is_said_to_be_unknown(keeping: Keeping) -> None:
    told = await written(keeping, closed=False)
    keeping.change("DELETE FROM entry WHERE number > 10", "DELETE FROM subject WHERE number > 10")
    report = keeping.verified(told)
    assert report.holds
    (note,) = report.notes
    assert "up to 10 are vouched for" in note and "whether more followed cannot be known" in note


@in_loop
async def test_an_entry_added_after_the_end_is_named(keeping: Keeping) -> None:
    told = await written(keeping)
    (last,) = keeping.rows("SELECT chain, at, personal, hash FROM entry WHERE number = 12")
    hash_ = entry_hash(bytes(last.hash), last.chain, 13, last.at, False, digest(FORGED))
    keeping.change(
        "INSERT INTO entry (chain, number, at, personal, digest, body, previous, hash) "
        "VALUES (:chain, 13, :at, :personal, :digest, :body, :previous, :hash)",
        chain=last.chain,
        at=last.at,
        personal=False,
        digest=digest(FORGED),
        body=FORGED,
        previous=bytes(last.hash),
        hash=hash_,
    )
    found = keeping.verified(told).findings
    assert [(each.what, each.number) for each in found] == [(What.FORGED, 13)], found


@in_loop
async def test_a_checkpoint_that_says_something_else_is_forged(keeping: Keeping) -> None:
    await written(keeping)
    ((body,),) = keeping.rows("SELECT body FROM checkpoint WHERE number = 10")
    keeping.change("UPDATE checkpoint SET body = :body WHERE number = 10", body=bytes(body).replace(b"2", b"3", 1))
    assert What.FORGED in {each.what for each in keeping.verified().findings}


@in_loop
async def test_another_key_is_not_believed(keeping: Keeping, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who lacks the key may sign with one of their own."""
    await written(keeping)
    other = keeping.at(key=tmp_path_factory.mktemp("other") / "audit.key")
    keys.signer(other.config.key, make=True)
    audit = await other.open()
    await audit.write(personal("p"))
    await audit.close()
    report = keeping.verified()
    assert {each.what for each in report.findings} == {What.FORGED}
    assert "which is not trusted here" in report.findings[0].text
    assert keeping.verified(trusted=[keeping.public, other.public]).holds


@in_loop
async def test_a_page_and_more_is_walked(keeping: Keeping) -> None:
    audit = await keeping.open()
    for _ in range(2500):
        audit.offer(plain(1))
    await audit.close()
    assert keeping.verified().entries == 2500
    keeping.change("DELETE FROM entry WHERE number = 1000")
    assert [(each.what, each.number) for each in keeping.verified().findings] == [(What.DELETED, 1000)]
