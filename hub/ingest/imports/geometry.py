"""Distances on the WGS-84 ellipsoid, for what lies within a park or a city."""

import math

from adapters.contract import Position

_AXIS = 6378137.0  # metres, WGS-84's semi-major axis
_ECCENTRICITY = 0.00669437999014  # squared, WGS-84


def metres_between(one: Position, other: Position) -> float:
    """Within a city to a millimetre a kilometre, by the ellipsoid's radii at the middle latitude; farther apart than
    a degree by the sphere, to about half a per cent."""
    north = math.radians(other.latitude - one.latitude)
    east = math.radians((other.longitude - one.longitude + 180) % 360 - 180)
    middle = math.radians((one.latitude + other.latitude) / 2)
    if max(abs(north), abs(east)) > math.radians(1):
        first, second = math.radians(one.latitude), math.radians(other.latitude)
        half = math.sin(north / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(east / 2) ** 2
        return 2 * 6371008.8 * math.asin(math.sqrt(min(1.0, half)))
    bent = 1 - _ECCENTRICITY * math.sin(middle) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY) / bent**1.5
    parallel = _AXIS / math.sqrt(bent)
    return math.hypot(meridian * north, parallel * math.cos(middle) * east)
