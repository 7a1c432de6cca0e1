"""The engine goes away and comes back: queries say so meanwhile, and the graph catches up."""

import asyncio
import logging
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.clock import now
from hub.errors import GraphUnavailable
from hub.graph.embedded import Embedded, _sound
from hub.graph.store import GraphConfig, Store
from tests.graph.conftest import Worlds, dump
from tests.graph.test_projection import asset, small_park
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

pytestmark = pytest.mark.long


@pytest.fixture
def own_neo4j(tmp_path: Path) -> Iterator[Neo4j]:
    try:
        server = Neo4j.start(tmp_path / "neo4j")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.kill()


def logged(caplog: pytest.LogCaptureFixture, event: str) -> int:
    return sum(record.getMessage() == event for record in caplog.records)


def test_neo4j_killed_and_started_again(own_neo4j: Neo4j, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    worlds = Worlds(tmp_path / "hub", GraphConfig(uri=own_neo4j.uri))

    async def main() -> None:
        async with worlds.open() as world:
            await small_park(world)
            await asyncio.to_thread(own_neo4j.kill)
            for _ in range(3):
                with pytest.raises(GraphUnavailable):
                    await world.store.read("MATCH (a:Asset) RETURN a.name AS name", {})
            assert not world.store.available
            await world.say(asset("t2", at=["z1"], name="said meanwhile"))  # the journal goes on
            assert not await world.projector.wait_for(world.journal.head, 0.5)
            await asyncio.to_thread(own_neo4j.restart)
            await world.shown()
            assert world.store.available
            rows = await world.store.read("MATCH (a:Asset) RETURN a.name AS name ORDER BY name", {})
            assert rows == [{"name": "said meanwhile"}, {"name": "柜温 1"}]
            followed = await world.graph()
            await world.projector.rebuild()
            assert await world.graph() == followed

    asyncio.run(main())
    assert (logged(caplog, "graph.unavailable"), logged(caplog, "graph.recovered")) == (1, 1)


def test_a_wrong_password_and_a_wrong_address_are_told(embedded: object, caplog: pytest.LogCaptureFixture) -> None:
    right: GraphConfig = embedded.config  # type: ignore[attr-defined]

    async def main() -> None:
        for config in (
            GraphConfig(uri=right.uri, user="root", password="wrong", database="hub"),
            GraphConfig(uri="bolt://127.0.0.1:1"),
        ):
            store = await Store.open(config)
            with pytest.raises(GraphUnavailable):
                await store.read("RETURN 1 AS one", {})
            await store.close()

    asyncio.run(main())
    first, second = (r.fields["reason"] for r in caplog.records if r.getMessage() == "graph.unavailable")  # type: ignore[attr-defined]
    assert "password" in first
    assert "127.0.0.1:1" in second


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def for_others(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode) & 0o077


def note(state: Path) -> Path:
    return state / "engine.json"


def harm_files(state: Path, harm: str) -> None:
    for file in (state / "graph" / "databases" / "hub").iterdir():
        if harm == "no dictionary" and file.name.startswith("dictionary"):
            file.unlink()
        elif harm == "torn" and file.suffix == ".bucket":
            os.truncate(file, min(1000, file.stat().st_size))
        elif harm == "noise" and file.suffix in (".bucket", ".umtidx"):
            file.write_bytes(os.urandom(file.stat().st_size))


def test_an_engine_that_outlived_its_hub_is_adopted(state: Path) -> None:
    async def main() -> None:
        first = Embedded(state, now)
        store = await Store.open(await first.start())
        async with Worlds(state / "hub", first.config).open() as world:
            await small_park(world)
            kept = await world.graph()
        second = Embedded(state, now)  # as after a kill -9 of the hub
        assert (await second.start()) == first.config
        assert second.pid == first.pid
        note(state).unlink()  # as if it was killed before it could note what it had started
        third = Embedded(state, now)
        await store.move(await third.start())
        assert third.pid != first.pid
        assert await dump(store) == kept
        assert [for_others(state / name) for name in ("engine.json", "engine.password")] == [0, 0]
        pid = third.pid
        assert pid is not None
        assert str(third.config.password) not in command_line(pid)
        await third.stop()
        assert not runs(pid)
        assert not note(state).exists()
        await store.close()

    asyncio.run(main())


def test_another_process_with_the_noted_id_is_never_ended(state: Path) -> None:
    state.mkdir()
    note(state).write_text(f'{{"pid": {os.getpid()}, "started": "long ago", "bolt": 1, "http": 2}}')

    async def main() -> None:
        engine = Embedded(state, now)
        await engine.start()
        assert engine.pid != os.getpid()
        await engine.stop()

    asyncio.run(main())


@pytest.mark.parametrize("harm", ["no dictionary", "torn", "noise"])
def test_broken_files_are_set_aside_and_the_graph_comes_from_the_journal(state: Path, harm: str) -> None:
    async def main() -> None:
        engine = Embedded(state, now)
        config = await engine.start()
        worlds = Worlds(state / "hub", config)
        async with worlds.open() as world:
            await small_park(world)
            right = await world.graph()
        await engine.stop()
        harm_files(state, harm)
        worlds.config = await engine.start()
        async with worlds.open() as world:
            await world.shown()
            assert await world.graph() == right
        await engine.stop()

    asyncio.run(main())
    assert len(list(state.glob("graph.broken-*"))) == 1


def test_files_whose_scan_never_ends_are_broken_too() -> None:
    class Silent:
        async def read(self, statement: str, parameters: object, *, seconds: float) -> list[dict[str, object]]:
            if statement.startswith("CALL"):
                return [{"label": "Place"}]
            raise GraphUnavailable("the graph does not answer at the moment; try again")

    assert not asyncio.run(_sound(Silent()))  # type: ignore[arg-type]


def test_an_engine_that_dies_is_started_again_and_catches_up(state: Path) -> None:
    async def main() -> None:
        engine = Embedded(state, now)
        config = await engine.start()
        watching = asyncio.create_task(engine.watch())
        async with Worlds(state / "hub", config).open() as world:
            engine.moved = world.store.move
            await small_park(world)
            pid = engine.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            for _ in range(100):
                if not runs(pid):
                    break
                await asyncio.sleep(0.05)
            with pytest.raises(GraphUnavailable):
                await world.store.read("RETURN 1 AS one", {})
            await world.say(asset("t2", at=["z1"], name="said meanwhile"))
            assert await world.projector.wait_for(world.journal.head, 60)
            rows = await world.store.read("MATCH (a:Asset) RETURN a.name AS name ORDER BY name", {})
            assert rows == [{"name": "said meanwhile"}, {"name": "柜温 1"}]
        watching.cancel()
        await engine.stop()

    asyncio.run(main())
