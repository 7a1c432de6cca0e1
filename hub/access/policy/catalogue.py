"""What policies can speak of: types, their fields and named sets of fields, drawn from the graph's declarations.

The Cedar schema and entities are written from it, so that a policy which names what is not there is refused at load.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import get_type_hints

from graph_models.annotations import Privacy
from graph_models.entities import ENTITIES
from hub.errors import SettingsError, nearest

RECORDS: Mapping[str, str] = {
    "Reading": "what sensors measured, latest and history",
    "Source": "the sources, how they fare, and their dead letters",
    "Match": "proposed matches of two records, and the decisions on them",
    "Import": "tables that people enter, their previews and results",
    "Account": "people and programs that may log in",
    "Policy": "these policies, and what they say of a role",
    "AuditRecord": "who saw what, when and for which purpose",
    "Processing": "the register of personal data, consents, erasures and access reports",
}
"""What the hub keeps beside the graph: each has one field for policies, `record`, which opens or closes it whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`name` is `Type.field` in the graph's own spelling. `sets`: the named sets that it stands in."""

    name: str
    type: str
    personal: bool = False
    sets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every field of every type, by `Type.field`; `sets` says what each set is, in zh and en."""

    fields: Mapping[str, Field]
    sets: Mapping[str, "FieldSet"] = dataclasses.field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(field.type for field in self.fields.values()))

    def of(self, kind: str) -> Iterator[Field]:
        return (field for field in self.fields.values() if field.type == kind)

    def with_sets(self, sets: Mapping[str, "FieldSet"], where: str) -> "Catalogue":
        """Raises SettingsError where a set names a field that is not there; `Type.*` stands for the type's fields
        that are not personal."""
        holding: dict[str, set[str]] = {name: set() for name in self.fields}
        for name, found in sets.items():
            for given in found.fields:
                for field in self._named(given, f"{where}: [sets.{name}]"):
                    holding[field].add(name)
        fields = {name: dataclasses.replace(f, sets=frozenset(holding[name])) for name, f in self.fields.items()}
        return Catalogue(fields=fields, sets=sets)

    def _named(self, given: str, where: str) -> Iterable[str]:
        kind, _, name = given.partition(".")
        if name == "*" and kind in self.types:
            return [field.name for field in self.of(kind) if not field.personal]
        if given in self.fields:
            return [given]
        known = [field.name for field in self.of(kind)] if kind in self.types else self.types
        raise SettingsError(f"{where}: there is no field {given!r}; {nearest(given, known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSet:
    zh: str
    en: str
    fields: tuple[str, ...]


def declared(beside: Mapping[str, Iterable[str]]) -> Catalogue:
    """What `graph_models` declares and what the hub keeps beside the graph. `beside`: by type, the names that reads
    know beyond the declaration: relations, computed fields, provenance."""
    fields: dict[str, Field] = {}
    for entity in ENTITIES:
        kind = entity.__name__
        for name, hint in get_type_hints(entity, include_extras=True).items():
            personal = Privacy.PERSONAL in getattr(hint, "__metadata__", ())
            fields[f"{kind}.{name}"] = Field(name=f"{kind}.{name}", type=kind, personal=personal)
        for name in sorted(beside.get(kind, ())):
            fields.setdefault(f"{kind}.{name}", Field(name=f"{kind}.{name}", type=kind))
    for record in RECORDS:
        fields[f"{record}.record"] = Field(name=f"{record}.record", type=record)
    return Catalogue(fields=fields)
