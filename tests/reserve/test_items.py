"""One reserve standard: names of lots become codes by rules and by a person's word, and none is dropped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.contract import Claim, Link, Raw, Source
from adapters.inventory.files import ADAPTER as FILES
from adapters.inventory.files_config import FilesConfig
from adapters.inventory.sql import ADAPTER as SQL
from adapters.inventory.sql_config import SqlConfig
from graph_models.standards import reserve_standard
from hub.errors import BadRequest, Conflict, Refused
from hub.ingest.confirmed import confirm, source_of
from hub.ingest.imports.codes import CODES
from hub.ingest.imports.kind import Circumstances
from hub.ingest.imports.preview import preview
from hub.ingest.imports.storing import store
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import Command, HeldClaim
from hub.journal.sealing import Keyring, KeyringConfig
from hub.journal.trust import SourceTrust
from hub.reserve import items
from hub.reserve.items import Catalogue, Decision, Match
from hub.reserve.lists import look
from tests.imports.entering import written

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
CODE_TABLE = """code,name,unit,standard
S-01,灭火器,具,SAMPLE
S-02,担架,副,SAMPLE
S-03,矿泉水,箱,SAMPLE
"""


@contextlib.asynccontextmanager
async def journal(folder: Path, **trust: SourceTrust) -> AsyncIterator[Journal]:
    keyring = Keyring.open(KeyringConfig(store=folder / "keys.db", park_key=folder / "park.key"))
    opened = await Journal.open(JournalConfig(url="sqlite", folder=folder / "state", keyring=keyring, trust=trust))
    try:
        yield opened
    finally:
        await opened.close()
        keyring.close()


async def entered(log: Journal, table: str = CODE_TABLE) -> None:
    circumstances = Circumstances(timezone=ZoneInfo("Asia/Shanghai"), now=NOON)
    with written(table) as file:
        shown = await preview(log, CODES, file, circumstances)
    assert not shown.rejected, shown.rejected
    await store(log, shown, file="codes.csv", actor="li", now=NOON)


def spec(name: str = "acme", **changes: object) -> SourceSpec:
    config = SqlConfig.model_validate(
        {"url": "sqlite:///x", "query": "SELECT 1", "id": "id", "columns": {"name": "n", "quantity": "q"}}
    )
    return SourceSpec(id=name, definition=SQL, config=config, organization=name, **changes)  # type: ignore[arg-type]


def lot(number: int, name: str, **values: str) -> Claim:
    return Claim(kind="SupplyLot", external_id=str(number), values={"name": name, "quantity": 1.0, **values})


async def take(log: Journal, source: SourceSpec, claims: Sequence[Claim], at: datetime = NOON) -> None:
    intake = Intake(log, {}, Catalogue(log))
    accepted = await intake.records(source, claims, at)
    assert not accepted.draft.dead_letters
    await log.append(accepted.draft)


async def held(log: Journal) -> Mapping[str, HeldClaim]:
    return {f"{one.source}/{one.claim.external_id}": one for one in await log.live_of(["SupplyLot"])}


async def codes(log: Journal) -> dict[str, object]:
    return {name: one.claim.values.get("item_code") for name, one in (await held(log)).items()}


def test_a_name_becomes_a_code_by_rule_and_by_a_persons_word_and_none_is_dropped(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            await entered(log)
            names = ["灭火器", "4kg 干粉灭 火器", "折叠担架", "ＡＢＣ", "头灯"]
            await take(log, spec(), [lot(i, name) for i, name in enumerate(names)])
            await take(log, spec("other"), [lot(9, "折叠 担架")])
            assert (await codes(log)) == {
                **{"acme/0": "S-01", "acme/1": None, "acme/2": None, "acme/3": None, "acme/4": None},
                "other/9": None,
            }
            waiting = await items.unmapped(log)
            assert (waiting[0].text, waiting[0].lots, waiting[0].sources) == ("折叠担架", 2, ("acme", "other"))
            assert waiting[0].proposed is not None and waiting[0].proposed.code == "S-02"
            decisions = [
                Decision(text="灭火器", match=Match.CONTAINS, code="S-01"),
                Decision(text="折叠担架", code="S-02"),
                Decision(text="abc", code="S-03"),
            ]
            _, changed = await items.map_items(log, decisions, actor="li", now=LATER)
            assert changed == 4
            assert (await codes(log)) == {
                **{"acme/0": "S-01", "acme/1": "S-01", "acme/2": "S-02", "acme/3": "S-03", "acme/4": None},
                "other/9": "S-02",
            }
            linked = (await held(log))["other/9"]
            assert linked.claim.links == (Link(relation="OF_ITEM", target="supply:S-02", source="hub"),)
            assert linked.last_seen == NOON, "a person's word is no sign of life of the source"
            (item,) = {one.entity for one in await log.live_of(["SupplyItem"]) if one.claim.values["code"] == "S-02"}
            assert item in (await log.referring([item])) and linked.entity in (await log.referring([item]))[item]

    asyncio.run(run())


def test_a_later_word_takes_the_place_of_the_first_and_new_lots_follow(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            await entered(log)
            await take(log, spec(), [lot(1, "水"), lot(2, "水", item_code="S-03")])
            await items.map_items(log, [Decision(text="水", code="S-01")], actor="li", now=LATER)
            assert await codes(log) == {"acme/1": "S-01", "acme/2": "S-03"}
            await items.map_items(log, [Decision(text="水", code="S-02")], actor="li", now=LATER)
            await take(log, spec(), [lot(3, "水")])
            assert await codes(log) == {"acme/1": "S-02", "acme/2": "S-03", "acme/3": "S-02"}
            await items.map_items(log, [Decision(text="水", code=None)], actor="li", now=LATER)
            assert await codes(log) == {"acme/1": None, "acme/2": "S-03", "acme/3": None}
            assert (await held(log))["acme/1"].claim.links == ()
            head = log.head
            await take(log, spec(), [lot(1, "水"), lot(2, "水", item_code="S-03"), lot(3, "水")], LATER)
            assert log.head == head, "what the source says again is as it stands"

    asyncio.run(run())


def test_items_that_are_entered_later_find_their_lots(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            await take(log, spec(), [lot(1, "灭火器"), lot(2, "绳", item_code="S-02")])
            await entered(log)
            assert await items.settle_new(log) == 2
            assert await codes(log) == {"acme/1": "S-01", "acme/2": "S-02"}
            assert [link.target for link in (await held(log))["acme/2"].claim.links] == ["supply:S-02"]
            assert await items.settle_new(log) == 0

    asyncio.run(run())


def test_what_a_source_said_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            await take(log, spec(), [lot(1, "绳")])
            stale = (await held(log))["acme/1"]
            await take(log, spec(), [Claim(kind="SupplyLot", external_id="1", values={"name": "绳", "quantity": 7.0})])
            assert await log.revise("acme", {stale.seq: stale.claim}, LATER) == 0
            assert (await held(log))["acme/1"].claim.values["quantity"] == 7.0

    asyncio.run(run())


def test_a_word_that_cannot_be_is_refused(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            await entered(log)
            for wrong, says in (
                (Decision(text="绳", code="S-09"), "did you mean"),
                (Decision(text=" ", code="S-01"), "is empty"),
                (Decision(text="水", match=Match.CONTAINS, code="S-01"), "too many names"),
            ):
                with pytest.raises(BadRequest, match=says):
                    await items.map_items(log, [wrong], actor="li", now=LATER)
            command = Command(actor="li", key="k", fingerprint="f")
            decision = [Decision(text="绳", code="S-01")]
            await items.map_items(log, decision, actor="li", now=LATER, command=command)
            appended, _ = await items.map_items(log, decision, actor="li", now=LATER, command=command)
            assert appended.repeated
            with pytest.raises(Conflict):
                other = Command(actor="li", key="k", fingerprint="g")
                await items.map_items(log, decision, actor="li", now=LATER, command=other)

    asyncio.run(run())


def test_the_standard_is_what_can_be_cited() -> None:
    standard = reserve_standard()
    assert [one.code for one in standard.classes] == ["1", "2", "3"]
    assert standard.lengths == (1, 3, 5, 7)
    for code, level, above in (("2", 1, None), ("2000000", 1, None), ("201", 2, "2"), ("2010300", 3, "201")):
        assert (standard.problem(code), standard.level(code), standard.above(code)) == (None, level, above)
    assert standard.level("2019903") == 4 and standard.above("2019903") == "20199"
    for wrong in ("", "4010101", "12", "20101011", "2O10101", "９"):
        assert standard.problem(wrong) is not None


def test_codes_that_cannot_be_are_rejected_by_row(tmp_path: Path) -> None:
    async def run() -> None:
        async with journal(tmp_path) as log:
            table = "编码,名称,单位,上级编码\n1,生活,,\n4010101,x,,\n2,y,堆头,\n101,z,,999\n"
            circumstances = Circumstances(timezone=ZoneInfo("Asia/Shanghai"), now=NOON)
            with written(table) as file:
                shown = await preview(log, CODES, file, circumstances)
            assert [row.claim.values["code"] for row in shown.new] == ["1"]
            reasons = {row.number: row.reason for row in shown.rejected}
            assert "begins with 4" in reasons[3] and "堆头" in reasons[4] and "999" in reasons[5]

    asyncio.run(run())


def test_a_thousand_rows_are_985_and_10_and_5(tmp_path: Path) -> None:
    """Accepted, rejected each with its reason and row, queued without a code: the sum is the file."""
    folder = tmp_path / "drop"
    folder.mkdir()
    rows = ["物资名称,数量,单位,批号,存放地点"]
    for i in range(1000):
        name, quantity = ("头灯" if 100 <= i < 105 else "灭火器"), ("约十" if 500 <= i < 510 else "12")
        rows.append(f"{name},{quantity},具,L{i},B2")
    (folder / "acme.csv").write_text("\n".join(rows), encoding="gb18030")
    config = FilesConfig.model_validate({"folder": folder, "settle_seconds": 0})
    lists = SourceSpec(id="acme", definition=FILES, config=config, organization="acme", retire_guard=0.3)

    async def run() -> None:
        async with journal(tmp_path) as log:
            await entered(log)
            catalogue = Catalogue(log)
            await catalogue.refresh()
            (shown,) = await look(log, lists, catalogue.rules)
            assert shown.mapping is not None and shown.header is not None and shown.tally is not None
            assert not shown.confirmed
            tally = shown.tally
            assert (tally.accepted, tally.rejected, tally.unmapped, tally.rows) == (985, 10, 5, 1000)
            assert [one.number for one in tally.reasons] == list(range(502, 512))
            assert all(one.column == "数量" and "约十" in one.reason for one in tally.reasons)
            await confirm(
                log,
                lists,
                fingerprint=shown.header.fingerprint,
                header=shown.header.names,
                mapping=shown.mapping.model_dump(mode="json"),
                actor="li",
                now=NOON,
            )
            (again,) = await look(log, lists, catalogue.rules)
            assert again.confirmed and again.mapping == shown.mapping
            source, _ = await source_of(log, lists)
            intake = Intake(log, {}, catalogue)
            async with FILES.factory(source, config) as adapter:
                async for batch in adapter.read(None):
                    await log.append((await intake.accept(lists, batch)).draft)
                whole = [claim async for claim in adapter.discover()]
            found = await codes(log)
            assert len(found) == 990 and sum(code is None for code in found.values()) == 5
            letters = await log.dead_letters("acme")
            assert len(letters) == 10 and all(
                "约十" in one.reason and one.where.startswith("acme.csv row ") for one in letters
            )
            assert [(one.text, one.lots) for one in await items.unmapped(log)] == [("头灯", 5)]
            names = [claim.external_id for claim in whole]
            gone = await intake.missing(lists, names)
            await log.append((await intake.records(lists, [*whole, *gone], LATER)).draft)
            assert len(await log.live_claims("acme")) == 990, "rows that cannot be read are not gone"
            with pytest.raises(Refused, match="causeway sources --confirm-retirement acme"):
                await intake.missing(lists, names[:400])
            assert len(await log.live_claims("acme")) == 990

    asyncio.run(run())


def test_two_tenants_with_one_gtin_and_lot_stay_two(tmp_path: Path) -> None:
    """And one tenant's lot that two of its systems name is one."""
    trust = {
        name: SourceTrust(trusted_schemes=frozenset({"stock_lot"}), organization=whose)
        for name, whose in (("a", "acme"), ("b", "bolt"), ("a2", "acme"), ("n", None), ("n2", None))
    }
    columns = {"name": "n", "quantity": "q", "lot_number": "lot", "gtin": "gtin", "place": "place"}
    config = {"url": "sqlite:///x", "query": "SELECT 1", "id": "id", "columns": columns}

    async def run() -> None:
        async with journal(tmp_path, **trust) as log:
            for name, of in trust.items():
                adapter = SQL.factory(Source(id=name, organization=of.organization), SqlConfig.model_validate(config))
                row = b'{"id": 1, "n": "x", "q": 1, "lot": "L1", "gtin": "6901234567892", "place": "B1"}'
                (claim,) = adapter.decode(Raw(key="row/1", received_at=NOON, data=row))
                assert isinstance(claim, Claim)
                await take(log, spec(name), [claim])
            entity = {name: one.entity for name, one in (await held(log)).items()}
            assert entity["a/1"] == entity["a2/1"]
            assert len(set(entity.values())) == 4, "of whom nobody says whose they are, none are one"

    asyncio.run(run())
