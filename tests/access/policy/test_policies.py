"""The rights that policies give: masks as Cedar decides, kept by class, filled in by viewer."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.access.policy.catalogue import declared
from hub.access.policy.engine import FLAGS, entities, schema
from hub.access.policy.load import SHIPPED, load
from hub.access.policy.policies import Policies
from hub.graph.selection import MASKABLE
from hub.viewer import EVERYTHING, Action, Grant, Mask, Viewer, Visibility, least_restrictive

CATALOGUE = declared(MASKABLE)
SHIPPED_POLICIES = load(None, CATALOGUE)
SCHEMA = cedarpy.Schema.from_str(schema(SHIPPED_POLICIES.roles))
ENTITIES = cedarpy.Entities.from_json_str(
    json.dumps(entities(SHIPPED_POLICIES.roles, SHIPPED_POLICIES.catalogue)), schema=SCHEMA
)


@dataclass(frozen=True)
class Agreed:
    provider: str
    types: tuple[str, ...]
    purposes: tuple[str, ...] = ("supervision",)


class Here:
    """What holds for some organizations, as the hub would tell it."""

    def agreements(self, recipient: str) -> tuple[Agreed, ...]:
        return ()

    def jurisdiction(self, organization: str) -> tuple[str, ...]:
        return ("district",) if organization == "bureau" else ()

    def threatened(self, organization: str) -> tuple[str, ...]:
        return ("unit-2", "unit-1") if organization == "tenant-a" else ()

    def on_duty(self) -> tuple[str, ...]:
        return ("wang", "li")


def viewer(*roles: str, purpose: str = "operations", organization: str | None = None, flags: str = "") -> Viewer:
    return Viewer(
        subject="s",
        roles=frozenset(roles),
        purpose=purpose,
        organization=organization,
        flags=frozenset(flags.split()),
    )


def by_scope(mask: Mask) -> dict[str, Grant]:
    found = {grant.scope.name: grant for grant in mask}
    assert len(found) == len(mask)
    return found


def shown(mask: Mask, name: str) -> dict[str, Visibility]:
    kind = name.partition(".")[0]
    return {
        grant.scope.name: grant.visibility(name)
        for grant in mask
        if grant.types is not None and kind in grant.types and grant.visibility(name) is not Visibility.HIDE
    }


def test_a_tenant_gets_its_own_rows_and_notices_of_what_threatens_it() -> None:
    mask = Policies(SHIPPED_POLICIES, Here()).mask(
        viewer("tenant", purpose="own_business", organization="tenant-a"), Action.READ
    )
    grants = by_scope(mask)
    assert set(grants) == {"everything", "own_organization", "within_places"}
    assert grants["own_organization"].scope.parameters == {"organizations": ("tenant-a",)}
    assert grants["within_places"].scope.parameters == {"places": ("unit-1", "unit-2")}
    assert grants["within_places"].types == {"Alert", "Incident"}
    assert shown(mask, "Person.phone") == {"own_organization": Visibility.SHOW}
    assert shown(mask, "Alert.severity") == dict.fromkeys(("own_organization", "within_places"), Visibility.SHOW)
    assert shown(mask, "Alert.asset") == {"own_organization": Visibility.SHOW}
    assert grants["everything"].types is not None
    assert not {"Person", "Organization", "SupplyLot", "Alert", "Asset"} & grants["everything"].types


def test_a_guard_on_duty_gets_the_names_of_who_is_on_duty() -> None:
    policies = Policies(SHIPPED_POLICIES, Here())
    assert shown(policies.mask(viewer("guard"), Action.READ), "Person.name") == {}
    for action in (Action.READ, Action.SUBSCRIBE):
        mask = policies.mask(viewer("guard", flags="on_duty"), action)
        assert shown(mask, "Person.name") == {"people_on_duty": Visibility.SHOW}
        assert shown(mask, "Person.phone") == {}
        assert by_scope(mask)["people_on_duty"].scope.parameters == {"people": ("li", "wang")}
    assert shown(policies.mask(viewer("guard", flags="on_duty"), Action.EXPORT), "Person.name") == {}
    nobody = Policies(SHIPPED_POLICIES).mask(viewer("guard", flags="on_duty"), Action.READ)
    assert shown(nobody, "Person.name") == {}  # who is on duty is not known


def test_two_organizations_of_one_class_share_what_was_compiled_and_not_their_rows() -> None:
    policies = Policies(SHIPPED_POLICIES, Here())
    one = policies.mask(viewer("tenant", purpose="own_business", organization="tenant-a"), Action.READ)
    asked = policies.evaluations
    other = policies.mask(viewer("tenant", purpose="own_business", organization="tenant-b"), Action.READ)
    assert policies.evaluations == asked
    assert by_scope(one)["own_organization"].scope != by_scope(other)["own_organization"].scope
    assert "within_places" not in by_scope(other)


def test_a_scope_that_would_hold_no_row_is_left_out() -> None:
    mask = Policies(SHIPPED_POLICIES).mask(viewer("tenant", purpose="own_business"), Action.READ)
    assert [grant.scope for grant in mask] == [EVERYTHING]
    assert shown(mask, "SupplyLot.quantity") == {}


def test_a_known_class_takes_no_evaluation_by_cedar() -> None:
    policies = Policies(SHIPPED_POLICIES, Here())
    who = viewer("government", purpose="emergency", organization="bureau", flags="incident")
    first = policies.mask(who, Action.SUBSCRIBE)
    asked = policies.evaluations
    assert asked > 0
    for _ in range(1_000):
        assert policies.mask(who, Action.SUBSCRIBE) is first
    assert policies.evaluations == asked
    policies.mask(viewer("government", purpose="supervision", organization="bureau"), Action.SUBSCRIBE)
    assert policies.evaluations > asked


def test_a_change_of_threatened_places_shows_at_once_and_asks_nothing() -> None:
    class Moving(Here):
        at: tuple[str, ...] = ()

        def threatened(self, organization: str) -> tuple[str, ...]:
            return self.at

    places = Moving()
    policies = Policies(SHIPPED_POLICIES, places)
    who = viewer("tenant", purpose="own_business", organization="tenant-a")
    assert "within_places" not in by_scope(policies.mask(who, Action.SUBSCRIBE))
    asked = policies.evaluations
    places.at = ("unit-9",)
    mask = policies.mask(who, Action.SUBSCRIBE)
    assert by_scope(mask)["within_places"].scope.parameters == {"places": ("unit-9",)}
    assert policies.evaluations == asked


def test_agreements_open_their_types_of_their_providers_for_their_purposes() -> None:
    class Agreeing(Here):
        def agreements(self, recipient: str) -> tuple[Agreed, ...]:
            return (
                Agreed("tenant-b", ("SupplyLot",)),
                Agreed("tenant-a", ("SupplyLot", "Person")),
                Agreed("tenant-c", ("HazardousGoods",)),
                Agreed("tenant-d", ("SupplyLot",), purposes=("emergency",)),
                Agreed("tenant-e", ("Person",)),
            )

    policies = Policies(SHIPPED_POLICIES, Agreeing())
    mask = policies.mask(viewer("government", purpose="supervision", organization="bureau"), Action.READ)
    agreed = {g.scope.parameters["organizations"]: g.types for g in mask if g.scope.name == "own_organization"}
    assert agreed == {("tenant-a", "tenant-b"): {"SupplyLot"}, ("tenant-c",): {"HazardousGoods"}}
    assert shown(mask, "SupplyLot.quantity") == {"own_organization": Visibility.SHOW}
    assert not [g for g in mask if g.types and "Person" in g.types and g.scope.name == "own_organization"]
    for grant in (each for each in mask if each.scope.name == "own_organization"):
        assert grant.types == {name.partition(".")[0] for name in grant.fields}


def test_lots_of_others_are_shown_on_their_terms() -> None:
    policies = Policies(SHIPPED_POLICIES, Here())
    for who in (viewer("commander"), viewer("government", purpose="supervision", organization="bureau")):
        mask = policies.mask(who, Action.READ)
        lots = [grant for grant in mask if grant.opens("SupplyLot")]
        assert {grant.scope.name for grant in lots} <= {"shared", "within_places"}
        by_terms = {grant.scope.parameters["terms"]: grant for grant in lots}
        assert set(by_terms) == {("OWN", "AGREED"), ("ASK",)}
        assert by_terms["ASK",].visibility("SupplyLot.item_code") is Visibility.SHOW
        assert by_terms["ASK",].visibility("SupplyLot.agreed_quantity") is Visibility.HIDE


def test_an_incident_opens_numbers_while_it_is_on() -> None:
    policies = Policies(SHIPPED_POLICIES)
    for flags, phone in (("", "MASK_LAST4"), ("incident", "SHOW"), ("drill", "MASK_LAST4")):
        mask = policies.mask(viewer("commander", purpose="emergency", flags=flags), Action.READ)
        assert shown(mask, "Person.phone") == {"everything": Visibility(phone)}


def test_an_unknown_role_gives_nothing_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    policies = Policies(SHIPPED_POLICIES)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert policies.mask(viewer("emperor"), Action.READ) == ()
    told = [record for record in caplog.records if "unknown_role" in record.getMessage()]
    assert len(told) == 1
    beside = policies.mask(viewer("emperor", "guard"), Action.READ)
    assert beside == policies.mask(viewer("guard"), Action.READ)


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (viewer(), "no role"),
        (viewer("guard", purpose="privacy"), "a purpose that the role lacks"),
        (viewer("guard", purpose="conquest"), "a purpose that nobody has"),
    ],
)
def test_nothing_is_given_for(who: Viewer, why: str) -> None:
    assert Policies(SHIPPED_POLICIES).mask(who, Action.READ) == ()


def test_a_flag_outside_the_closed_list_changes_nothing() -> None:
    policies = Policies(SHIPPED_POLICIES)
    assert policies.mask(viewer("guard", flags="full_moon"), Action.READ) is policies.mask(viewer("guard"), Action.READ)


def test_a_forbid_wins_over_break_glass_and_over_every_other_role() -> None:
    policies = Policies(SHIPPED_POLICIES)
    assert shown(policies.mask(viewer("commander", flags="break_glass"), Action.READ), "Person.phone")
    broken = policies.mask(viewer("auditor", purpose="audit", flags="break_glass"), Action.READ)
    assert shown(broken, "Person.phone") == {}
    for action in Action:
        figures = policies.mask(viewer("dashboard", purpose="reporting", flags="break_glass incident"), action)
        assert not any(shown(figures, name) for name, field in CATALOGUE.fields.items() if field.personal)


def test_a_type_whose_id_is_forbidden_is_closed_whole(tmp_path: Path) -> None:
    (tmp_path / "park.cedar").write_text(
        '@id("all") @scope("everything") @mask("SHOW") permit (principal, action, resource);\n'
        '@id("no") forbid (principal, action, resource == Field::"Person.id");\n',
        encoding="utf-8",
    )
    (grant,) = Policies(load(tmp_path, CATALOGUE)).mask(viewer("guard"), Action.READ)
    assert grant.types == set(CATALOGUE.types) - {"Person"}


def test_under_one_scope_the_least_restrictive_mask_stands(tmp_path: Path) -> None:
    head = 'permit (principal, action, resource == Field::"Person.phone");\n'
    (tmp_path / "park.cedar").write_text(
        f'@id("a") @scope("everything") @mask("MASK_LAST4") {head}'
        f'@id("b") @scope("everything") @mask("MASK_ALL") {head}'
        f'@id("c") @scope("own_organization") @mask("SHOW") {head}'
        f'@id("d") @scope("jurisdiction") @mask("MASK_LAST4") {head}',
        encoding="utf-8",
    )
    policies = Policies(load(tmp_path, CATALOGUE), Here())
    mask = policies.mask(viewer("guard", organization="bureau"), Action.READ)
    assert shown(mask, "Person.phone") == {"everything": Visibility.MASK_LAST4, "own_organization": Visibility.SHOW}


_PARTS = st.sampled_from(
    ["resource", 'resource in Type::"Person"', 'resource == Field::"Person.phone"', 'resource in Set::"scene"']
)
_WHO = st.sampled_from(["principal", 'principal in Role::"guard"', 'principal in Group::"command"'])
_WHEN = st.sampled_from(
    [
        "",
        "when { resource.personal }",
        "unless { context.incident }",
        'when { context.purpose == Purpose::"emergency" }',
    ]
)
_HEADS = st.sampled_from(
    ["forbid"]
    + [
        f'@scope("{scope}") @mask("{mask}") permit'
        for scope in ("everything", "own_organization", "jurisdiction")
        for mask in ("SHOW", "MASK_LAST4", "MASK_ALL")
    ]
)
_POLICIES = st.lists(st.tuples(_HEADS, _WHO, _PARTS, _WHEN), min_size=1, max_size=7)
FIELDS_ASKED = ("Person.phone", "Person.name", "Person.roles", "Asset.name", "SupplyLot.quantity", "Alert.path")


@given(
    parts=_POLICIES,
    roles=st.frozensets(st.sampled_from(["guard", "commander", "tenant"]), min_size=1),
    flags=st.frozensets(st.sampled_from(FLAGS)),
    purpose=st.sampled_from(["operations", "emergency"]),
)
@settings(max_examples=60, deadline=None)
def test_a_mask_is_what_cedar_says_of_each_field_alone(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[str, str, str, str]],
    roles: frozenset[str],
    flags: frozenset[str],
    purpose: str,
) -> None:
    folder = tmp_path_factory.mktemp("policies")
    texts = [f'@id("p{n}") {head} ({who}, action, {what}) {when};' for n, (head, who, what, when) in enumerate(parts)]
    (folder / "park.cedar").write_text("\n".join(texts), encoding="utf-8")
    loaded = load(folder, CATALOGUE)
    who = Viewer(subject="s", roles=roles, purpose=purpose, flags=flags, organization="bureau")
    mask = Policies(loaded, Here()).mask(who, Action.READ)
    acting = loaded.roles.acting(roles, purpose)
    for name in FIELDS_ASKED:
        assert _least(shown(mask, name)) == _least(_alone(texts, acting, purpose, flags, name)), name


def _least(found: dict[str, Visibility]) -> dict[str, Visibility]:
    """For a row that only everything, only the own or only the jurisdiction's scope holds."""
    anywhere = found.get("everything", Visibility.HIDE)
    return {
        scope: least_restrictive(anywhere, found.get(scope, Visibility.HIDE))
        for scope in ("everything", "own_organization", "within_places")
    }


def _alone(
    texts: list[str], roles: frozenset[str], purpose: str, flags: frozenset[str], name: str
) -> dict[str, Visibility]:
    """Each policy asked of Cedar by itself, and combined as the design says."""
    found: dict[str, Visibility] = {}
    viewer = {
        "uid": {"type": "Viewer", "id": "v"},
        "attrs": {},
        "parents": [{"type": "Role", "id": role} for role in roles],
    }
    known = ENTITIES.with_added_json_str(json.dumps([viewer]), schema=SCHEMA)
    context: dict[str, Any] = {flag: flag in flags for flag in FLAGS}
    context["purpose"] = {"__entity": {"type": "Purpose", "id": purpose}}
    request = {
        "principal": 'Viewer::"v"',
        "action": 'Action::"read"',
        "resource": f'Field::"{name}"',
        "context": context,
    }
    if not roles:
        return found
    for text in texts:
        held = cedarpy.is_authorized(request, text, known, schema=SCHEMA).diagnostics.reasons
        if held and "forbid" in text:
            return {}
        if held:
            scope = text.split('@scope("')[1].split('"')[0]
            scope = "within_places" if scope == "jurisdiction" else scope
            mask = Visibility(text.split('@mask("')[1].split('"')[0])
            found[scope] = least_restrictive(found.get(scope, Visibility.HIDE), mask)
    return found


def test_what_ships_stands_beside_the_code() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == {"park.cedar", "roles.toml", "sets.toml", "cases.csv"}
