"""A tenant's list by mutation: what is told of it, its rows corrected, its names mapped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.inventory.files import ADAPTER, StockFiles
from adapters.inventory.files_config import FilesConfig
from adapters.inventory.sql import ADAPTER as SQL
from adapters.inventory.sql_config import SqlConfig
from hub.clock import now
from hub.errors import Forbidden, NotFound
from hub.ingest.confirmed import source_of
from hub.ingest.imports.codes import CODES
from hub.ingest.imports.kind import Circumstances
from hub.ingest.imports.preview import preview
from hub.ingest.imports.storing import store
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.reserve.items import Catalogue
from hub.viewer import Grant, Mask, Scope, Viewer
from schema.context import Context
from schema.schema import schema
from tests.imports.entering import written
from tests.schema.conftest import Run
from tests.schema.hub import Hub

MAPPING = {"columns": {"name": "物资名称", "quantity": "数量", "unit": "单位", "lot_number": "批号"}}
HEAD = "物资名称,数量,单位,批号\n"
UPLOAD = """
mutation ($source: ID!, $file: String!, $upload: ID!, $key: String!) {
  uploadStockList(source: $source, file: $file, upload: $upload, idempotencyKey: $key) {
    __typename
    ... on UploadStockListSuccess {
      list {
        file problem confirmed columns accepted unmapped rejected
        mapping { field column } rejectedRows { row column reason }
      }
    }
    ... on Problem { code message }
  }
}
"""
CONFIRM = """
mutation ($source: ID!, $file: String!, $changes: [ColumnMeaningInput!], $key: String!) {
  confirmStockList(source: $source, file: $file, changes: $changes, idempotencyKey: $key) {
    __typename
    ... on ConfirmStockListSuccess { list { confirmed accepted unmapped rejected } }
    ... on Problem { code message }
  }
}
"""
ROWS = """
query ($source: ID!, $first: Int! = 50, $after: ID) {
  rejectedRows(source: $source, first: $first, after: $after) { id file row where reason at cells { column value } }
}
"""
CORRECT = """
mutation ($id: ID!, $cells: [CellInput!]!, $key: String!) {
  correctRejectedRow(id: $id, cells: $cells, idempotencyKey: $key) {
    __typename
    ... on CorrectRejectedRowSuccess { id lots projected }
    ... on Problem { code message }
  }
}
"""
MAP = """
mutation ($text: String!, $code: String, $key: String!) {
  mapSupplyItem(text: $text, code: $code, contains: true, idempotencyKey: $key) {
    __typename ... on MapSupplyItemSuccess { lots projected } ... on Problem { code message }
  }
}
"""
NARROW: Mask = (Grant(scope=Scope(name="within_places", parameters={"places": ("nowhere",)})),)


def spec_of(folder: Path, id_: str, **config: object) -> SourceSpec:
    model = FilesConfig.model_validate({"folder": folder, "mapping": MAPPING, **config})
    return SourceSpec(id=id_, definition=ADAPTER, config=model, organization="acme")


async def upload(hub: Hub, spec: SourceSpec, file: str, text: str, key: str) -> dict[str, Any]:
    return await asked(hub, spec, UPLOAD, source=spec.id, file=file, upload=await hub.sent(text), key=key)


async def asked(hub: Hub, spec: SourceSpec, document: str, **variables: Any) -> Any:
    result = await hub.execute(document, services={"specs": (spec,)}, **variables)
    assert not result.errors, result.errors
    assert result.data is not None
    return next(iter(result.data.values()))


async def taken(hub: Hub, spec: SourceSpec) -> None:
    """What the source's turn does: all of its lists, into the journal."""
    adapter = spec.definition.factory((await source_of(hub.journal, spec))[0], spec.config)
    assert isinstance(adapter, StockFiles)
    intake = Intake(hub.journal, {}, Catalogue(hub.journal))
    async with adapter:
        async for batch in adapter.read(None):
            await hub.journal.append((await intake.accept(spec, batch)).draft)


async def coded(hub: Hub) -> None:
    circumstances = Circumstances(timezone=ZoneInfo("Asia/Shanghai"), now=now())
    table = "code,name,unit,standard\nS-01,灭火器,具,SAMPLE\nS-02,担架,副,SAMPLE\n"
    with written(table) as file:
        shown = await preview(hub.journal, CODES, file, circumstances)
    await store(hub.journal, shown, file="codes.csv", actor="li", now=now())


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def thousand() -> str:
    rows = [f"灭火器,{'许多' if n < 10 else n},具,L{n}" for n in range(995)]
    return HEAD + "\n".join([*rows, *(f"神秘物资,{n},件,M{n}" for n in range(5))]) + "\n"


async def lots(hub: Hub, source: str) -> dict[str, Any]:
    held = await hub.journal.live_of(["SupplyLot"])
    return {str(one.claim.values["lot_number"]): one for one in held if one.source == source}


def test_a_list_of_a_thousand_rows_and_what_is_mended_of_it(hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "thousand", pattern="*.csv", settle_seconds=0)

    async def play() -> None:
        await coded(hub)
        told = (await upload(hub, spec, "stock.csv", thousand(), "up-1"))["list"]
        assert (told["accepted"], told["rejected"], told["unmapped"]) == (985, 10, 5)
        assert told["confirmed"] and [one["row"] for one in told["rejectedRows"]] == list(range(2, 12))
        assert names(tmp_path) == ["stock.csv"]
        await taken(hub, spec)
        assert len(await lots(hub, spec.id)) == 990
        assert await hub.projector.wait_for(hub.journal.head, 60)  # a busy machine takes its time over so many

        rows = await asked(hub, spec, ROWS, source=spec.id)
        assert [(row["file"], row["row"]) for row in rows] == [("stock.csv", number) for number in range(2, 12)]
        assert rows[0]["cells"][1] == {"column": "数量", "value": "许多"}
        assert "数量" in rows[0]["where"] and "row 2" in rows[0]["where"]
        page = await asked(hub, spec, ROWS, source=spec.id, first=3, after=rows[3]["id"])
        assert [row["id"] for row in page] == [row["id"] for row in rows[4:7]]

        first = rows[0]["id"]
        worse = await asked(hub, spec, CORRECT, id=first, cells=[{"column": "数量", "value": "无数"}], key="c-0")
        assert (worse["__typename"], worse["code"]) == ("RowStillUnreadable", "BAD_REQUEST")
        assert "无数" in worse["message"]
        nowhere = await asked(hub, spec, CORRECT, id=first, cells=[{"column": "数目", "value": "7"}], key="c-0")
        assert nowhere["__typename"] == "RowStillUnreadable" and "数目" in nowhere["message"]
        right = [{"column": "数量", "value": "7"}]
        done = await asked(hub, spec, CORRECT, id=first, cells=right, key="c-1")
        assert done["__typename"] == "CorrectRejectedRowSuccess" and done["projected"], done
        lot = (await lots(hub, spec.id))["L0"]
        assert (lot.claim.values["quantity"], lot.claim.values["item_code"]) == (7.0, "S-01")
        assert done["lots"] == [lot.entity]
        assert await asked(hub, spec, CORRECT, id=first, cells=right, key="c-1") == done
        (event,) = await hub.journal.stream(f"corrected:{spec.id}")
        assert (event.type, event.actor) == ("row.corrected", "local-administrator")
        assert event.data == {
            "source": spec.id,
            "letter": int(first),
            "file": "stock.csv",
            "row": 2,
            "columns": ["数量"],
            "lot": None,
            "standsFor": None,
        }
        again = await asked(hub, spec, CORRECT, id=first, cells=[{"column": "数量", "value": "8"}], key="c-2")
        assert (again["__typename"], again["code"]) == ("RejectedRowAlreadyCorrected", "CONFLICT")
        reused = await asked(hub, spec, CORRECT, id=rows[1]["id"], cells=right, key="c-1")
        assert (reused["__typename"], reused["code"]) == ("EntryConflict", "CONFLICT")
        assert [row["id"] for row in await asked(hub, spec, ROWS, source=spec.id)] == [row["id"] for row in rows[1:]]
        for strange in ("x", "0", "999999", "9" * 40):
            none = await asked(hub, spec, CORRECT, id=strange, cells=right, key="c-3")
            assert (none["__typename"], none["code"]) == ("RejectedRowNotFound", "NOT_FOUND")
        elsewhere = spec_of(tmp_path, "another")
        hidden = await asked(hub, elsewhere, CORRECT, id=rows[1]["id"], cells=right, key="c-3")
        assert hidden["__typename"] == "RejectedRowNotFound" and spec.id not in hidden["message"]

        waiting = await hub.ask("{ unmappedSupplies(first: 200) { text lots sources } }")
        assert {"text": "神秘物资", "lots": 5, "sources": [spec.id]} in waiting["unmappedSupplies"]
        wrong = await hub.ask(MAP, text="神秘", code="S-99", key="m-0")
        assert wrong["mapSupplyItem"]["__typename"] == "SupplyItemNotMapped"
        mapped = await hub.ask(MAP, text="神秘", code="S-02", key="m-1")
        assert mapped["mapSupplyItem"] == {"__typename": "MapSupplyItemSuccess", "lots": 5, "projected": True}
        assert (await lots(hub, spec.id))["M0"].claim.values["item_code"] == "S-02"

    run(play())


def test_a_row_that_stood_twice_is_another_once_its_number_is_given(hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "twice", settle_seconds=0)

    async def play() -> None:
        await upload(hub, spec, "a.csv", HEAD + "灭火器,1,具,A\n灭火器,2,具,A\n", "twice-1")
        await taken(hub, spec)
        (row,) = await asked(hub, spec, ROWS, source=spec.id)
        same = await asked(hub, spec, CORRECT, id=row["id"], cells=[{"column": "数量", "value": "3"}], key="t-1")
        assert same["__typename"] == "RowStillUnreadable"
        other = await asked(hub, spec, CORRECT, id=row["id"], cells=[{"column": "批号", "value": "B"}], key="t-2")
        assert other["__typename"] == "CorrectRejectedRowSuccess"
        found = await lots(hub, spec.id)
        assert {number: lot.claim.values["quantity"] for number, lot in found.items()} == {"A": 1.0, "B": 2.0}

    run(play())


def test_a_list_waits_for_its_columns_to_be_confirmed(hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "unsure", mapping=None)

    async def play() -> None:
        told = (await upload(hub, spec, "a.csv", HEAD + "灭火器,1,具,A\n", "unsure-1"))["list"]
        assert not told["confirmed"] and {"field": "name", "column": "物资名称"} in told["mapping"]
        changes = [{"field": "quantity", "column": "数"}]
        wrong = await asked(hub, spec, CONFIRM, source=spec.id, file="a.csv", changes=changes, key="u-1")
        assert wrong["__typename"] == "StockListRefused" and "数量" in wrong["message"]
        said = await asked(hub, spec, CONFIRM, source=spec.id, file="a.csv", key="u-2")
        assert said["list"]["confirmed"]
        told = (await upload(hub, spec, "a.csv", HEAD + "灭火器,1,具,A\n许多,x,具,B\n", "unsure-2"))["list"]
        assert told["confirmed"] and told["rejected"] == 1

    run(play())


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("../stock.csv", "x", "without a folder"),
        ("a\\stock.csv", "x", "without a folder"),
        ("stock.csv\0", "x", "without a folder"),
        ("stock.xlsx", "x", "*.csv"),
        (".stock.csv", "x", "not finished"),
        ("s" * 300 + ".csv", "x", "shorter"),
        ("stock.csv", "x" * 101, "max_bytes"),
    ],
)
def test_a_list_that_cannot_be_taken(file: str, text: str, says: str, hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "picky", pattern="*.csv", max_bytes=100)
    told = run(upload(hub, spec, file, text, "picky"))
    assert (told["__typename"], told["code"]) == ("StockListRefused", "BAD_REQUEST")
    assert says in told["message"]
    assert not list(tmp_path.iterdir())


def test_only_a_folders_source_takes_lists(hub: Hub, run: Run, tmp_path: Path) -> None:
    sftp = {"host": "127.0.0.1", "user": "u", "password": {"env": "X"}, "host_key": "ssh-ed25519 AAAA"}
    far = SourceSpec(id="far", definition=ADAPTER, config=FilesConfig.model_validate({"sftp": sftp}))
    sql = SqlConfig.model_validate(
        {"url": "sqlite:///x.db", "query": "SELECT 1", "id": "id", "columns": {"name": "name", "quantity": "qty"}}
    )
    other = SourceSpec(id="other", definition=SQL, config=sql)
    for spec, says in ((far, "SFTP"), (other, "stock_files")):
        told = run(upload(hub, spec, "a.csv", HEAD, f"kind-{spec.id}"))
        assert told["__typename"] == "StockListRefused" and says in told["message"]
    away = run(upload(hub, spec_of(tmp_path / "away", "away"), "a.csv", HEAD, "kind-away"))
    assert away["__typename"] == "StockListRefused" and "cannot write" in away["message"]


def test_a_repeat_leaves_the_list_that_came_since(hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "again")

    async def play() -> None:
        one, other = HEAD + "灭火器,1,具,A\n", HEAD + "灭火器,2,具,A\n"
        await upload(hub, spec, "a.csv", one, "again-1")
        await upload(hub, spec, "a.csv", other, "again-2")
        assert (await upload(hub, spec, "a.csv", one, "again-1"))["__typename"] == "UploadStockListSuccess"
        assert (tmp_path / "a.csv").read_text(encoding="utf-8") == other
        reused = await upload(hub, spec, "a.csv", one + " ", "again-2")
        assert (reused["__typename"], reused["code"]) == ("EntryConflict", "CONFLICT")
        assert (tmp_path / "a.csv").read_text(encoding="utf-8") == other

    run(play())


def test_who_sees_not_all_sees_the_own_organizations_rows_alone(hub: Hub, run: Run, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "whose")

    async def ask(organization: str | None, document: str, **variables: Any) -> Any:
        context = hub.context(NARROW, specs=(spec,), tenant=lambda word: word)
        viewer = Viewer(subject="tenant", organization=organization)
        theirs = Context(services=context.services, viewer=viewer, mask=NARROW)
        return await schema.execute(document, variable_values=variables, context_value=theirs)

    async def play() -> None:
        assert (await ask("acme", ROWS, source=spec.id)).data == {"rejectedRows": []}
        others: Sequence[str | None] = ("other", None)
        for organization in others:
            result = await ask(organization, ROWS, source=spec.id)
            assert isinstance(result.errors[0].original_error, NotFound)
            variables = {"source": spec.id, "file": "a.csv", "upload": "0" * 64, "key": "w"}
            told = (await ask(organization, UPLOAD, **variables)).data["uploadStockList"]
            assert told["__typename"] == "SourceNotFound"
        mapped = await ask("acme", MAP, text="神秘", code=None, key="w")
        assert isinstance(mapped.errors[0].original_error, Forbidden)

    run(play())
