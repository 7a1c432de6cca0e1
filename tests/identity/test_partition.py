"""Whatever order claims arrive in, the same things are one entity."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import Claim, Identifier
from hub.journal.identity import Identity
from hub.journal.tables import alias, external, metadata
from hub.journal.trust import SourceTrust

START = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMES = frozenset({"mac", "asset_tag"})
TRUST = {
    "nvr": SourceTrust(trusted_schemes=SCHEMES),
    "stock": SourceTrust(trusted_schemes=SCHEMES),
    "plc": SourceTrust(trusted_schemes=SCHEMES),
    "tenant": SourceTrust(trusted_schemes=SCHEMES, organization="tenant"),
    "stranger": SourceTrust(),
}
LIMIT = 4


class Plain:
    def hmac(self, text: str) -> str:
        return f"hmac of {text}"


identifiers = st.lists(
    st.builds(
        Identifier,
        scheme=st.sampled_from(sorted(SCHEMES)),
        value=st.sampled_from(["A1:11", "b2-22", "C333", "D444", "E555", "N/A"]),
    ),
    max_size=2,
    unique=True,
).map(tuple)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, list[Claim]]]:
    """Of each source's things, what it said of it, in its own order."""
    named = st.tuples(st.sampled_from(sorted(TRUST)), st.sampled_from("123"))
    things = draw(st.lists(named, min_size=1, max_size=9, unique=True))
    said = []
    for source, external_id in things:
        claim = st.builds(
            Claim,
            kind=st.sampled_from(["Asset", "Asset", "Asset", "Place"]),
            external_id=st.just(external_id),
            identifiers=identifiers,
            gone=st.sampled_from([False, False, False, True]),
        )
        said.append((source, draw(st.lists(claim, min_size=1, max_size=3))))
    return said


def interleavings(said: list[tuple[str, list[Claim]]]) -> st.SearchStrategy[list[list[tuple[str, Claim]]]]:
    turns = [index for index, (_, claims) in enumerate(said) for _ in claims]

    def deal(order: list[int]) -> list[list[tuple[str, Claim]]]:
        waiting = [iter(claims) for _, claims in said]
        return [[(said[index][0], next(waiting[index]))] for index in order]

    return st.permutations(turns).map(deal)


def entities(batches: Sequence[Sequence[tuple[str, Claim]]]) -> frozenset[frozenset[tuple[str, str]]]:
    """Which things are one after the batches, each in a transaction of its own."""
    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    identity = Identity(Plain(), TRUST, merge_limit=LIMIT, cached=3)
    for number, batch in enumerate(batches):
        with engine.begin() as connection:
            for source in dict.fromkeys(source for source, _ in batch):
                claims = [claim for of, claim in batch if of == source]
                found = identity.resolve(connection, source, claims, START + timedelta(seconds=number))
                assert set(found.entities) == {claim.external_id for claim in claims}
    groups: dict[str, set[tuple[str, str]]] = {}
    with engine.begin() as connection:
        living = sa.func.coalesce(alias.c.into, external.c.entity)
        joined = external.outerjoin(alias, alias.c.old == external.c.entity)
        for row in connection.execute(sa.select(external, living.label("living")).select_from(joined)):
            groups.setdefault(row.living, set()).add((row.source, row.external_id))
    engine.dispose()
    return frozenset(frozenset(group) for group in groups.values())


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_the_order_of_arrival_makes_no_difference(data: st.DataObject) -> None:
    said = data.draw(histories())
    one = data.draw(interleavings(said))
    other = data.draw(interleavings(said))
    assert entities(one) == entities(other)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_one_batch_gives_what_many_give(data: st.DataObject) -> None:
    said = data.draw(histories())
    many = data.draw(interleavings(said))
    assert entities(many) == entities([[each for batch in many for each in batch]])
