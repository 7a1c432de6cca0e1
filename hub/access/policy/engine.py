"""Cedar, asked about fields: the schema and entities that it is given, and what it answers."""

import json
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import cedarpy

from hub.access.policy.catalogue import Catalogue
from hub.access.policy.roles import Roles
from hub.viewer import Action

FLAGS: tuple[str, ...] = ("incident", "drill", "on_duty", "break_glass")
"""The closed list of what may hold at the moment, each a Bool of the context: an incident or a drill is in progress,
the viewer is on duty, the viewer has broken the glass. Organization and jurisdiction are row scopes."""

_VIEWER = {"type": "Viewer", "id": "viewer"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`policies`: those that decided, by Cedar's own ids: every permit that holds where `allowed`, else every forbid
    that holds. `errors`: policies that could not be evaluated; then nothing is allowed."""

    allowed: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...] = ()


def schema(roles: Roles) -> str:
    """In Cedar's own syntax. A purpose that is not declared is refused by Cedar itself."""
    purposes = ", ".join(json.dumps(purpose, ensure_ascii=False) for purpose in roles.purposes)
    flags = ", ".join(f"{flag}: Bool" for flag in FLAGS)
    return "\n".join(
        [
            "entity Group;",
            "entity Role in [Group];",
            "entity Viewer in [Role];",
            f"entity Purpose enum [{purposes}];",
            "entity Type;",
            "entity Set;",
            "entity Field in [Type, Set] { personal: Bool };",
            f"action {', '.join(Action)} appliesTo {{",
            "  principal: Viewer,",
            "  resource: Field,",
            f"  context: {{ purpose: Purpose, {flags} }}",
            "};",
        ]
    )


class Engine:
    """The policies, parsed once. `evaluations` counts the questions that Cedar was asked.

    Fields that no policy names, of one type, in the same sets and equally personal, are the same to every policy:
    Cedar is asked of one of them.
    """

    def __init__(self, text: str, roles: Roles, catalogue: Catalogue, named: AbstractSet[str]) -> None:
        self.evaluations = 0
        first: dict[tuple[object, ...], str] = {}
        self._stands_for = {
            name: first.setdefault((f.type, f.sets, f.personal, name if name in named else ""), name)
            for name, f in catalogue.fields.items()
        }
        self._schema = cedarpy.Schema.from_str(schema(roles))
        self._policies = cedarpy.PolicySet.from_str(text)
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities(roles, catalogue)), schema=self._schema)

    def ask(
        self, roles: Iterable[str], purpose: str, flags: Iterable[str], action: Action, fields: Sequence[str]
    ) -> list[Answer]:
        """What the policies say of each field, in their order."""
        asked = dict.fromkeys(self._stands_for[name] for name in fields)
        self.evaluations += len(asked)
        viewer = {"uid": _VIEWER, "attrs": {}, "parents": [_uid("Role", role) for role in sorted(roles)]}
        held = frozenset(flags)
        context = {"purpose": {"__entity": _uid("Purpose", purpose)}} | {flag: flag in held for flag in FLAGS}
        known = self._entities.with_added_json_str(json.dumps([viewer]), schema=self._schema)
        requests = [
            {"principal": _VIEWER, "action": _uid("Action", action), "resource": _uid("Field", f), "context": context}
            for f in asked
        ]
        found = cedarpy.is_authorized_batch(requests, self._policies, known, schema=self._schema)
        answers = {
            name: Answer(
                allowed=result.allowed and not result.diagnostics.errors,
                policies=tuple(result.diagnostics.reasons),
                errors=tuple(result.diagnostics.errors),
            )
            for name, result in zip(asked, found, strict=True)
        }
        return [answers[self._stands_for[name]] for name in fields]


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def entities(roles: Roles, catalogue: Catalogue) -> list[dict[str, object]]:
    """All that policies can name, in Cedar's JSON."""

    def entity(
        kind: str, name: str, parents: Iterable[dict[str, str]] = (), attributes: dict[str, object] | None = None
    ) -> dict[str, object]:
        return {"uid": _uid(kind, name), "attrs": attributes or {}, "parents": list(parents)}

    return [
        *(entity("Group", group) for group in roles.groups),
        *(entity("Role", name, (_uid("Group", group) for group in role.groups)) for name, role in roles.roles.items()),
        *(entity("Type", kind) for kind in catalogue.types),
        *(entity("Set", name) for name in catalogue.sets),
        *(
            entity(
                "Field",
                field.name,
                [_uid("Type", field.type), *(_uid("Set", name) for name in sorted(field.sets))],
                {"personal": field.personal},
            )
            for field in catalogue.fields.values()
        ),
    ]
