"""Places, the ways between them and what stands where, in memory: a fold over the log's claims that asks no graph."""

from hub.topology.joined import Joined, Said, discard
from hub.topology.places import VERSION, PlaceRef, Topology, Way

__all__ = ["VERSION", "Joined", "PlaceRef", "Said", "Topology", "Way", "discard"]
