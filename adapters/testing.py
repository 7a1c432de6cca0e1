"""The contract as tests: what every adapter must hold against a real server, for pytest.

In a test module, over a `Counterpart` that starts a real server:

    from adapters.testing import contract_tests
    globals().update(contract_tests(ADAPTER, MyServer))

Each function is one promise. Where one fails, its text says what to change. Which promises are made follows
from the counterpart's `traits`: a protocol without credentials has no test of wrong ones.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.contract import (
    Adapter,
    AnyDefinition,
    Batch,
    Claim,
    CredentialsRefused,
    Cursor,
    HealthState,
    Raw,
    Record,
    SourceError,
    Unreadable,
)
from adapters.counterpart import Bench, Counterpart, Traits, closing, holds, identity, never, records, running

__all__ = ["Counterpart", "Traits", "as_test", "contract_tests"]

Test = Callable[[Path], None]
Promise = Callable[[Bench], Awaitable[None]]


async def config_schema_round_trip(bench: Bench) -> None:
    config = bench.configured()
    again = bench.definition.config.model_validate_json(config.model_dump_json())
    assert again == config, "the config does not survive its own JSON; every field must be of a type that does"
    assert bench.definition.config.model_json_schema()["type"] == "object"


async def config_refuses_a_wrong_key(bench: Bench) -> None:
    wrong = {**bench.peer.config(), "no_such_key": 1}
    with pytest.raises(ValidationError, match="no_such_key"):
        bench.configured(wrong)


async def check_says_ok(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        health = await adapter.check()
    assert health.state is HealthState.OK, f"check() of a server that is well says {health.state}: {health.text}"


async def check_fails_cleanly_when_the_peer_is_gone(bench: Bench) -> None:
    await asyncio.to_thread(bench.peer.pause)
    with pytest.raises(SourceError) as failed:
        async with asyncio.timeout(bench.traits.patience):
            async with bench.adapter() as adapter:
                await adapter.check()
    assert not isinstance(failed.value, CredentialsRefused), "the peer is gone, yet the credentials are blamed"
    assert str(failed.value), "the error's text is empty; it must name the address and what to do"


async def check_blames_wrong_credentials(bench: Bench) -> None:
    with pytest.raises(CredentialsRefused) as failed:
        async with asyncio.timeout(bench.traits.patience):
            async with bench.adapter(bench.peer.refused_config()) as adapter:
                await adapter.check()
    assert str(failed.value), "the error's text is empty; it must say which credential to mend"


async def discover_is_the_whole_set(bench: Bench) -> None:
    async def once() -> list[Claim]:
        async with bench.adapter() as adapter:
            return [claim async for claim in adapter.discover()]

    first, second = await once(), await once()
    ids = [claim.external_id for claim in first]
    assert all(ids), "a claim without an external id"
    assert len(ids) == len(set(ids)), "discover() gives one external id twice; an id names one thing of a source"
    assert {identity(c) for c in first} == {identity(c) for c in second}, (
        "two runs of discover() over an unchanged source differ; each must be the whole set, with stable ids"
    )


async def decode_is_pure(bench: Bench) -> None:
    await bench.produce(5)
    adapter = bench.adapter()  # never entered: a dead letter is decoded without its source
    for raw in bench.peer.payloads():
        assert [identity(r) for r in adapter.decode(raw)] == [identity(r) for r in adapter.decode(raw)], (
            f"decode() gives something else at the second time for {raw.key}; it must depend on the payload alone"
        )


async def decode_raises_unreadable_and_nothing_else(bench: Bench) -> None:
    await bench.produce(5)
    adapter, real = bench.adapter(), list(bench.peer.payloads())
    keys = sorted({raw.key for raw in real})
    at = real[0].received_at

    def read(key: str, data: bytes) -> None:
        try:
            adapter.decode(Raw(key=key, received_at=at, data=data))
        except Unreadable as unreadable:
            assert unreadable.reason, "Unreadable without a reason; say what was expected, and what was found"
        except Exception as escaped:
            raise AssertionError(f"decode() let {escaped!r} escape for {data!r}; raise Unreadable instead") from escaped

    for raw in real:
        for end in range(0, len(raw.data), max(1, len(raw.data) // 64)):
            read(raw.key, raw.data[:end])

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(key=st.sampled_from(keys) | st.text(max_size=20), data=st.binary(max_size=200))
    def random_bytes(key: str, data: bytes) -> None:
        read(key, data)

    random_bytes()


async def a_bug_in_decode_spares_the_stream(bench: Bench) -> None:
    """What is never acknowledged comes again: an error that ends `read` would end it for ever."""
    adapter = bench.adapter()
    adapter.__class__ = _with_a_bug(type(adapter))
    try:
        async with adapter:
            await bench.produce(4)
            taken = await bench.take(adapter, lambda batches: any(b.records or b.unreadable for b in batches))
    except ZeroDivisionError as escaped:
        raise AssertionError(
            "read() let a bug in decode() escape; call guarded(self.decode), and it raises Unreadable alone"
        ) from escaped
    assert any(batch.records or batch.unreadable for batch in taken), "a bug in decode() silenced read()"


def _with_a_bug(healthy: type[Adapter]) -> type[Adapter]:
    def decode(self: Adapter, raw: Raw) -> Sequence[Record]:
        raise ZeroDivisionError("a bug in decode()")

    return type(f"Buggy{healthy.__name__}", (healthy,), {"__slots__": (), "decode": decode})


async def read_gives_what_decode_gives(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        made = await bench.produce(5)
        taken = await bench.take_all(adapter, made, why="read() of a server that is well")
        decoded = {identity(record) for raw in bench.peer.payloads() for record in adapter.decode(raw)}
    strange = {identity(record) for record in made} - decoded
    assert not strange, f"read() yields what decode() does not make of the payloads: {sorted(map(str, strange))[:3]}"
    assert set(records(taken)) >= decoded, "decode() makes more of the payloads than read() yields"


async def every_batch_is_stamped(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        made = await bench.produce(3)
        for batch in await bench.take_all(adapter, made, why="read()"):
            assert batch.received_at.tzinfo is not None, "Batch.received_at is naive; stamp it with an aware time"


async def the_peer_gone_and_back(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        before = await bench.produce(3)
        await bench.take_all(adapter, before, why="before the peer was gone")
        await asyncio.to_thread(bench.peer.pause)
        with pytest.raises(SourceError):
            await bench.take(adapter, never)
            raise AssertionError(f"the peer was gone {bench.traits.patience} s, and read() raised no SourceError")
    await asyncio.to_thread(bench.peer.resume)
    async with bench.adapter() as adapter:
        after = await bench.produce(3)
        await bench.take_all(adapter, after, why="after the peer came back")


async def peers_come_and_go(bench: Bench) -> None:
    """For an adapter that listens: it goes on listening while nobody is there."""
    async with bench.adapter() as adapter:
        await bench.take_all(adapter, await bench.produce(3), why="before the peer was gone")
        await asyncio.to_thread(bench.peer.pause)
        await bench.take(adapter, never, seconds=1.0)
        await asyncio.to_thread(bench.peer.resume)
        await bench.take_all(adapter, await bench.produce(3), why="after the peer came back")


async def a_bad_record_spares_the_others(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        await asyncio.to_thread(bench.peer.spoil)
        taken = await bench.take(adapter, lambda batches: any(b.unreadable for b in batches))
        letters = [letter for batch in taken for letter in batch.unreadable]
        assert letters, "the server gave something unreadable, and no batch carries it in `unreadable`"
        assert all(letter.reason for letter in letters), "a dead letter without a reason"
        for letter in letters:
            with pytest.raises(Unreadable):
                adapter.decode(letter.raw)
        made = await bench.produce(3)
        await bench.take_all(adapter, made, why="after something unreadable")


async def unacknowledged_comes_again(bench: Bench) -> None:
    async with bench.adapter() as adapter:
        made = await bench.produce(4)
        taken = await bench.take(adapter, holds(made), acknowledge=False)
        assert holds(made)(taken), "records never came"
    async with bench.adapter() as adapter:
        await bench.take_all(adapter, made, why="they were read, never acknowledged, and must come again")
    async with bench.adapter() as adapter:
        again = await bench.take(adapter, holds(made[:1]), seconds=1.0)
        assert not set(records(again)) & {identity(record) for record in made}, "what was acknowledged came once more"


async def memory_is_bounded_while_nothing_is_acknowledged(bench: Bench) -> None:
    bound = bench.traits.bound
    if bench.definition.polls:
        async with bench.adapter() as adapter:
            made = await bench.produce(8)
            taken = await bench.take_all(adapter, made, why="read()")
        most = max(len(batch.records) for batch in taken)
        assert most <= bound, f"one batch holds {most} records; yield pages of at most {bound}"
        return
    async with bench.adapter() as adapter:
        made = await bench.produce(2 * bound)
        held: list[Batch] = []
        with contextlib.suppress(TimeoutError):
            async with closing(adapter.read(None)) as batches:
                while True:
                    async with asyncio.timeout(2.0):
                        held.append(await anext(batches))
                    assert sum(len(batch.records) for batch in held) <= bound, (
                        f"more than {bound} records were handed out with none acknowledged"
                    )
    if bench.traits.acknowledges:
        async with bench.adapter() as adapter:
            await bench.take_all(adapter, made, why="after a stall with nothing acknowledged")


async def ties_at_the_cursors_edge(bench: Bench) -> None:
    """Rows of one time that arrive after the cursor stood at that time are read all the same."""
    made = list(await bench.produce(5))
    async with bench.adapter() as adapter:
        first = await bench.take_all(adapter, made, why="the first read")
    cursor = next((batch.cursor for batch in reversed(first) if batch.cursor is not None), None)
    assert cursor is not None, "traits.cursors holds, and no batch carries a cursor"
    late = await bench.produce(3)
    async with bench.adapter() as adapter:
        taken = await bench.take(adapter, holds(late), cursor=cursor)
    assert holds(late)(taken), "rows tied with the cursor were lost; use a keyset of (time, id), not a bare time"


async def incremental_reads_are_the_full_read(bench: Bench) -> None:
    """From every checkpoint: what came before it and what comes after it are together the whole."""
    for _ in range(3):
        await bench.produce(5)

    async def once(cursor: Cursor | None) -> list[Batch]:
        async with bench.adapter() as adapter, closing(adapter.read(cursor)) as batches:
            return [batch async for batch in batches]

    full = await once(None)
    whole = set(records(full))
    for index, batch in enumerate(full):
        if batch.cursor is not None:
            rest = await once(batch.cursor)
            lost = whole - set(records(full[: index + 1])) - set(records(rest))
            assert not lost, f"{len(lost)} records are neither before nor after the cursor {batch.cursor!r}"


def _promises(definition: AnyDefinition, traits: Traits) -> Iterator[Promise]:
    yield from (
        config_schema_round_trip,
        config_refuses_a_wrong_key,
        check_says_ok,
        discover_is_the_whole_set,
        decode_is_pure,
        decode_raises_unreadable_and_nothing_else,
        a_bug_in_decode_spares_the_stream,
        read_gives_what_decode_gives,
        every_batch_is_stamped,
        memory_is_bounded_while_nothing_is_acknowledged,
    )
    if definition.listens:
        yield peers_come_and_go
    else:
        yield from (check_fails_cleanly_when_the_peer_is_gone, the_peer_gone_and_back)
    if traits.credentials:
        yield check_blames_wrong_credentials
    if traits.spoils:
        yield a_bad_record_spares_the_others
    if traits.acknowledges:
        yield unacknowledged_comes_again
    if traits.cursors and definition.polls:
        yield from (ties_at_the_cursors_edge, incremental_reads_are_the_full_read)


def as_test(promise: Promise, definition: AnyDefinition, counterpart: type[Counterpart]) -> Test:
    """A pytest function that keeps one promise over a fresh counterpart."""

    def test(tmp_path: Path) -> None:
        folder = tmp_path / "counterpart"
        folder.mkdir()
        with running(definition, counterpart, folder) as bench:
            asyncio.run(_awaited(promise(bench)))

    test.__name__ = test.__qualname__ = f"test_contract_{promise.__name__}"
    test.__doc__ = promise.__doc__
    return test


async def _awaited(promise: Awaitable[None]) -> None:
    await promise


def contract_tests(definition: AnyDefinition, counterpart: type[Counterpart]) -> dict[str, Test]:
    """The contract's tests by name, for `globals().update(...)` in a test module."""
    tests = [as_test(promise, definition, counterpart) for promise in _promises(definition, counterpart.traits)]
    return {test.__name__: test for test in tests}
