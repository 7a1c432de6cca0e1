"""What speaks for a match and never makes one: an identifier that a source is not trusted with
or that too many hold, a look-alike."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from hub.journal import neighbourhood
from hub.journal.components import Proposal, oldest
from hub.journal.identifiers import Key
from hub.journal.neighbourhood import Aliases, chunks
from hub.journal.tables import external

_LOOK_ALIKES = 5  # candidates for each claim, on average


class Look(NamedTuple):
    """What has a certain kind, name and place; the name normalised."""

    entity: str
    name: str


def of_untrusted(connection: sa.Connection, keys: Collection[Key], aliases: Aliases, *, limit: int) -> list[Proposal]:
    """Each of `keys` that someone holds without being trusted with it: its oldest holder with each other one."""
    proposals = list[Proposal]()
    doubtful = neighbourhood.doubtful(connection, keys, limit=limit)
    for key, rows in neighbourhood.holders(connection, doubtful).items():
        things = neighbourhood.things(connection, {row.entity for row in rows})
        first = oldest(things.values())
        trusted = {row.entity for row in rows if row.trusted}
        for one in things:
            left, right = aliases.root(first.id), aliases.root(one)
            if left != right and not {first.id, one} <= trusted:
                proposals.append(Proposal(left=left, right=right, reason="UNTRUSTED_SCHEME", evidence=[key]))
    return proposals


def of_worn(connection: sa.Connection, keys: Collection[Key], aliases: Aliases, *, limit: int) -> list[Proposal]:
    """Identifiers that too many hold to join anything: the oldest holder with the `limit` next ones, so that a
    person hears of it once."""
    proposals = list[Proposal]()
    for key, rows in neighbourhood.holders(connection, keys).items():
        held_by = neighbourhood.things(connection, {row.entity for row in rows if row.trusted})
        first, *others = sorted(held_by.values(), key=lambda thing: (thing.made_at, thing.id))[: limit + 1]
        for thing in others:
            left, right = aliases.root(first.id), aliases.root(thing.id)
            if left != right:
                proposals.append(Proposal(left=left, right=right, reason="WIDE", evidence=[key]))
    return proposals


def of_look_alikes(
    connection: sa.Connection, source: str, looks: Mapping[bytes, Look], aliases: Aliases
) -> list[Proposal]:
    """Things of another source with the same kind, name and place; `looks` by their hash, found by index."""
    proposals = list[Proposal]()
    for some in chunks(looks):
        statement = (
            sa.select(external.c.alike, external.c.entity)
            .where(external.c.alike.in_(some), external.c.source != source, sa.not_(external.c.gone))
            .limit(_LOOK_ALIKES * len(some))
        )
        for row in connection.execute(statement):
            look = looks[bytes(row.alike)]
            left, right = aliases.root(row.entity), aliases.root(look.entity)
            if left != right:
                evidence = [Key("name_and_place", "", look.name)]
                proposals.append(Proposal(left=left, right=right, reason="LOOKS_ALIKE", evidence=evidence))
    return proposals
