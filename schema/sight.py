"""What a mask holds, told without the graph: for what comes from the log's events and from memory.

The row scopes mean here what `within`, `owned` and `personal` of `hub.graph.queries` mean in the graph.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from hub.reserve.nearest import Here
from hub.reserve.stock import Lot, Shift, Stock
from hub.topology import Topology
from hub.viewer import EVERYTHING, Action, Grant, Mask, Visibility, least_restrictive, sees_all
from schema.context import Context
from schema.rows import masked
from schema.selection import NODES

Grants = Sequence[Grant]
Path = Sequence[str]
"""The ids of a thing's places, the nearest first."""

_NOBODY: frozenset[str] = frozenset()


def sees_park(context: Context, action: Action = Action.READ) -> bool:
    """Whether no row of any kind is kept from the viewer."""
    mask = context.allowed(action)
    return all(sees_all(mask, kind) for kind in NODES)


def acts_on_all(context: Context, kind: str) -> bool:
    """Whether every row of the kind may be acted upon, which is to be seen first."""
    return all(sees_all(context.allowed(action), kind) for action in (Action.READ, Action.WRITE))


def sees_record(context: Context, record: str, action: Action = Action.READ) -> bool:
    """Whether all that the hub keeps of this beside the graph is open to the viewer: `hub.access.policy` names them."""
    return any(grant.scope.name == EVERYTHING.name for grant in _opening(context, record, action))


def opens_record(context: Context, record: str, action: Action = Action.READ) -> bool:
    """Whether some of it is; of which rows, what it is about decides."""
    return bool(_opening(context, record, action))


def sees_source(context: Context, source: str, record: str = "Source", action: Action = Action.READ) -> bool:
    """Sources, or what is kept of them, are for whoever sees all of that; beside them, for whose own they are."""
    services, own = context.services, {context.viewer.organization}
    for grant in _opening(context, record, action):
        if grant.scope.name == EVERYTHING.name:
            return True
        own.update(grant.scope.parameters.get("organizations", ()))
    if not _opening(context, record, action):
        return False
    ids = {services.reserve.topology.resolve(id_) for id_ in own if id_ is not None}
    return any(spec.id == source and services.tenant(spec.organization) in ids for spec in services.specs)


def _opening(context: Context, record: str, action: Action) -> list[Grant]:
    return opening(context, record, "record", action)


def opening(context: Context, kind: str, name: str, action: Action) -> list[Grant]:
    """The grants that open the field, whole, in their rows."""
    field = f"{kind}.{name}"
    return [g for g in context.allowed(action) if g.opens(kind) and g.visibility(field) is Visibility.SHOW]


def visibility(grants: Grants, name: str) -> Visibility:
    """How `Type.field` is shown under the grants that hold the row."""
    found = Visibility.HIDE
    for grant in grants:
        found = least_restrictive(found, grant.visibility(name))
    return found


def whole(grants: Grants, name: str) -> bool:
    return visibility(grants, name) is Visibility.SHOW


def shown(grants: Grants, entity: str, name: str, value: Any) -> Any:
    """A field's value, as far as the grants that hold its row show it."""
    return masked(entity, name, value, visibility(grants, f"{entity}.{name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """`paths` lead up from each place that it lies in; `of_places`: it is also of whoever these places are of;
    `around`: it also concerns what lies in them; `person`: whose it is; `served_by`: whose shift it is."""

    kind: str
    paths: Sequence[Path] = ()
    owners: frozenset[str] = _NOBODY
    served_by: str | None = None
    of_places: bool = False
    around: bool = False
    terms: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """Each method gives the grants of the mask that hold the thing; none is that it is not shown."""

    mask: Mask
    park: Here
    _ids: list[frozenset[str]] = field(default_factory=list, init=False)

    @classmethod
    def of(cls, context: Context, action: Action = Action.READ) -> Self:
        return cls(context.allowed(action), context.services.reserve)

    @property
    def topology(self) -> Topology:
        return self.park.topology

    @property
    def stock(self) -> Stock:
        return self.park.stock

    def all_of(self, kind: str) -> bool:
        return sees_all(self.mask, kind)

    # ---- things

    def place(self, path: Path) -> Grants:
        """Of the place that the path begins with."""
        return self._held(_Thing(kind="Place", paths=(path,), of_places=True))

    def asset(self, asset: str, path: Path = ()) -> Grants:
        """`path`: where it was, for when the topology does not know of it."""
        paths = (self.path(asset) or path,)
        return self._held(_Thing(kind="Asset", paths=paths, owners=_some(self.topology.owner(asset))))

    def organization(self, organization: str) -> Grants:
        id_ = self.topology.resolve(organization)
        return self._held(_Thing(kind="Organization", paths=self._premises(id_), owners=frozenset({id_})))

    def item(self) -> Grants:
        """Of any code of the standard."""
        return [grant for grant in self.mask if grant.opens("SupplyItem")]

    def lot(self, lot: Lot) -> Grants:
        return self.lot_of(lot.place, lot.owner, lot.sharing)

    def lot_of(self, place: str | None, owner: str | None, terms: str) -> Grants:
        paths = () if place is None else (self.path(place),)
        return self._held(_Thing(kind="SupplyLot", paths=paths, owners=_some(owner), terms=terms))

    def shift(self, shift: Shift) -> Grants:
        paths = () if shift.place is None else (self.path(shift.place),)
        employer = self.stock.employer(shift.person)
        return self._held(_Thing(kind="Shift", paths=paths, owners=_some(employer), served_by=shift.person))

    def person(self, person: str, kind: str = "Person") -> Grants:
        """`kind`: also for a qualification of theirs."""
        employer = self.stock.employer(person)
        posts = [self.path(shift.place) for shift in self.stock.shifts(person) if shift.place is not None]
        premises = () if employer is None else self._premises(employer)
        return self._held(_Thing(kind=kind, paths=(*posts, *premises), owners=_some(employer), person=person))

    def warning(self, covered: Iterable[str]) -> Grants:
        return self._held(_Thing(kind="Warning", paths=self._paths(covered), of_places=True, around=True))

    def incident(self, places: Iterable[str]) -> Grants:
        """One that goes on in the park goes on in each place of it."""
        return self._held(_Thing(kind="Incident", paths=self._paths(places), of_places=True, around=True))

    def alert(self, alert: Mapping[str, Any]) -> Grants:
        """By its snapshot: it lies where it was when it opened."""
        path = [place["id"] for place in alert["path"]]
        owners = _some(self.topology.owner(alert["subject"]["id"])) if not self.is_subject_place(alert) else _NOBODY
        return self._held(_Thing(kind="Alert", paths=(path,), owners=owners, of_places=True))

    def is_subject_place(self, alert: Mapping[str, Any]) -> bool:
        path = alert["path"]
        return bool(path) and alert["subject"]["id"] == path[0]["id"]

    def path(self, entity: str) -> Path:
        return [place.id for place in self.topology.path(entity)]

    def _paths(self, places: Iterable[str]) -> Sequence[Path]:
        return [self.path(place) or (place,) for place in places]

    # ---- `hub.reserve.nearest.Sight`

    def shows_place(self, place: str) -> bool:
        return bool(self.place(self.path(place)))

    def shows_items(self) -> bool:
        return bool(self.item())

    def shows_lot(self, lot: Lot) -> bool:
        return self.all_of("SupplyLot") or bool(self.lot(lot))

    def shows_skilled(self, person: str) -> bool:
        return all(self.all_of(kind) or self.person(person, kind) for kind in ("Person", "Qualification"))

    def shows_shift(self, shift: Shift) -> bool:
        return self.all_of("Shift") or bool(self.shift(shift))

    def shows_camera(self, camera: str) -> bool:
        return self.all_of("Asset") or bool(self.asset(camera))

    # ---- scopes

    def _held(self, thing: _Thing) -> list[Grant]:
        if not self._ids:  # as late as can be: when the log has been read
            self._ids.extend(self._named(grant) for grant in self.mask)
        return [grant for grant, ids in zip(self.mask, self._ids, strict=True) if self._holds(grant, ids, thing)]

    def _named(self, grant: Grant) -> frozenset[str]:
        if people := grant.scope.parameters.get("people"):
            return frozenset(self.stock.resolve(id_) for id_ in people)
        given = (id_ for name in ("places", "organizations") for id_ in grant.scope.parameters.get(name, ()))
        return frozenset(self.topology.resolve(id_) for id_ in given)

    def _holds(self, grant: Grant, ids: frozenset[str], thing: _Thing) -> bool:
        if not grant.opens(thing.kind):
            return False
        if thing.terms is not None and thing.terms not in grant.scope.parameters.get("terms", (thing.terms,)):
            return False
        if thing.person is not None and thing.person in grant.scope.parameters.get("without", ()):
            return False
        match grant.scope.name:
            case "everything" | "shared":
                return True
            case "within_places":
                return self._lies(thing, ids)
            case "own_organization":
                return bool(thing.owners & ids) or (thing.of_places and self._is_theirs(thing, ids))
            case "people_on_duty":
                whose = thing.person or thing.served_by
                return whose is not None and self.stock.resolve(whose) in ids
            case _:
                return False

    def _lies(self, thing: _Thing, places: frozenset[str]) -> bool:
        lies_in = {self.topology.resolve(place) for path in thing.paths for place in path}
        if lies_in & places:
            return True
        covered = {self.topology.resolve(path[0]) for path in thing.paths if path}
        return thing.around and any(covered & set(self.path(place)) for place in places)

    def _is_theirs(self, thing: _Thing, organizations: frozenset[str]) -> bool:
        lies_in = {place for path in thing.paths for place in path}
        if thing.around:
            lies_in |= {low for path in thing.paths if path for low in self.topology.within(path[0])}
        return any(self._holders(place) & organizations for place in lies_in)

    def _holders(self, place: str) -> frozenset[str]:
        return self.topology.occupants(place) | _some(self.topology.owner(place))

    def _premises(self, organization: str) -> Sequence[Path]:
        return [self.path(place) for place in self.topology.occupied(organization)]


def _some(id_: str | None) -> frozenset[str]:
    return _NOBODY if id_ is None else frozenset({id_})
