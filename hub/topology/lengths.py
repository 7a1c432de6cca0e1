"""How long a way is."""

import math

from hub.topology.places import Topology, Way

_EARTH = 6_371_008.8  # metres, the mean radius


def length_of(topology: Topology, way: Way) -> float | None:
    """In metres: as it was said, else the straight line between its ends; None where neither is known."""
    if way.length is not None:
        return way.length
    ends = [topology.position(end) for end in way.ends]
    if ends[0] is None or ends[1] is None:
        return None
    (north, east), (other_north, other_east) = ([math.radians(x) for x in end] for end in ends if end is not None)
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    return 2 * _EARTH * math.asin(math.sqrt(half))
