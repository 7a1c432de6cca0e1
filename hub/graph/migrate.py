"""Brings a graph to the shape that this hub writes: versioned Cypher migrations, then what the declarations say.

A migration is `migrations/graph/NNNN_name.cypher`, statements ended by `;`, each of them idempotent, since each runs
in a transaction of its own. A `Migration` node keeps what was applied.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.clock import Clock
from hub.errors import Internal
from hub.graph import dialect as dialects
from hub.graph.derive import schema_statements
from hub.graph.dialect import Dialect
from hub.graph.store import Store
from hub.telemetry import logger

log = logger(__name__)

FOLDER = Path(__file__).resolve().parents[2] / "migrations" / "graph"
_NAME = re.compile(r"(\d{4})_(\w+)\.cypher")
_COMMENT = re.compile(r"^\s*//.*$", re.MULTILINE)

APPLIED = "MATCH (m:Migration) RETURN m.number AS number, m.digest AS digest ORDER BY number"
UNOWNED = "SHOW INDEXES YIELD name, owningConstraint WHERE owningConstraint IS NULL RETURN name"
_CONSTRAINT = re.compile(r"CREATE CONSTRAINT (\w+) ")
NOTE = "MERGE (m:Migration {number: $number}) SET m.name = $name, m.digest = $digest, m.applied_at = $at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    number: int
    name: str
    digest: str
    statements: tuple[str, ...]


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """In their order; raises Internal for a name or number that does not fit."""
    found: list[Migration] = []
    for file in sorted(folder.glob("*.cypher")):
        name = _NAME.fullmatch(file.name)
        if name is None or int(name[1]) != len(found) + 1:
            raise Internal(f"migrations/graph/{file.name}: the next one is {len(found) + 1:04d}_some_name.cypher")
        text = file.read_text(encoding="utf-8")
        parts = (part.strip() for part in _COMMENT.sub("", text).split(";\n"))
        found.append(
            Migration(
                number=int(name[1]),
                name=name[2],
                digest=hashlib.sha256(text.encode()).hexdigest(),
                statements=tuple(part.rstrip(";") for part in parts if part),
            )
        )
    return found


async def migrate(store: Store, clock: Clock, folder: Path = FOLDER) -> None:
    """Idempotent. Raises Internal for a graph that a newer hub wrote, or a migration that was edited since."""
    dialect = await store.contact()
    known = migrations(folder)
    applied = {row["number"]: row["digest"] for row in await store.read(APPLIED, {})}
    if newer := applied.keys() - {migration.number for migration in known}:
        raise Internal(f"the graph was written by a newer hub (migration {max(newer, key=str)}): install that one")
    for migration in known:
        if migration.number not in applied:
            await _define(store, dialect, migration.statements)
            note = {"number": migration.number, "name": migration.name, "digest": migration.digest}
            await store.write([(NOTE, {**note, "at": clock().isoformat()})])
            log.info("graph.migrated", number=migration.number, name=migration.name)
        elif applied[migration.number] != migration.digest:
            raise Internal(f"migration {migration.number:04d}_{migration.name} was edited after it ran: add a new one")
    await _define(store, dialect, tuple(schema_statements(dialect)))


async def _define(store: Store, dialect: Dialect, statements: Sequence[str]) -> None:
    """A Neo4j that is killed while it makes a constraint keeps the constraint's index without it, and refuses the
    constraint from then on: such an index goes first."""
    unowned: set[object] = set()
    if dialect is dialects.NEO4J:
        unowned = {row["name"] for row in await store.read(UNOWNED, {})}
    for statement in statements:
        made = _CONSTRAINT.match(statement)
        if made is not None and made[1] in unowned:
            log.warning("graph.index_orphaned", name=made[1])
            await store.define(f"DROP INDEX {made[1]} IF EXISTS")
        await store.define(statement)
