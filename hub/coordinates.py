"""Coordinate systems in use in China: converted to WGS-84 once, at intake, and back where an answer asks for it.

GCJ-02 is the official obfuscated system, BD-09 Baidu's further shift of it. Neither has a published
definition; the forward formulas are those of the public `eviltransform` (github.com/googollee/eviltransform),
inverted here by iteration to below a centimetre.
"""

import math
from enum import StrEnum


class CoordinateSystem(StrEnum):
    WGS84 = "WGS-84"
    GCJ02 = "GCJ-02"
    BD09 = "BD-09"


_AXIS = 6378245.0  # metres, Krasovsky 1940
_ECCENTRICITY = 0.00669342162296594323  # squared, Krasovsky 1940
_BAIDU = math.pi * 3000.0 / 180.0
_ENOUGH = 1e-8  # degrees, about a millimetre


def _obfuscated(latitude: float, longitude: float) -> bool:
    """GCJ-02 shifts within this box only."""
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347


def wgs84_to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees (latitude, longitude) in both."""
    if not _obfuscated(latitude, longitude):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    both = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (both + 20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (both + 20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    radians = math.radians(latitude)
    magic = 1.0 - _ECCENTRICITY * math.sin(radians) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (magic * math.sqrt(magic))
    parallel = _AXIS / math.sqrt(magic) * math.cos(radians)
    return latitude + math.degrees(north / meridian), longitude + math.degrees(east / parallel)


def gcj02_to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees (latitude, longitude) in both."""
    if not _obfuscated(latitude, longitude):
        return latitude, longitude
    guess = latitude, longitude
    for _ in range(20):
        shifted = wgs84_to_gcj02(*guess)
        north, east = latitude - shifted[0], longitude - shifted[1]
        guess = guess[0] + north, guess[1] + east
        if abs(north) < _ENOUGH and abs(east) < _ENOUGH:
            break
    return guess


def gcj02_to_bd09(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees (latitude, longitude) in both."""
    radius = math.hypot(longitude, latitude) + 0.00002 * math.sin(latitude * _BAIDU)
    angle = math.atan2(latitude, longitude) + 0.000003 * math.cos(longitude * _BAIDU)
    return radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065


def bd09_to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees (latitude, longitude) in both."""
    guess = latitude - 0.006, longitude - 0.0065
    for _ in range(20):
        shifted = gcj02_to_bd09(*guess)
        north, east = latitude - shifted[0], longitude - shifted[1]
        guess = guess[0] + north, guess[1] + east
        if abs(north) < _ENOUGH and abs(east) < _ENOUGH:
            break
    return guess


def to_wgs84(latitude: float, longitude: float, system: CoordinateSystem) -> tuple[float, float]:
    """Degrees (latitude, longitude); raises ValueError for what is no place on Earth."""
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 180.0):
        raise ValueError(f"latitude {latitude}, longitude {longitude} is no place on Earth; are the two swapped?")
    if system is CoordinateSystem.BD09:
        latitude, longitude = bd09_to_gcj02(latitude, longitude)
    if system is not CoordinateSystem.WGS84:
        latitude, longitude = gcj02_to_wgs84(latitude, longitude)
    return latitude, longitude


def from_wgs84(latitude: float, longitude: float, system: CoordinateSystem) -> tuple[float, float]:
    """Degrees (latitude, longitude) as maps of the system want them."""
    if system is not CoordinateSystem.WGS84:
        latitude, longitude = wgs84_to_gcj02(latitude, longitude)
    if system is CoordinateSystem.BD09:
        latitude, longitude = gcj02_to_bd09(latitude, longitude)
    return latitude, longitude
