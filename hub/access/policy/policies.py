"""The policies in force, as the rest of the hub asks them: a viewer and an action, answered by a kept mask."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from hub.access.personal.consented import with_consents
from hub.access.policy.compiling import ScopedGrant, ViewerClass, class_of, compiled
from hub.access.policy.load import Loaded
from hub.access.policy.situation import Quiet, Situation
from hub.access.sharing import with_terms
from hub.telemetry import logger
from hub.viewer import EVERYTHING, Action, Grant, Mask, Scope, Viewer, Visibility

log = logger(__name__)

KEPT_CLASSES = 1_024
"""Compiled classes kept, and as many masks that were filled in; the least recently used goes first."""
_KEPT_UNKNOWN = 1_024

Withheld = Callable[[str], Mapping[str, tuple[str, ...]]]
"""Purpose → field → the people who withdrew their consent; another object where that changed, the same where not."""
_NOBODY: Mapping[str, tuple[str, ...]] = MappingProxyType({})

Filling = tuple[Any, ...]
"""Ids; of agreements, pairs of a type and its provider."""


class Policies:
    """`Rights` by policies: a class of viewers is compiled when it is first met, and kept until the policies change.

    `replace` puts other policies into force between two questions: no mask mixes two versions.
    """

    def __init__(
        self, loaded: Loaded, situation: Situation | None = None, withheld: Withheld = lambda purpose: _NOBODY
    ) -> None:
        self.loaded = loaded
        self._withheld = withheld
        self._held_to: dict[str, Mapping[str, tuple[str, ...]]] = {}  # purpose → what the kept masks were held to
        self._situation = Quiet() if situation is None else situation
        self._compiled: OrderedDict[tuple[ViewerClass, Action], tuple[ScopedGrant, ...]] = OrderedDict()
        self._masks: OrderedDict[tuple[object, ...], Mask] = OrderedDict()
        self._unknown: set[str] = set()

    @property
    def version(self) -> str:
        return self.loaded.version

    @property
    def evaluations(self) -> int:
        """How often Cedar was asked since these policies came into force; a known class asks nothing."""
        return self.loaded.engine.evaluations

    def replace(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._compiled.clear()
        self._masks.clear()
        self._unknown.clear()

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        self._tell_unknown(viewer)
        withheld = self._withheld(viewer.purpose)
        held = self._held_to.get(viewer.purpose, _NOBODY)
        if withheld is not held and withheld != held:
            self._masks.clear()
            self._held_to[viewer.purpose] = withheld
        who = class_of(viewer, self.loaded)
        grants = self._grants(who, action)
        parameters = self._parameters(viewer, grants)
        key = (who, action, *parameters.items())
        if (kept := self._masks.get(key)) is None:
            kept = with_terms(_filled(grants, parameters))
            if action is not Action.WRITE:
                kept = with_consents(kept, withheld)
            self._masks[key] = kept
            _bound(self._masks)
        else:
            self._masks.move_to_end(key)
        return kept

    def _grants(self, who: ViewerClass, action: Action) -> tuple[ScopedGrant, ...]:
        key = (who, action)
        if (kept := self._compiled.get(key)) is None:
            kept = self._compiled[key] = compiled(self.loaded, who, action)
            _bound(self._compiled)
        else:
            self._compiled.move_to_end(key)
        return kept

    def _parameters(self, viewer: Viewer, grants: tuple[ScopedGrant, ...]) -> Mapping[str, Filling]:
        """By scope, what it is filled in with for this viewer: ids, or of agreements types and providers."""
        found: dict[str, Filling] = {}
        organization = viewer.organization
        for grant in grants:
            match grant.scope:
                case "people_on_duty":
                    found[grant.scope] = tuple(self._situation.on_duty())
                case _ if organization is None:
                    continue
                case "own_organization":
                    found[grant.scope] = (organization,)
                case "jurisdiction":
                    found[grant.scope] = tuple(self._situation.jurisdiction(organization))
                case "threatened_places":
                    found[grant.scope] = tuple(self._situation.threatened(organization))
                case "agreements":
                    found[grant.scope] = self._agreed(organization, viewer.purpose)
        return found

    def _agreed(self, recipient: str, purpose: str) -> tuple[tuple[str, str], ...]:
        """(type, provider) of all that is shown to it for the purpose."""
        return tuple(
            sorted(
                {
                    (kind, agreement.provider)
                    for agreement in self._situation.agreements(recipient)
                    if purpose in agreement.purposes
                    for kind in agreement.types
                }
            )
        )

    def _tell_unknown(self, viewer: Viewer) -> None:
        for role in viewer.roles:
            if role not in self.loaded.roles.roles and role not in self._unknown and len(self._unknown) < _KEPT_UNKNOWN:
                self._unknown.add(role)
                log.warning("policy.unknown_role", role=role[:64], issuer=viewer.issuer)


def _filled(grants: tuple[ScopedGrant, ...], parameters: Mapping[str, Filling]) -> Mask:
    """The grants with their scopes filled in; one that would hold no row is left out."""
    return tuple(each for grant in grants for each in _scoped(grant, parameters.get(grant.scope, ())))


def _scoped(grant: ScopedGrant, filling: Filling) -> Iterator[Grant]:
    match grant.scope:
        case "everything":
            yield _grant(grant, EVERYTHING)
        case "shared":
            yield _grant(grant, Scope(name="shared"))
        case "agreements":
            by_types: dict[frozenset[str], list[str]] = {}
            for provider in sorted({pair[1] for pair in filling}):
                types = frozenset(pair[0] for pair in filling if pair[1] == provider) & grant.types
                by_types.setdefault(types, []).append(provider)
            for types, providers in by_types.items():
                if types:
                    yield _grant(grant, _scope("own_organization", "organizations", providers), types)
        case "own_organization" if filling:
            yield _grant(grant, _scope("own_organization", "organizations", filling))
        case "people_on_duty" if filling:
            yield _grant(grant, _scope("people_on_duty", "people", filling))
        case _ if filling:
            yield _grant(grant, _scope("within_places", "places", filling))


def _scope(name: str, parameter: str, ids: Iterable[Any]) -> Scope:
    return Scope(name=name, parameters=MappingProxyType({parameter: tuple(sorted(ids))}))


def _grant(grant: ScopedGrant, scope: Scope, types: frozenset[str] | None = None) -> Grant:
    types = grant.types if types is None else types
    fields = {name: mask for name, mask in grant.fields.items() if name.partition(".")[0] in types}
    return Grant(scope=scope, types=types, fields=MappingProxyType(fields), default=Visibility.HIDE)


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > KEPT_CLASSES:
        kept.popitem(last=False)
