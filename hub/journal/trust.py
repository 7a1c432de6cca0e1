"""What each source may say of identity, and what a change of it in the settings means for what was said before."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from graph_models.schemes import SOURCE_REFERENCE
from hub.journal.records import HUB
from hub.journal.tables import external, identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTrust:
    """What a source may say: identifiers of `trusted_schemes` join its things with others'. `organization` is
    whose records it holds (None: the park's own); `precedence` chooses among values."""

    trusted_schemes: frozenset[str] = frozenset()
    organization: str | None = None
    precedence: int = 50


def trust_changed(connection: sa.Connection, trust: Mapping[str, SourceTrust]) -> set[str]:
    """Brings the stored trust and organization up to `trust`; the things whose entity that may change. A source
    that the settings no longer name keeps what it had."""
    touched = set[str]()
    for source, now in trust.items():
        organization = now.organization or ""
        of_source = (external.c.source == source) & (external.c.organization != organization)
        was = set(connection.scalars(sa.select(external.c.organization).where(of_source).distinct()))
        touched.update(connection.scalars(sa.select(external.c.entity).where(of_source)))
        connection.execute(sa.update(external).where(of_source).values(organization=organization, signature=None))
        for before in was:
            scoped = (identifier.c.source == source) & (identifier.c.scope == f"organization:{before}")
            connection.execute(sa.update(identifier).where(scoped).values(scope=f"organization:{organization}"))
        schemes = {*now.trusted_schemes, SOURCE_REFERENCE}
        trusted = sa.true() if source == HUB else identifier.c.scheme.in_(schemes)
        for value in (True, False):
            wrong = (identifier.c.source == source) & (trusted if value else sa.not_(trusted))
            wrong &= identifier.c.trusted != value
            held = sa.select(identifier.c.scheme, identifier.c.scope, identifier.c.value).where(wrong).subquery()
            on = sa.and_(*(identifier.c[name] == held.c[name] for name in ("scheme", "scope", "value")))
            touched.update(connection.scalars(sa.select(identifier.c.entity).join(held, on).distinct()))
            connection.execute(sa.update(identifier).where(wrong).values(trusted=value))
    return touched
