"""What the hub calls the things that people enter: a place by its code, all else by its kind and code."""

from hub.ingest.imports.kind import BadRow
from hub.journal.ids import is_uuid

_PREFIXES = {
    "Route": "route",
    "Organization": "organization",
    "Person": "person",
    "Qualification": "qualification",
    "Shift": "shift",
    "Hazard": "hazard",
    "HazardousGoods": "goods",
    "Asset": "asset",
    "SupplyItem": "supply",
    "SharingAgreement": "agreement",
}


def external_id(entity: str, code: str) -> str:
    """An id instead of a code means the entity that has it, whoever entered it. Raises BadRow."""
    if is_uuid(code):
        return code
    if entity == "Place":
        if code.partition(":")[0] in _PREFIXES.values() and ":" in code:
            raise BadRow(f"the code {code!r} begins like one of the hub's own names; leave the colon out")
        return code
    return f"{_PREFIXES[entity]}:{code}"


def code_of(external_id: str) -> str:
    """As a person knows it."""
    prefix, colon, code = external_id.partition(":")
    return code if colon and prefix in _PREFIXES.values() else external_id
