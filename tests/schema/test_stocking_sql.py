"""Rows of a tenant's database that were refused, corrected by mutation: against real databases, poll after poll."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Claim, Value
from adapters.inventory.sql import ADAPTER, SqlInventory
from adapters.inventory.sql_config import SqlConfig
from hub.clock import now
from hub.ingest.confirmed import source_of
from hub.ingest.flood import Flood
from hub.ingest.intake import Accepted, Intake
from hub.ingest.source import SourceSpec
from hub.journal.records import HeldClaim
from hub.reserve.items import Catalogue
from tests.adapters import stock_tables as tables
from tests.adapters.stock_tables import Database, execute
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_stocking import CORRECT, ROWS, asked


class Tenant:
    """A source with its database; `turn` is what the supervisor does at each: the whole set, then what changed."""

    def __init__(self, hub: Hub, database: Database, id_: str, **more: object) -> None:
        config = {"columns": dict(tables.COLUMNS), "query": tables.QUERY, "id": "id", **more}
        model = SqlConfig.model_validate({**database.config(), **config})
        self.spec = SourceSpec(id=id_, definition=ADAPTER, config=model, organization="acme", retire_guard=1.0)
        self.database = database
        self.hub = hub
        self.started()

    def started(self) -> None:
        """As after a restart: nothing is remembered but what is in the log."""
        self.intake = Intake(self.hub.journal, {}, Catalogue(self.hub.journal))
        self.flood = Flood(self.spec)

    async def turn(self) -> None:
        adapter = ADAPTER.factory((await source_of(self.hub.journal, self.spec))[0], self.spec.config)
        assert isinstance(adapter, SqlInventory)
        async with adapter:
            claims = [claim async for claim in adapter.discover()]
            await self.store(await self.intake.records(self.spec, claims, now()))
            gone = await self.intake.missing(self.spec, {claim.external_id for claim in claims})
            await self.store(await self.intake.records(self.spec, gone, now()))
            async for batch in adapter.read(None):
                await self.store(await self.intake.accept(self.spec, batch))

    async def store(self, accepted: Accepted) -> None:
        thinned = self.flood.thin(accepted)
        await self.hub.journal.append(thinned.draft)
        self.flood.stored(thinned.draft.dead_letters)

    async def lots(self) -> dict[str, HeldClaim]:
        held = await self.hub.journal.live_of(["SupplyLot"])
        return {one.claim.external_id: one for one in held if one.source == self.spec.id}

    async def sums(self) -> dict[str, Value]:
        return {name: one.claim.values["quantity"] for name, one in sorted((await self.lots()).items())}

    async def waiting(self) -> list[dict[str, Any]]:
        return list(await asked(self.hub, self.spec, ROWS, source=self.spec.id))

    async def correct(self, id_: str, key: str, **cells: str) -> dict[str, Any]:
        given = [{"column": name, "value": value} for name, value in cells.items()]
        return dict(await asked(self.hub, self.spec, CORRECT, id=id_, cells=given, key=f"{self.spec.id}-{key}"))

    def insert(self, id_: int, name: str, qty: str, unit: str = "个") -> None:
        tables.insert(self.database, tables.row(id_, name, qty, unit=unit, place=None))

    def update(self, id_: int, qty: str) -> None:
        execute(self.database, f"UPDATE stock SET qty = '{qty}' WHERE id = {id_}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    wanted: Callable[[str], Any] = request.getfixturevalue
    return tables.makers(lambda: wanted("postgres"), lambda: wanted("mariadb"))[request.param](tmp_path / "tenant")


def test_a_row_of_a_database_is_corrected_and_stays_so_until_its_source_changes_it(
    hub: Hub, run: Run, database: Database
) -> None:
    tenant = Tenant(hub, database, f"sql-{type(database).__name__}".lower())

    async def play() -> None:
        tenant.insert(1, "灭火器", "3")
        tenant.insert(2, "担架", "许多")
        tenant.insert(3, "水泵", "2", unit="堆堆")
        await tenant.turn()
        rows = {row["where"]: row for row in await tenant.waiting()}
        assert set(rows) == {"qty", "unit"} and await tenant.sums() == {"1": 3.0}
        quantity, unit = rows["qty"]["id"], rows["unit"]["id"]
        assert {"column": "qty", "value": "许多"} in rows["qty"]["cells"]

        for cells, says in (({"qty": "无数"}, "无数"), ({"count": "4"}, "count"), ({"id": "9"}, "id")):
            refused = await tenant.correct(quantity, "no", **cells)
            assert (refused["__typename"], says in refused["message"]) == ("RowStillUnreadable", True)
        done = await tenant.correct(quantity, "1", qty="4")
        assert done["__typename"] == "CorrectRejectedRowSuccess" and done["lots"] == [(await tenant.lots())["2"].entity]
        assert await tenant.correct(quantity, "1", qty="4") == done
        assert (await tenant.correct(quantity, "2", qty="5"))["__typename"] == "RejectedRowAlreadyCorrected"
        assert (await tenant.correct(unit, "3", unit="台"))["__typename"] == "CorrectRejectedRowSuccess"
        first, second = await hub.journal.stream(f"corrected:{tenant.spec.id}")
        assert (first.actor, first.data["columns"], first.data["lot"]) == ("local-administrator", ["qty"], "2")
        assert first.data["standsFor"] != second.data["standsFor"]

        head = hub.journal.head
        for _ in range(2):  # the bad values are read again and again, by a hub that was restarted too
            await tenant.turn()
            assert await tenant.sums() == {"1": 3.0, "2": 4.0, "3": 2.0}
            assert await tenant.waiting() == []
            tenant.started()
        assert hub.journal.head == head, "what has not changed is not stored again"

        tenant.update(2, "6")
        await tenant.turn()
        assert (await tenant.sums())["2"] == 6.0
        tenant.update(2, "许多")  # the very row that was corrected: what it says is known
        await tenant.turn()
        assert (await tenant.sums())["2"] == 4.0 and await tenant.waiting() == []
        tenant.update(2, "好多")
        await tenant.turn()
        (again,) = await tenant.waiting()
        assert "好多" in again["reason"] and again["id"] != quantity
        execute(database, "DELETE FROM stock WHERE id = 3")
        await tenant.turn()
        assert set(await tenant.sums()) == {"1", "2"}

    run(play())


def test_a_row_that_changes_and_is_wrong_in_the_same_way_waits_anew(hub: Hub, run: Run, tmp_path: Path) -> None:
    makers = tables.makers(lambda: pytest.fail("not asked for"), lambda: pytest.fail("not asked for"))
    tenant = Tenant(hub, makers["sqlite"](tmp_path / "tenant"), "sql-same")

    async def play() -> None:
        tenant.insert(1, "灭火器", "许多")
        await tenant.turn()
        (row,) = await tenant.waiting()
        await tenant.correct(row["id"], "1", qty="4")
        execute(tenant.database, "UPDATE stock SET unit = '具' WHERE id = 1")
        await tenant.turn()
        (anew,) = await tenant.waiting()
        assert anew["reason"] == row["reason"] and {"column": "unit", "value": "具"} in anew["cells"]
        tenant.started()
        await tenant.turn()  # the hub does not know that it has this one: it is one more letter of the same row
        both = await tenant.waiting()
        assert len(both) == 2
        assert (await tenant.correct(both[0]["id"], "2", qty="5"))["__typename"] == "CorrectRejectedRowSuccess"
        assert (await tenant.correct(both[1]["id"], "3", qty="6"))["__typename"] == "RejectedRowAlreadyCorrected"
        assert await tenant.waiting() == [] and await tenant.sums() == {"1": 5.0}

    run(play())


def test_a_claim_that_intake_refused_is_corrected_by_its_fields(hub: Hub, run: Run, tmp_path: Path) -> None:
    makers = tables.makers(lambda: pytest.fail("not asked for"), lambda: pytest.fail("not asked for"))
    tenant = Tenant(hub, makers["sqlite"](tmp_path / "tenant"), "sql-claims")
    values: dict[str, Value] = {"name": "灭火器", "quantity": 3.0, "unit": "{piece}", "expires_at": "soon"}
    bad = Claim(kind="SupplyLot", external_id="7", values=values)

    async def told(claim: Claim) -> None:
        await tenant.store(await tenant.intake.records(tenant.spec, [claim], now()))

    async def play() -> None:
        await told(bad)
        (row,) = await tenant.waiting()
        assert {"column": "expires_at", "value": "soon"} in row["cells"] and row["file"] is None
        still = await tenant.correct(row["id"], "1", quantity="4")
        assert (still["__typename"], "soon" in still["message"]) == ("RowStillUnreadable", True)
        done = await tenant.correct(row["id"], "2", expires_at="2031-05-01", quantity="5 箱")
        assert done["__typename"] == "CorrectRejectedRowSuccess", done
        await told(bad)
        lot = (await tenant.lots())["7"].claim.values
        assert (lot["quantity"], lot["name"], str(lot["expires_at"])[:4]) == (5.0, "灭火器", "2031")
        assert await tenant.waiting() == []
        await told(replace(bad, values={**values, "expires_at": "2030-01-01T00:00:00+00:00"}))
        assert (await tenant.sums()) == {"7": 3.0}

    run(play())
