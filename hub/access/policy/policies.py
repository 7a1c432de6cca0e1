"""The policies in force, as the rest of the hub asks them: a viewer and an action, answered by a kept mask."""

from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hub.access.policy.compiling import ScopedGrant, ViewerClass, class_of, compiled
from hub.access.policy.load import Loaded
from hub.access.policy.places import NoPlaces, Places
from hub.telemetry import logger
from hub.viewer import EVERYTHING, Action, Grant, Mask, Scope, Viewer, Visibility

log = logger(__name__)

KEPT_CLASSES = 1_024
"""Compiled classes kept, and as many masks that were filled in; the least recently used goes first."""
_KEPT_UNKNOWN = 1_024


class Policies:
    """`Rights` by policies: a class of viewers is compiled when it is first met, and kept until the policies change.

    `replace` puts other policies into force between two questions: no mask mixes two versions.
    """

    def __init__(self, loaded: Loaded, places: Places | None = None) -> None:
        self.loaded = loaded
        self._places = NoPlaces() if places is None else places
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
        who = class_of(viewer, self.loaded)
        grants = self._grants(who, action)
        parameters = self._parameters(viewer, grants)
        key = (who, action, *parameters.items())
        if (kept := self._masks.get(key)) is None:
            kept = self._masks[key] = _filled(grants, parameters)
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

    def _parameters(self, viewer: Viewer, grants: tuple[ScopedGrant, ...]) -> Mapping[str, tuple[str, ...]]:
        """By scope, the ids that it is filled in with for this viewer."""
        found: dict[str, tuple[str, ...]] = {}
        if (organization := viewer.organization) is None:
            return found
        for grant in grants:
            match grant.scope:
                case "own_organization":
                    found[grant.scope] = (organization,)
                case "jurisdiction":
                    found[grant.scope] = self._places.jurisdiction(organization)
                case "threatened_places":
                    found[grant.scope] = self._places.threatened(organization)
        return found

    def _tell_unknown(self, viewer: Viewer) -> None:
        for role in viewer.roles:
            if role not in self.loaded.roles.roles and role not in self._unknown and len(self._unknown) < _KEPT_UNKNOWN:
                self._unknown.add(role)
                log.warning("policy.unknown_role", role=role[:64], issuer=viewer.issuer)


_NAMES = {"own_organization": ("own_organization", "organizations")}
_WITHIN = ("within_places", "places")


def _filled(grants: tuple[ScopedGrant, ...], parameters: Mapping[str, tuple[str, ...]]) -> Mask:
    """The grants with their scopes filled in; one that would hold no row is left out."""
    mask: list[Grant] = []
    for grant in grants:
        if grant.scope == "everything":
            scope = EVERYTHING
        elif ids := parameters.get(grant.scope):
            name, parameter = _NAMES.get(grant.scope, _WITHIN)
            scope = Scope(name=name, parameters=MappingProxyType({parameter: tuple(sorted(ids))}))
        else:
            continue
        fields = MappingProxyType(dict(grant.fields))
        mask.append(Grant(scope=scope, types=grant.types, fields=fields, default=Visibility.HIDE))
    return tuple(mask)


def _bound(kept: OrderedDict[Any, Any]) -> None:
    while len(kept) > KEPT_CLASSES:
        kept.popitem(last=False)
