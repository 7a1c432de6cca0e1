"""Whom a name means: what an issuer calls one of the park's people, looked up among what identity knows."""

from collections import defaultdict
from collections.abc import Collection, Sequence

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

_ENTERED = "person:"  # begins what the hub calls the people that were entered


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
    living = _living(connection, sorted(set().union(*found.values())))
    people_of = {name: {living[id_] for id_ in ids if id_ in living} for name, ids in found.items()}
    return {name: next(iter(ids)) for name, ids in people_of.items() if len(ids) == 1}


def _living(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Those of the ids that lead to a person whom a source still tells of."""
    living = statements.resolve(connection, ids)
    parts = statements.things_of(connection, sorted(set(living.values())))
    query = sa.select(t.external.c.entity).where(
        statements.within(connection, t.external.c.entity, list(parts)),
        t.external.c.kind == "Person",
        t.external.c.gone.is_(False),
    )
    people_ = {parts[part] for part in connection.scalars(query)}
    return {id_: entity for id_, entity in living.items() if entity in people_}
