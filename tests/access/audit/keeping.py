"""An audit of a test's own: its folder or database, its key, records of made-up answers, and the walk over it all."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.access.audit import keys
from hub.access.audit.audit import Audit, Witness
from hub.access.audit.chain import Checkpoint
from hub.access.audit.record import Asked, Ledger, Record
from hub.access.audit.store import AuditConfig, open_engines
from hub.access.audit.verify import Report, verify
from hub.clock import Clock, now
from hub.viewer import Viewer

GUARD = Viewer(subject="guard-7", issuer="https://issuer.example", client="tablet", roles=frozenset({"guard"}))
ASKED = Asked(kind="query", name="People", document="ab" * 32, transport="http")


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test in an event loop of its own."""

    @functools.wraps(test)
    def run(*given: Any, **named: Any) -> None:
        asyncio.run(test(*given, **named))

    return run


@dataclass(frozen=True)
class Keeping:
    """`config` says where the audit is; nothing of it is open."""

    config: AuditConfig

    async def open(self, *, clock: Clock = now, witness: Witness | None = None) -> Audit:
        return await Audit.open(self.config, clock=clock, witness=witness)

    def at(self, **changed: Any) -> "Keeping":
        return Keeping(replace(self.config, **changed))

    @property
    def public(self) -> str:
        return keys.signer(self.config.key, make=False).public

    def verified(self, witnessed: Sequence[Checkpoint] = (), *, trusted: Sequence[str] = ()) -> Report:
        engines = open_engines(self.config)
        try:
            with engines.read.connect() as connection, connection.begin():
                return verify(connection, trusted or [self.public], witnessed)
        finally:
            engines.dispose()

    def change(self, *statements: str, **values: object) -> None:
        """As the database's owner would."""
        engines = open_engines(self.config)
        try:
            with engines.write.connect() as connection, connection.begin():
                for statement in statements:
                    connection.execute(sa.text(statement), values)
        finally:
            engines.dispose()

    def rows(self, statement: str) -> list[Any]:
        engines = open_engines(self.config)
        try:
            with engines.read.connect() as connection:
                return list(connection.execute(sa.text(statement)))
        finally:
            engines.dispose()


def personal(*ids: str, viewer: Viewer = GUARD) -> Record:
    """Phones of these were shown."""
    ledger = Ledger()
    ledger.rows("Person", len(ids), ["name", "phone"])
    for id_ in ids:
        ledger.saw("Person.phone", id_)
    return Record(viewer=viewer, asked=ASKED, ledger=ledger, at=now())


def plain(count: int = 3, viewer: Viewer = GUARD) -> Record:
    ledger = Ledger()
    ledger.rows("Asset", count, ["id", "name"])
    return Record(viewer=viewer, asked=ASKED, ledger=ledger, at=now())


def folder(path: Path) -> Keeping:
    return Keeping(AuditConfig(folder=path / "state", key=path / "audit.key"))
