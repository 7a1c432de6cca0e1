"""A class of viewers and an action, compiled once: which rows each scope opens, and how each field is shown there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.access.policy.engine import FLAGS
from hub.access.policy.load import SCOPES, Loaded, Rule
from hub.viewer import Action, Viewer, Visibility, least_restrictive


@dataclass(frozen=True, slots=True)
class ViewerClass:
    """All that decides about a viewer beside the organization: that only fills in row scopes."""

    roles: frozenset[str]
    purpose: str
    flags: frozenset[str]


def class_of(viewer: Viewer, loaded: Loaded) -> ViewerClass:
    """Only roles that are known, and that may act for the purpose, count."""
    return ViewerClass(
        roles=loaded.roles.acting(viewer.roles, viewer.purpose),
        purpose=viewer.purpose,
        flags=viewer.flags.intersection(FLAGS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedGrant:
    """A grant whose scope is a name still."""

    scope: str
    types: frozenset[str]
    fields: Mapping[str, Visibility]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided of one field: by the scope's name, how it is shown there; the rules that decided, permits
    where it is shown, else the forbids. `errors`: policies that Cedar could not evaluate, which closes the field."""

    field: str
    shown: Mapping[str, Visibility]
    rules: tuple[Rule, ...]
    errors: tuple[str, ...] = ()

    @property
    def forbidden(self) -> bool:
        return not self.shown and bool(self.rules)


def decide(loaded: Loaded, who: ViewerClass, action: Action, fields: Sequence[str]) -> list[Decision]:
    """Every permit that holds is a grant; under one scope the least restrictive mask stands. A scope that shows no
    more than `everything` does adds nothing and is left out. Without an acting role nothing is asked or shown."""
    if not who.roles:
        return [Decision(field=name, shown={}, rules=()) for name in fields]
    answers = loaded.engine.ask(who.roles, who.purpose, who.flags, action, fields)
    return [
        Decision(
            field=name,
            shown=_shown([loaded.rules[p] for p in answer.policies]) if answer.allowed else {},
            rules=tuple(sorted((loaded.rules[p] for p in answer.policies), key=lambda rule: rule.id)),
            errors=answer.errors,
        )
        for name, answer in zip(fields, answers, strict=True)
    ]


def _shown(permits: Sequence[Rule]) -> Mapping[str, Visibility]:
    found: dict[str, Visibility] = {}
    for rule in permits:
        found[rule.scope] = least_restrictive(found.get(rule.scope, Visibility.HIDE), rule.mask)
    anywhere = found.get("everything", Visibility.HIDE)
    return {
        scope: mask
        for scope, mask in sorted(found.items())
        if scope == "everything" or least_restrictive(mask, anywhere) is not anywhere
    }


def compiled(loaded: Loaded, who: ViewerClass, action: Action) -> tuple[ScopedGrant, ...]:
    """One grant a scope. A type's rows are open under a scope where any of its fields is shown there; a type whose
    `id` is forbidden stays closed, whatever else is permitted."""
    decisions = decide(loaded, who, action, tuple(loaded.catalogue.fields))
    closed = {_kind(d.field) for d in decisions if d.forbidden and d.field.endswith(".id")}
    grants = []
    for scope in SCOPES:
        fields = {d.field: d.shown[scope] for d in decisions if scope in d.shown and _kind(d.field) not in closed}
        if fields:
            types = frozenset(_kind(name) for name in fields)
            grants.append(ScopedGrant(scope=scope, types=types, fields=fields))
    return tuple(grants)


def _kind(name: str) -> str:
    return name.partition(".")[0]
