"""What the declarations say is what the engine shows."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from graph_models.entities import ENTITIES
from hub.clock import ManualClock
from hub.errors import Internal
from hub.graph import derive
from hub.graph.migrate import migrate, migrations
from hub.graph.rows import iso
from hub.graph.store import GraphConfig, Store

CLOCK = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))


async def shown(store: Store) -> set[derive.SchemaItem]:
    declared = set(derive.entities())
    items = set()
    for statement in ("SHOW CONSTRAINTS", "SHOW INDEXES"):
        for row in await store.read(f"{statement} YIELD type, labelsOrTypes, properties", {}):
            if row["labelsOrTypes"] and row["labelsOrTypes"][0] in declared:  # type: ignore[index]
                [label], [prop] = row["labelsOrTypes"], row["properties"]  # type: ignore[misc]
                items.add(derive.SchemaItem(str(label), str(prop), str(row["type"])))
    return items


def test_the_engine_shows_the_declared_constraints_and_indexes(config: GraphConfig) -> None:
    async def main() -> None:
        store = await Store.open(config)
        for _ in range(2):  # idempotent
            await migrate(store, CLOCK)
            assert await shown(store) == derive.declared_schema(store.dialect)
        applied = await store.read("MATCH (m:Migration) RETURN m.number AS number, m.name AS name", {})
        names = [migration.name for migration in migrations()]
        assert applied == [{"number": number, "name": name} for number, name in enumerate(names, 1)]
        await store.close()

    asyncio.run(main())


def test_two_nodes_of_one_id_are_refused(config: GraphConfig) -> None:
    async def main() -> None:
        store = await Store.open(config)
        await migrate(store, CLOCK)
        await store.write([("CREATE (:Place {id: 'one'})", {})])
        with pytest.raises(Internal):
            await store.write([("CREATE (:Place {id: 'two'}), (:Place {id: 'one'})", {})])
        assert await store.read("MATCH (p:Place) RETURN p.id AS id", {}) == [{"id": "one"}]
        await store.close()

    asyncio.run(main())


def test_a_migration_that_was_edited_or_a_newer_graph_is_refused(config: GraphConfig, tmp_path: Path) -> None:
    async def main() -> None:
        store = await Store.open(config)
        (tmp_path / "0001_first.cypher").write_text("// Says why.\nMERGE (:Place {id: 'moved'});\n")
        await migrate(store, CLOCK, tmp_path)
        assert await store.read("MATCH (p:Place) RETURN p.id AS id", {}) == [{"id": "moved"}]
        (tmp_path / "0001_first.cypher").write_text("MERGE (:Place {id: 'elsewhere'});\n")
        with pytest.raises(Internal, match="edited"):
            await migrate(store, CLOCK, tmp_path)
        (tmp_path / "0001_first.cypher").unlink()
        with pytest.raises(Internal, match="newer hub"):
            await migrate(store, CLOCK, tmp_path)
        await store.close()

    asyncio.run(main())


def test_the_reference_names_every_declared_field() -> None:
    text = derive.reference()
    for entity in ENTITIES:
        assert f"## {entity.__name__}" in text
        for name in entity.__dataclass_fields__:
            assert f"| `{name}` |" in text
    assert derive.personal_fields() == {"Person.name", "Person.phone", "Qualification.certificate"}


def test_times_sort_as_their_text_does() -> None:
    start = datetime(2026, 1, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=8)))
    moments = [start, start + timedelta(microseconds=1), start + timedelta(seconds=1), start + timedelta(days=300)]
    assert iso(start) == "2026-01-31T15:59:59.000000Z"
    assert [iso(m) for m in moments] == sorted(iso(m) for m in reversed(moments))
