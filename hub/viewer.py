"""Who asks, and what may be shown: every query function takes a `Viewer` and a `Mask`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """What an issuer calls one of the park's people. `scheme` is an identifier scheme, `code` for the code that people
    were entered under, or `id` for the entity's own id; `organization` whose numbers are meant, "" the park's own."""

    scheme: str
    value: str = field(repr=False)
    organization: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The subject of one operation, immutable while it runs. `subject` is the issuer's own id of it. `organization` is
    an entity's id. `flags` are what holds at the moment, from a closed list, such as `incident`, `drill`, `on_duty`,
    `break_glass`. `token` is an id of the token that it came with, never the token."""

    subject: str
    issuer: str | None = None
    client: str | None = None
    roles: frozenset[str] = frozenset()
    organization: str | None = None
    person: PersonName | None = None  # who they are in the park, where the issuer says so
    purpose: str = "operations"
    purposes: frozenset[str] = frozenset()  # those that the token may choose from
    flags: frozenset[str] = frozenset()
    break_glass: str | None = None  # the id of the one in force
    expires_at: datetime | None = None
    authenticated_at: datetime | None = None  # when the person logged in, as the token says
    token: str | None = None


class Action(StrEnum):
    """What a viewer asks to do; the policies' actions are these."""

    READ = "read"
    SUBSCRIBE = "subscribe"
    AGGREGATE = "aggregate"
    EXPORT = "export"
    WRITE = "write"


LOCAL_ADMINISTRATOR = Viewer(subject="local-administrator", roles=frozenset({"administrator"}))


class Visibility(StrEnum):
    """What a grant does with a field, from most to least open."""

    SHOW = "SHOW"
    MASK_LAST4 = "MASK_LAST4"  # all but the last four characters are hidden
    MASK_ALL = "MASK_ALL"  # that a value exists is shown, the value is not
    PSEUDONYM = "PSEUDONYM"  # of an id: another in its place, the same within a purpose alone
    HIDE = "HIDE"


_OPENNESS = {v: rank for rank, v in enumerate(Visibility)}


def least_restrictive(left: Visibility, right: Visibility) -> Visibility:
    return left if _OPENNESS[left] <= _OPENNESS[right] else right


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A named set of rows; the name is resolved to a predicate written by hand in `hub/graph/select.py`.

    `everything` has no parameters; `within_places` takes `places`, ids whose subtrees are meant (a jurisdiction and
    the threatened places are resolved to these); `own_organization` takes `organizations`; `people_on_duty` takes
    `people`, and holds them with their shifts and qualifications. `shared` holds every row, of lots those that their
    terms show to others. Lots within places are held by their terms too; see
    `hub.access.sharing`, which writes these as `terms`.
    """

    name: str
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


EVERYTHING = Scope(name="everything")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Rows of `scope`, shown as `fields` says; keys are `Type.field` in the graph's own names. `types`: the kinds whose
    rows it opens; None for all."""

    scope: Scope
    types: frozenset[str] | None = None
    fields: Mapping[str, Visibility] = field(default_factory=lambda: MappingProxyType({}))
    default: Visibility = Visibility.SHOW

    def opens(self, kind: str) -> bool:
        return self.types is None or kind in self.types

    def visibility(self, name: str) -> Visibility:
        return self.fields.get(name, self.default)


Mask = tuple[Grant, ...]
"""A row is visible if the scope of any grant holds it; a field is shown under the least restrictive
visibility among the grants whose scope holds that row."""

SHOW_ALL: Mask = (Grant(scope=EVERYTHING),)


def sees_all(mask: Mask, kind: str) -> bool:
    """Whether every row of the kind is visible."""
    return any(grant.scope.name == EVERYTHING.name and grant.opens(kind) for grant in mask)


def pseudonymous(mask: Mask, kind: str) -> bool:
    """Whether ids of the kind may be shown as pseudonyms."""
    name = f"{kind}.id"
    return any(grant.opens(kind) and grant.fields.get(name) is Visibility.PSEUDONYM for grant in mask)


def hides(mask: Mask, name: str) -> bool:
    """Whether a visible row may come with less than the whole of the field `Type.field`."""
    opening = [grant for grant in mask if grant.opens(name.partition(".")[0])]
    whole = [grant.scope for grant in opening if grant.visibility(name) is Visibility.SHOW]
    return EVERYTHING not in whole and any(grant.scope not in whole for grant in opening)
