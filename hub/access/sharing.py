"""A lot's terms: what its holder shows to others, whatever else a policy opens.

`ASK` shows a lot without its quantity, `NOT_SHARED` shows nothing of it; `OWN` and `AGREED` show what the grant shows.
They bind every grant but two: one that holds everything, and one of the viewer's own organization.
"""

from dataclasses import replace
from types import MappingProxyType

from graph_models.entities import LotSharing
from hub.viewer import Grant, Mask, Visibility

_BOUND = frozenset({"within_places", "shared"})
_TOLD = (LotSharing.OWN.value, LotSharing.AGREED.value)
_HIDDEN = {"SupplyLot.quantity": Visibility.HIDE, "SupplyLot.agreed_quantity": Visibility.HIDE}


def with_terms(mask: Mask) -> Mask:
    """The mask with its grants held to the terms of lots; one that is so already comes back as it is."""
    return tuple(part for grant in mask for part in _parts(grant))


def _parts(grant: Grant) -> tuple[Grant, ...]:
    if grant.scope.name not in _BOUND or "terms" in grant.scope.parameters or not grant.opens("SupplyLot"):
        return (grant,)
    told, asked = (
        replace(grant, scope=replace(grant.scope, parameters=MappingProxyType({**grant.scope.parameters, "terms": t})))
        for t in (_TOLD, (LotSharing.ASK.value,))
    )
    return told, replace(asked, types=frozenset({"SupplyLot"}), fields=MappingProxyType({**grant.fields, **_HIDDEN}))
