"""What a client reads of the whole graph: five kinds of a building, people under masks, shares, positions, aliases."""

from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from hub.coordinates import CoordinateSystem, to_wgs84
from hub.errors import Code
from hub.viewer import EVERYTHING, Grant, Mask, Scope, Visibility
from tests.schema.conftest import Run
from tests.schema.hub import START, Hub
from tests.schema.test_query import code
from tests.schema.town import PEOPLE, claim

OF = "provenance { source observedAt stale }"
FIVE = f"""query ($id: ID!, $at: DateTime) {{ place(id: $id) {{ name
  cameras: assets(below: true, filter: {{kind: [CAMERA]}}) {{ nodes {{
    name online {OF} facts(fields: ["name"]) {{ source }} }} }}
  sensors: assets(below: true, filter: {{kind: [SENSOR]}}) {{ nodes {{ name {OF} }} }}
  lots(below: true, orderBy: EXPIRES_AT) {{ nodes {{
    name quantity sharing {{ terms agreedQuantity }} holder {{ name }} item {{ name }} {OF} }} }}
  peopleOnDuty(at: $at) {{ nodes {{ role person {{ name }} {OF} }} }}
  warnings(at: $at) {{ nodes {{ headline colour {OF} }} }} }} }}"""


def place_id(hub: Hub, run: Run, name: str) -> str:
    (row,) = run(
        hub.ask("query ($s: String!) { places(filter: {search: $s}, orderBy: LEVEL) { nodes { id name } } }", s=name)
    )["places"]["nodes"][:1]
    assert row["name"] == name
    return str(row["id"])


def ask_five(hub: Hub, run: Run, at: datetime, **more: Any) -> dict[str, Any]:
    return run(hub.ask(FIVE, id=place_id(hub, run, "东楼"), at=at.isoformat(), **more))["place"]  # type: ignore[no-any-return]


def test_one_query_on_a_building_tells_its_five_kinds_each_with_its_source(town: Hub, run: Run) -> None:
    found = ask_five(town, run, START + timedelta(hours=2))
    seen = lambda source: [{"source": source, "observedAt": "2026-03-01T08:00:00.000000Z", "stale": False}]  # noqa: E731
    assert found["cameras"]["nodes"] == [
        {"name": "Lobby", "online": False, "provenance": seen("nvr"), "facts": [{"source": "nvr"}]}
    ]
    assert found["sensors"]["nodes"] == [{"name": "Smoke", "provenance": seen("cabinets")}]
    soonest, never = found["lots"]["nodes"]
    assert soonest["sharing"] == {"terms": "AGREED", "agreedQuantity": 8.0}
    assert (soonest["holder"], soonest["item"]) == ({"name": "重庆宏达五金"}, {"name": "灭火器"})
    assert (never["name"], never["sharing"]["terms"], never["item"]) == ("手套", "NOT_SHARED", None)
    assert [row["person"]["name"] for row in found["peopleOnDuty"]["nodes"]] == ["王伟"]
    assert [row["headline"] for row in found["warnings"]["nodes"]] == ["暴雨橙色预警"]


def test_duty_and_warnings_are_those_of_the_moment(town: Hub, run: Run) -> None:
    def at(hours: float) -> tuple[list[str], list[str]]:
        found = ask_five(town, run, START + timedelta(hours=hours))
        people = [row["person"]["name"] for row in found["peopleOnDuty"]["nodes"]]
        return people, sorted(row["headline"] for row in found["warnings"]["nodes"])

    assert at(-1) == ([], [])
    assert at(0) == (["王伟"], ["大风", "暴雨橙色预警"])
    assert at(1) == (["王伟"], ["暴雨橙色预警"])
    assert at(8) == (["张三丰"], [])
    assert at(16) == ([], [])


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("王伟", ["王伟"]),
        ("王", ["王伟"]),
        ("ww", ["王伟"]),
        ("欧阳", ["欧阳建国"]),
        ("张三丰", ["张三丰"]),
        ("zsf", ["张三丰"]),
        ("smith", ["Anna Smith"]),
        ("ann sm", ["Anna Smith"]),
        ("三王", []),
        ("13900000000", []),
    ],
)
def test_people_are_found_by_name_alone(town: Hub, run: Run, search: str, names: list[str]) -> None:
    document = "query ($s: String!) { people(filter: {search: $s}) { totalCount nodes { name } } }"
    assert run(town.ask(document, s=search))["people"] == {
        "totalCount": len(names),
        "nodes": [{"name": name} for name in names],
    }


PERSON = """{ people(orderBy: NAME_DESC) { nodes { name phone facts(fields: ["phone"]) { value }
              qualifications { nodes { certificate } } } } }"""


def people(hub: Hub, run: Run, mask: Mask) -> dict[str, Any]:
    found = run(hub.ask(PERSON.replace("(orderBy: NAME_DESC)", ""), mask=mask))["people"]["nodes"]
    return {row["name"]: row for row in found}


def test_personal_values_are_shown_in_clear_and_kept_sealed(town: Hub, run: Run) -> None:
    found = run(town.ask(PERSON))["people"]["nodes"]
    wang = next(row for row in found if row["name"] == "王伟")
    assert wang["phone"] == "13900000000"
    assert wang["facts"] == [{"value": "13900000000"}]
    assert wang["qualifications"]["nodes"] == [{"certificate": "CQ-2024-7788"}]
    rows = run(town.store.read("MATCH (n) WHERE n.phone IS NOT NULL RETURN collect(n.phone) AS all", {}))
    assert len(rows[0]["all"]) == len(PEOPLE)
    assert not [text for text in rows[0]["all"] if "139" in text or not text.startswith("sealed:")]


def test_two_grants_show_each_person_as_openly_as_any_that_holds_them(town: Hub, run: Run) -> None:
    west = Scope(name="within_places", parameters=MappingProxyType({"places": (place_id(town, run, "西楼"),)}))
    masked: Mask = (
        Grant(
            scope=EVERYTHING,
            fields={"Person.phone": Visibility.MASK_LAST4, "Qualification.certificate": Visibility.MASK_ALL},
        ),
        Grant(scope=west),
    )
    found = people(town, run, masked)
    assert (found["王伟"]["phone"], found["王伟"]["facts"]) == ("****0000", [{"value": "****0000"}])
    assert found["王伟"]["qualifications"]["nodes"] == [{"certificate": "****"}]
    assert found["Anna Smith"]["phone"] == "13900000003"  # posted in the west
    hidden = (Grant(scope=EVERYTHING, fields={"Person.phone": Visibility.HIDE, "Person.name": Visibility.HIDE}),)
    rows = run(town.ask("{ people { nodes { name phone } } }", mask=hidden))["people"]["nodes"]
    assert rows == [{"name": None, "phone": None}] * len(PEOPLE)
    refused = run(town.execute('{ people(filter: {search: "王"}) { totalCount } }', mask=hidden))
    assert code(refused) is Code.FORBIDDEN
    ordered = run(town.execute("{ people(orderBy: NAME) { totalCount } }", mask=hidden))
    assert code(ordered) is Code.FORBIDDEN


def test_a_hazards_score_is_likelihood_times_consequence(town: Hub, run: Run) -> None:
    document = "{ hazards(orderBy: SCORE_DESC) { nodes { name score } } }"
    assert run(town.ask(document))["hazards"]["nodes"] == [
        {"name": "电池充电", "score": 20},
        {"name": "楼梯湿滑", "score": None},
    ]
    grave = "{ hazards(filter: {scoreAtLeast: 15}) { nodes { name } } }"
    assert run(town.ask(grave))["hazards"]["nodes"] == [{"name": "电池充电"}]
    masked = (Grant(scope=EVERYTHING, fields={"Hazard.likelihood": Visibility.HIDE}),)
    assert code(run(town.execute(document, mask=masked))) is Code.FORBIDDEN
    told = run(town.ask("{ hazards { nodes { score } } }", mask=masked))
    assert told["hazards"]["nodes"] == [{"score": None}] * 2


def test_each_side_of_an_asset_shows_what_belongs_to_it(town: Hub, run: Run) -> None:
    found = run(
        town.ask(
            """{ assets(orderBy: NAME) { nodes { name x: place { name }
                 camera { x: recordedBy { name } channel monitors { ... on Place { name } } }
                 recorder { cameras { nodes { name } } storageFree } panel { detectors { nodes { name } } }
                 sensor { reportsTo { name } } equipment { deviceType } } } }"""
        )
    )["assets"]["nodes"]
    assets = {row.pop("name"): {key: side for key, side in row.items() if side is not None} for row in found}
    assert assets["Lobby"] == {
        "x": {"name": "东楼一层"},
        "camera": {"x": {"name": "Recorder"}, "channel": "1", "monitors": [{"name": "东楼一层"}]},
    }
    assert assets["Recorder"] == {"recorder": {"cameras": {"nodes": [{"name": "Lobby"}]}, "storageFree": 1e12}}
    assert assets["Panel"]["panel"] == {"detectors": {"nodes": [{"name": "Smoke"}]}}
    assert assets["Smoke"]["sensor"] == {"reportsTo": {"name": "Panel"}}


def test_a_position_is_told_in_the_maps_own_system(town: Hub, run: Run) -> None:
    found = run(
        town.ask(
            """query ($id: ID!) { place(id: $id) { position { latitude longitude }
                 amap: position(system: GCJ_02) { system latitude longitude }
                 baidu: position(system: BD_09) { system latitude longitude } partOf { position { latitude } } } }""",
            id=place_id(town, run, "东楼"),
        )
    )["place"]
    assert found["position"] == {"latitude": 29.5630, "longitude": 106.5516}
    assert found["partOf"] == {"position": None}
    for key, system in (("amap", CoordinateSystem.GCJ02), ("baidu", CoordinateSystem.BD09)):
        there = found[key]
        assert abs(there["longitude"] - 106.5516) > 0.003  # some 300 m and more
        back = to_wgs84(there["latitude"], there["longitude"], system)
        assert back == pytest.approx((29.5630, 106.5516), abs=1e-6)


def test_every_kind_is_found_by_its_id_and_as_a_reference(town: Hub, run: Run) -> None:
    lists = {
        "places": "Place", "routes": "Route", "assets": "Asset", "organizations": "Organization", "people": "Person",
        "qualifications": "Qualification", "shifts": "Shift", "hazards": "Hazard", "goods": "HazardousGoods",
        "supplyItems": "SupplyItem", "supplyLots": "SupplyLot", "warnings": "Warning",
    }  # fmt: skip
    rows = run(town.ask("{" + " ".join(f"{name} {{ nodes {{ id __typename }} }}" for name in lists) + "}"))
    ids = {kind: rows[name]["nodes"][0]["id"] for name, kind in lists.items()}
    assert {kind: rows[name]["nodes"][0]["__typename"] for name, kind in lists.items()} == {kind: kind for kind in ids}
    them = [{"__typename": kind, "id": id_} for kind, id_ in ids.items()]
    found = run(
        town.ask(
            "query ($them: [_Any!]!) { _entities(representations: $them) { __typename ... on Node { id } } }", them=them
        )
    )["_entities"]
    assert found == them
    for kind, id_ in ids.items():
        assert run(town.ask("query ($id: ID!) { node(id: $id) { __typename } }", id=id_))["node"] == {
            "__typename": kind
        }


def test_a_filter_by_an_id_from_before_a_merge_finds_what_it_became(town: Hub, run: Run) -> None:
    async def twins() -> tuple[str, str]:
        await town.append(
            source="plan", claims=[claim("Place", "shed", {"PART_OF": "plan:park"}, kind="ZONE", name="棚")]
        )
        await town.append(source="survey", claims=[claim("Place", "shed-2", kind="ZONE", name="旧棚")])
        await town.append(
            source="survey", claims=[claim("Asset", "lamp", {"LOCATED_IN": "plan:shed"}, kind="EQUIPMENT", name="Lamp")]
        )
        return town.ids["shed"], town.ids["shed-2"]

    kept, old = run(twins())
    document = """query ($p: ID!) { assets(filter: {within: $p}) { nodes { name } }
                    places(filter: {ids: [$p]}) { nodes { id } } }"""
    assert run(town.ask(document, p=old)) == {"assets": {"nodes": []}, "places": {"nodes": [{"id": old}]}}
    merged = run(
        town.ask(
            """mutation ($a: ID!, $b: ID!) { mergeEntities(one: $a, other: $b, idempotencyKey: "sheds") {
                 ... on MergeEntitiesSuccess { projected entity { id } } ... on Problem { message } } }""",
            a=kept,
            b=old,
        )
    )["mergeEntities"]
    assert merged == {"projected": True, "entity": {"id": kept}}
    told = run(town.ask(document, p=old))
    assert told == {"assets": {"nodes": [{"name": "Lamp"}]}, "places": {"nodes": [{"id": kept}]}}
    nested = run(
        town.ask(
            """query ($p: ID!) { places(filter: {kind: [PARK]}) { nodes {
                 parts(filter: {ids: [$p]}) { totalCount } } } }""",
            p=old,
        )
    )
    assert nested["places"]["nodes"] == [{"parts": {"totalCount": 1}}]


def test_counts_tell_how_many_have_what_in_common(town: Hub, run: Run) -> None:
    found = run(
        town.ask(
            """query ($in: ID!) {
                 assetCounts(by: [KIND, BUILDING], filter: {within: $in, kind: [CAMERA, SENSOR, PANEL]}) {
                   total other groups { kind building { name } place { name } count } }
                 lotCounts(by: [HOLDER, TERMS]) { total groups { holder { name } terms count } }
                 few: lotCounts(by: [HOLDER], minimumGroup: 2) { total other groups { holder { name } count } } }""",
            **{"in": place_id(town, run, "东楼")},
        )
    )
    east = {"name": "东楼"}
    assert found["assetCounts"]["total"] == 3
    assert sorted(found["assetCounts"]["groups"], key=lambda group: str(group["kind"])) == [
        {"kind": kind, "building": east, "place": None, "count": 1} for kind in ("CAMERA", "PANEL", "SENSOR")
    ]
    terms = {(group["holder"]["name"], group["terms"]): group["count"] for group in found["lotCounts"]["groups"]}
    assert terms == {("重庆宏达五金", "AGREED"): 1, ("重庆宏达五金", "NOT_SHARED"): 1, ("Bolt Tools", "OWN"): 1}
    assert found["few"] == {"total": 3, "other": 3, "groups": []}  # one lot alone would tell of Bolt Tools
    masked = (Grant(scope=EVERYTHING, fields={"SupplyLot.holder": Visibility.HIDE}),)
    assert code(run(town.execute("{ lotCounts(by: [HOLDER]) { total } }", mask=masked))) is Code.FORBIDDEN
