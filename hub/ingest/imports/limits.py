"""How large a file may be that somebody sends, what is said in its place otherwise, and how long reading may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`coordinates`: the system of a GeoJSON file's positions; `shapes`: the geometries of it that are taken."""

    bytes: int = 50_000_000
    rows: int = 100_000  # the header among them
    columns: int = 256
    seconds: float = 90.0
    coordinates: str = "WGS-84"
    shapes: tuple[str, ...] = ()
