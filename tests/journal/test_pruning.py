"""What is kept for a time goes after it: dead letters with their keys, and commands' idempotency keys."""

import asyncio
from datetime import datetime, timedelta

from adapters.contract import DeadLetter, Raw
from hub.clock import to_micros
from hub.journal.records import HUB, Command, Draft, NewEvent
from hub.journal.retention import AT_ONCE
from tests.journal.conftest import START, Journals

NINETY, THIRTY = timedelta(days=90), timedelta(days=30)


def letters(at: datetime, count: int = 1) -> list[DeadLetter]:
    return [DeadLetter(raw=Raw(key="t", received_at=at, data=b"rubbish"), reason="not JSON") for _ in range(count)]


def acknowledged(expected: int) -> NewEvent:
    data = {"deadline": START.isoformat(), "subject": "x", "rule": "r"}
    return NewEvent(type="timer.fired", version=1, stream="timer", expected=expected, data=data, actor=HUB)


def test_old_dead_letters_go_and_newer_ones_stay_readable(journals: Journals) -> None:
    async def main() -> None:
        async with journals.open() as journal:
            await journal.append(Draft(source="a", received_at=START, dead_letters=letters(START, 2)))
            journals.clock.advance(timedelta(days=60))
            await journal.append(Draft(source="b", received_at=START, dead_letters=letters(START)))
            at = journals.clock() + timedelta(days=31)
            pruned = await journal.prune(at, dead_letters=NINETY, commands=THIRTY)
            assert pruned.dead_letters == 2
            (left,) = await journal.dead_letters()
            assert (left.source, left.data) == ("b", b"rubbish")
            assert not any(await journal.prune(at, dead_letters=NINETY, commands=THIRTY))
            assert not journals.keyring.forgotten(), "nobody asked to be forgotten"

    asyncio.run(main())


def test_more_than_fit_one_transaction_go_too(on_sqlite: Journals) -> None:
    async def main() -> None:
        async with on_sqlite.open() as journal:
            await journal.append(Draft(source="a", received_at=START, dead_letters=letters(START, AT_ONCE + 3)))
            pruned = await journal.prune(START + NINETY + timedelta(days=1), dead_letters=NINETY, commands=THIRTY)
            assert pruned.dead_letters == AT_ONCE + 3

    asyncio.run(main())


def test_an_idempotency_key_holds_for_its_time(journals: Journals) -> None:
    def command(key: str) -> Command:
        return Command(actor="a", key=key, fingerprint="f", answer={"at": to_micros(START)})

    async def main() -> None:
        async with journals.open() as journal:
            await journal.append(Draft(source=HUB, received_at=START, events=[acknowledged(0)], command=command("old")))
            journals.clock.advance(timedelta(days=20))
            await journal.append(Draft(source=HUB, received_at=START, events=[acknowledged(1)], command=command("new")))
            pruned = await journal.prune(journals.clock() + timedelta(days=11), dead_letters=NINETY, commands=THIRTY)
            assert pruned.commands == 1
            again = Draft(source=HUB, received_at=START, events=[acknowledged(2)], command=command("new"))
            assert (await journal.append(again)).repeated
            anew = Draft(source=HUB, received_at=START, events=[acknowledged(2)], command=command("old"))
            assert not (await journal.append(anew)).repeated
            await journal.verify_chain()

    asyncio.run(main())
