"""Somebody always leads, whoever goes at once."""

import asyncio

from hub.access.audit.record import Ledger
from hub.web.answers import Answer, Made
from hub.web.fanout import Fanout, Member


async def _nothing(_: object) -> None:
    pass


def member(told: list[str], name: str, takes: bool = True) -> Member:
    def take(made: Made) -> bool:
        if takes:
            told.append(f"{name}{made.answer.body.decode()}")
        return takes

    return Member(take=take, record=_nothing, position=1)


def made(text: str) -> Made:
    return Made(Answer(body=text.encode()), Ledger())


def test_where_leader_and_follower_go_together_the_next_one_leads() -> None:
    async def main() -> None:
        told: list[str] = []
        group = Fanout().group("key")
        first, second, third = (member(told, name) for name in "abc")
        for each in (first, second, third):
            group.add(each)
            assert group.meets(each)
        assert group.leads(first)
        assert not group.leads(third)
        group.remove(first)
        group.remove(second)  # called, and gone before it came to lead
        async with asyncio.timeout(5):
            await third.called()
        assert group.leads(third)
        await group.tell(2, made("2"))
        assert told == ["c2"]

    asyncio.run(main())


def test_who_parted_joins_again_where_it_meets_the_others() -> None:
    async def main() -> None:
        told: list[str] = []
        group = Fanout().group("key")
        quick, slow = member(told, "q"), member(told, "s", takes=False)
        for each in (quick, slow):
            group.add(each)
            assert group.meets(each)
        await group.tell(2, made("2"))
        assert slow.parted and not group.meets(slow)
        slow.position = 2  # it was told alone
        assert group.meets(slow) and not slow.parted

    asyncio.run(main())


def test_a_group_that_was_left_takes_no_other_with_it() -> None:
    fanout = Fanout()
    old = fanout.group("key")
    gone = member([], "g")
    old.add(gone)
    old.remove(gone)
    new = fanout.group("key")
    assert new is not old
    old.remove(gone)
    assert fanout.group("key") is new
