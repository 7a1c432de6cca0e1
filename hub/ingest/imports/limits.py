"""How large a file may be that somebody sends, what is said in its place otherwise, and how long reading may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`ratio`: of a workbook's unpacked to its packed size; XML of sheets packs about twentyfold. `coordinates`: the
    system of a GeoJSON file's positions. `shapes`: the GeoJSON geometries that are taken."""

    bytes: int = 32 << 20
    rows: int = 100_000
    columns: int = 256
    unpacked_bytes: int = 512 << 20
    ratio: int = 200
    seconds: float = 90.0
    coordinates: str = "WGS-84"
    shapes: tuple[str, ...] = ()
