"""Every kind of table that can be imported, in the order in which a park enters them."""

from collections.abc import Mapping

from hub.errors import BadRequest, nearest
from hub.ingest.imports.agreements import AGREEMENTS
from hub.ingest.imports.certificates import CERTIFICATES
from hub.ingest.imports.codes import CODES
from hub.ingest.imports.equipment import EQUIPMENT
from hub.ingest.imports.goods import GOODS
from hub.ingest.imports.hazards import HAZARDS
from hub.ingest.imports.kind import Kind
from hub.ingest.imports.occupancy import OCCUPANCY
from hub.ingest.imports.organizations import ORGANIZATIONS
from hub.ingest.imports.people import PEOPLE
from hub.ingest.imports.places import PLACES
from hub.ingest.imports.roster import ROSTER
from hub.ingest.imports.routes import ROUTES

_ALL = (
    *(PLACES, ROUTES, ORGANIZATIONS, PEOPLE, CERTIFICATES, ROSTER),
    *(HAZARDS, GOODS, EQUIPMENT, OCCUPANCY, CODES, AGREEMENTS),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def kind_named(name: str) -> Kind:
    """Raises BadRequest."""
    if name not in KINDS:
        raise BadRequest(f"there is no kind of table {name!r}; {nearest(name, KINDS)}")
    return KINDS[name]
