"""Whom a name means: what an issuer calls one of the park's people, what a source calls the organization whose records
it holds; looked up among what identity knows."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.contract import Identifier
from graph_models.schemes import SCHEMES
from hub.journal import statements
from hub.journal import tables as t
from hub.journal.encoding import Seals
from hub.journal.identifiers import Key, key_of
from hub.journal.neighbourhood import holders
from hub.journal.records import HUB
from hub.viewer import PersonName

CODE, ID = "code", "id"
PERSON_SCHEMES = (CODE, ID, *(scheme.name for scheme in SCHEMES if scheme.personal))
"""What people may be named by: the code under which they were entered, an entity's id, an identifier of theirs."""

_ENTERED = "person:"  # begins what the hub calls the people that were entered,
_ORGANIZATION = "organization:"  # and the organizations
_CREDIT_CODE = "unified_social_credit_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOrganization:
    """`by_code`: the word is the code under which it was entered, which is what ties stock to it."""

    id: str
    by_code: bool


def people(connection: sa.Connection, seals: Seals, names: Collection[PersonName]) -> dict[PersonName, str]:
    """Each name that exactly one living person bears, to that person's id. An identifier counts only where its source
    is trusted with it: nobody becomes another by a list of their own."""
    found = defaultdict[PersonName, set[str]](set)
    codes = [f"{_ENTERED}{name.value}" for name in names if name.scheme == CODE]
    entered = statements.entities_of(connection, HUB, codes)
    keys = defaultdict[Key, list[PersonName]](list)
    for name in names:
        if name.scheme == ID:
            found[name].add(name.value)
        if name.scheme == CODE and (entity := entered.get(f"{_ENTERED}{name.value}")) is not None:
            found[name].add(entity)
        identifier = Identifier(scheme=name.scheme, value=name.value)
        if name.scheme in PERSON_SCHEMES and (key := key_of(identifier, "", name.organization, seals.hmac)) is not None:
            keys[key].append(name)
    for key, rows in holders(connection, keys).items():
        for name in keys[key]:
            found[name].update(row.entity for row in rows if row.trusted)
    living = _living(connection, sorted(set().union(*found.values())), "Person")
    people_of = {name: {living[id_] for id_ in ids if id_ in living} for name, ids in found.items()}
    return {name: next(iter(ids)) for name, ids in people_of.items() if len(ids) == 1}


def organizations(connection: sa.Connection, words: Collection[str]) -> Mapping[str, NamedOrganization]:
    """Each word that means exactly one living organization: as the code under which it was entered, as its unified
    social credit code from a source that is trusted with it, or as its id."""
    entered = statements.entities_of(connection, HUB, [f"{_ORGANIZATION}{word}" for word in words])
    keys = defaultdict[Key, list[str]](list)
    found = {word: {word} for word in words}
    for word in words:
        if (entity := entered.get(f"{_ORGANIZATION}{word}")) is not None:
            found[word].add(entity)
        if (key := key_of(Identifier(scheme=_CREDIT_CODE, value=word), "", "", str)) is not None:  # not personal
            keys[key].append(word)
    for key, rows in holders(connection, keys).items():
        for word in keys[key]:
            found[word].update(row.entity for row in rows if row.trusted)
    living = _living(connection, sorted(set().union(*found.values())), "Organization")
    means = {word: {living[id_] for id_ in ids if id_ in living} for word, ids in found.items()}
    return {
        word: NamedOrganization(id=(id_ := next(iter(ids))), by_code=entered.get(f"{_ORGANIZATION}{word}") == id_)
        for word, ids in means.items()
        if len(ids) == 1
    }


def _living(connection: sa.Connection, ids: Sequence[str], kind: str) -> dict[str, str]:
    """Those of the ids that lead to a thing of the kind that a source still tells of."""
    living = statements.resolve(connection, ids)
    parts = statements.things_of(connection, sorted(set(living.values())))
    query = sa.select(t.external.c.entity).where(
        statements.within(connection, t.external.c.entity, list(parts)),
        t.external.c.kind == kind,
        t.external.c.gone.is_(False),
    )
    told = {parts[part] for part in connection.scalars(query)}
    return {id_: entity for id_, entity in living.items() if entity in told}
