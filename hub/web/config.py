"""What the web face is told at its start."""

from dataclasses import dataclass, field

from hub.web.documents import Documents
from hub.web.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """Sizes in bytes, times in seconds. `port` 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8000
    url: str | None = None  # as clients write it, where a proxy stands in between
    introspection: bool = True  # False: neither that, nor suggestions in refusals
    body_limit: int = 1_000_000
    init_seconds: float = 10.0  # a WebSocket says connection_init within
    keep_alive_seconds: float = 12.0
    stall_seconds: float = 20.0  # a client that takes nothing for so long is let go
    operations_per_socket: int = 100
    running_per_socket: int = 8  # queries and mutations at once; the others wait for their turn
    drain_seconds: float = 5.0  # between SIGTERM and the end of what still runs
    limits: Limits = field(default_factory=Limits)
    documents: Documents = field(default_factory=Documents)
