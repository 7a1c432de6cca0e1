"""What becomes one entity by itself, what is asked of a person, and what the person's word does."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter

from adapters.contract import Claim, Identifier, Link
from hub.errors import BadRequest, Conflict, NotFound, Refused
from hub.journal.identifiers import key_of, normalise
from hub.journal.identity import Identity
from hub.journal.match import Decision, Matches, open_matches
from hub.journal.payloads import EVENTS
from hub.journal.records import HUB, NewEvent
from hub.journal.tables import metadata
from hub.journal.trust import SourceTrust

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMES = frozenset({"mac", "serial_number", "asset_tag", "resident_identity"})


def hmac(text: str) -> str:
    return f"<{len(text)}>"


class Plain:
    hmac = staticmethod(hmac)


class Park:
    """Claims in, entities out, on one database in memory."""

    def __init__(self, trust: Mapping[str, SourceTrust], limit: int = 4) -> None:
        self.engine = sa.create_engine("sqlite://")
        metadata.create_all(self.engine)
        self.identity = Identity(Plain(), trust, merge_limit=limit)
        self.matches = Matches(self.identity)
        self.at = START
        self.events: list[NewEvent] = []

    def claim(
        self, source: str, external_id: str, *values: str, scheme: str = "mac", kind: str = "Asset", **more: object
    ) -> str:
        made = Claim(
            kind=kind,
            external_id=external_id,
            identifiers=tuple(Identifier(scheme=scheme, value=value) for value in values),
            **more,  # type: ignore[arg-type]
        )
        self.at += timedelta(seconds=1)
        with self.engine.begin() as connection:
            found = self.identity.resolve(connection, source, [made], self.at)
        self._take(found.events)
        return found.entities[external_id]

    def now(self, source: str, external_id: str) -> str:
        with self.engine.begin() as connection:
            return self.identity.name(connection, source, [external_id], self.at)[external_id]

    def said(self, type_: str) -> list[Mapping[str, object]]:
        return [event.data for event in self.events if event.type == type_]

    def reasons(self) -> list[str]:
        return sorted(str(each["reason"]) for each in self.said("match.proposed"))

    def open(self) -> list[str]:
        with self.engine.begin() as connection:
            return [each.id for each in open_matches(connection)]

    def decide(self, what: str, *arguments: object, **more: object) -> list[NewEvent]:
        self.at += timedelta(seconds=1)
        decision = Decision(actor="li", at=self.at, reason="looked at both")
        with self.engine.begin() as connection:
            events: list[NewEvent] = getattr(self.matches, what)(connection, *arguments, decision, **more)
        self._take(events)
        return events

    def _take(self, events: Sequence[NewEvent]) -> None:
        for event in events:  # each as its declaration says
            TypeAdapter(EVENTS[event.type][1]).validate_python(dict(event.data), strict=True)
        self.events += events


TRUST = {
    "nvr": SourceTrust(trusted_schemes=SCHEMES),
    "stock": SourceTrust(trusted_schemes=SCHEMES),
    "plc": SourceTrust(trusted_schemes=SCHEMES),
    "tenant": SourceTrust(trusted_schemes=SCHEMES, organization="tenant"),
    "stranger": SourceTrust(),
}


@pytest.fixture
def park() -> Iterator[Park]:
    made = Park(TRUST)
    yield made
    made.engine.dispose()


def test_a_thing_keeps_its_id(park: Park) -> None:
    assert park.claim("nvr", "1") == park.claim("nvr", "1", "aa-bb") == park.claim("nvr", "1", gone=True)


def test_two_sources_that_name_the_same_mac_mean_one_entity(park: Park) -> None:
    first = park.claim("nvr", "cam-1", "a0:b1:c2")
    assert park.claim("stock", "lot-9", "A0B1C2") == first
    [merged] = park.said("entity.merged")
    assert merged["entity"] == first


@pytest.mark.parametrize(
    "value", ["N/A", "ACME/N/A", "ACME/0000", "00:00:00:00:00:00", "ff-ff-ff-ff-ff-ff", "unknown", " ", "无"]
)
def test_a_placeholder_joins_nothing(park: Park, value: str) -> None:
    assert park.claim("nvr", "1", value) != park.claim("stock", "1", value)
    assert park.events == []


def test_a_serial_number_of_zeros_behind_its_maker_is_a_placeholder() -> None:
    identifier = Identifier(scheme="serial_number", value="ACME/0000 0000")
    assert key_of(identifier, "nvr", "", hmac) is None


def test_full_width_letters_and_separators_do_not_matter() -> None:
    assert normalise("ａ０:b1 – c2") == "A0B1C2"


def test_a_personal_identifier_is_kept_as_its_hmac(park: Park) -> None:
    park.claim("nvr", "p", "11010119900307123X", scheme="resident_identity", kind="Person")
    with park.engine.connect() as connection:
        stored = str(connection.execute(sa.text("SELECT * FROM identifier")).all())
    assert "19900307" not in stored and "<" in stored


@pytest.mark.parametrize(
    ("source", "kind", "reason"),
    [
        ("nvr", "Asset", "SAME_SOURCE"),
        ("tenant", "Asset", "TWO_ORGANIZATIONS"),
        ("stock", "Place", "TWO_KINDS"),
        ("stranger", "Asset", "UNTRUSTED_SCHEME"),
    ],
)
def test_what_contradicts_is_proposed_once_and_not_merged(park: Park, source: str, kind: str, reason: str) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    assert park.claim(source, "2", "aa:bb", kind=kind) != first
    park.claim(source, "2", "aa:bb", kind=kind, values={"name": "x"})
    park.claim("nvr", "1", "aa:bb", "cc:dd")
    assert park.reasons() == [reason]
    [proposed] = park.said("match.proposed")
    assert proposed["evidence"] == [{"scheme": "mac", "value": "AABB"}]


def test_an_organizations_own_numbers_mean_nothing_elsewhere(park: Park) -> None:
    assert park.claim("nvr", "1", "7", scheme="asset_tag") != park.claim("tenant", "1", "7", scheme="asset_tag")
    assert park.events == []


def test_a_record_that_replaces_one_that_is_gone_is_the_same_entity(park: Park) -> None:
    first = park.claim("stock", "lot", "aa:bb")
    park.claim("nvr", "old", "aa:bb")
    park.claim("nvr", "old", gone=True)
    assert park.claim("nvr", "new", "aa:bb") == first
    assert park.reasons() == []


def test_a_later_contradiction_parts_what_was_joined_by_itself(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("stock", "1", "aa:bb")
    third = park.claim("stock", "2", "aa:bb")
    assert len({first, park.now("stock", "1"), third}) == 3
    [split] = park.said("entity.split")
    assert split == {"entity": first, "alias": park.now("stock", "1")}


def test_a_wide_merge_stops_and_asks() -> None:
    trust = {f"s{number}": SourceTrust(trusted_schemes=SCHEMES) for number in range(6)}
    wide = Park(trust, limit=4)
    for source in trust:
        wide.claim(source, "1", "aa:bb")
    assert len({wide.now(source, "1") for source in trust}) == len(trust)
    assert wide.reasons() == ["WIDE"] * 4
    wide.engine.dispose()


def test_things_of_the_same_name_and_place_are_proposed(park: Park) -> None:
    park.claim(HUB, "b1", kind="Place")
    at = (Link(relation="LOCATED_IN", target="b1", source=HUB),)
    first = park.claim("nvr", "1", values={"name": "Pump room A"}, links=at)
    park.claim("nvr", "2", values={"name": "Pump room A"}, links=at)  # its own source keeps them apart
    assert park.reasons() == []
    assert park.claim("stock", "1", values={"name": "pump-room a"}, links=at) != first
    assert set(park.reasons()) == {"LOOKS_ALIKE"}


def test_what_is_linked_to_has_its_id_before_it_is_claimed(park: Park) -> None:
    with park.engine.begin() as connection:
        claim = Claim(kind="Asset", external_id="s", links=(Link(relation="LOCATED_IN", target="zone"),))
        found = park.identity.resolve(connection, "plc", [claim], START)
    assert park.claim("plc", "zone", kind="Place") == found.targets["plc", "zone"]


def test_what_the_hub_says_of_an_entity_is_of_that_entity(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    assert park.claim(HUB, first, values={"name": "North gate"}) == first
    younger = park.claim("stock", "1", "aa:bb")
    assert younger == first
    [merged] = park.said("entity.merged")
    assert park.claim(HUB, str(merged["alias"]), values={"name": "Gate"}) != "" and park.reasons() != []


def test_a_rollback_leaves_nothing_behind(park: Park) -> None:
    park.claim("nvr", "1", "aa:bb")
    claim = Claim(kind="Asset", external_id="2", identifiers=(Identifier(scheme="mac", value="aabb"),))
    with park.engine.connect() as connection:
        park.identity.resolve(connection, "stock", [claim], START)
        connection.rollback()
    park.identity.forget_cache()
    first = park.now("nvr", "1")
    assert park.claim("stock", "2", "aa:bb") == first
    assert [event.expected for event in park.events if event.type == "entity.merged"] == [0]


def test_newly_trusted_schemes_join_what_was_only_proposed() -> None:
    park = Park(TRUST)
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("stranger", "1", "aa:bb")
    park.identity = Identity(Plain(), {**TRUST, "stranger": SourceTrust(trusted_schemes=SCHEMES)})
    with park.engine.begin() as connection:
        events = park.identity.settle(connection, park.at)
        assert park.identity.settle(connection, park.at) == []
    assert [event.type for event in events] == ["entity.merged"]
    assert park.now("stranger", "1") == first
    park.engine.dispose()


def test_accepting_a_match_makes_one_entity_that_stays_one(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("nvr", "2", "aa:bb")
    [match_id] = park.open()
    events = park.decide("accept", match_id)
    assert [event.type for event in events] == ["match.accepted", "entity.merged"]
    assert {event.actor for event in events} == {"li"}
    assert park.now("nvr", "2") == first and park.open() == []
    park.claim("nvr", "2", "dd:ee")
    assert park.now("nvr", "2") == first
    with pytest.raises(Conflict):
        park.decide("accept", match_id)


def test_a_refused_match_is_never_proposed_again(park: Park) -> None:
    park.claim("nvr", "1", "aa:bb")
    park.claim("nvr", "2", "aa:bb")
    park.decide("refuse", park.open()[0])
    park.claim("nvr", "2", "aa:bb", "cc:dd")
    park.claim("nvr", "1", "aa:bb", "cc:dd")
    assert park.open() == [] and len(park.said("match.proposed")) == 1


def test_refusing_the_wrong_record_lets_the_right_ones_be_one(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("stock", "right", "aa:bb")
    wrong = park.claim("stock", "wrong", "aa:bb")
    for match_id in park.open():
        with park.engine.begin() as connection:
            sides = {(m.left, m.right) for m in open_matches(connection) if m.id == match_id}
        if any(wrong in each for each in sides):
            park.decide("refuse", match_id)
    assert park.now("stock", "right") == first and park.now("stock", "wrong") == wrong
    assert park.open() == []


def test_a_split_gives_the_alias_its_id_back_for_good(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("stock", "1", "aa:bb")
    park.claim("plc", "1", "aa:bb")
    old = str(park.said("entity.merged")[0]["alias"])
    events = park.decide("split", old)
    assert [event.data for event in events] == [{"entity": first, "alias": old}]
    assert events[0].expected == 1  # after the merge, in the alias' own stream
    assert park.now("stock", "1") == old and park.now("plc", "1") == first
    park.claim("stock", "1", "aa:bb", "ee:ff")
    park.claim("plc", "1", "aa:bb", "ee:ff")
    assert park.now("stock", "1") == old and park.now("plc", "1") == first


def test_what_was_split_can_be_merged_again(park: Park) -> None:
    first = park.claim("nvr", "1", "aa:bb")
    park.claim("stock", "1", "aa:bb")
    old = str(park.said("entity.merged")[0]["alias"])
    park.decide("split", old)
    park.decide("merge", first, old)
    assert park.now("stock", "1") == first


def test_decisions_about_nothing_say_so(park: Park) -> None:
    first = park.claim("nvr", "1")
    for what, arguments, error in (
        ("accept", ("none",), NotFound),
        ("merge", (first, "none"), NotFound),
        ("merge", (first, first), Conflict),
        ("split", (first,), BadRequest),
    ):
        with pytest.raises(error):
            park.decide(what, *arguments)


def test_a_merge_by_hand_that_is_too_wide_asks_first() -> None:
    park = Park(TRUST, limit=1)
    first, second = park.claim("nvr", "1"), park.claim("nvr", "2")
    with pytest.raises(Refused, match="would join 2 records"):
        park.decide("merge", first, second)
    park.decide("merge", first, second, wide=True)
    assert park.now("nvr", "2") == first
    park.engine.dispose()
