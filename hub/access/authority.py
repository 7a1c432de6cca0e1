"""Who asks: credentials as a transport received them become a viewer, or a refusal that says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.viewer import LOCAL_ADMINISTRATOR, Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """`authorization` is the header's value, or that of `connection_init`'s payload; `purpose` the one asked for;
    `proof` the DPoP header, of a request with `method` and `url`; `address` that of who sent it, for the audit."""

    authorization: str | None = None
    purpose: str | None = None
    proof: str | None = None
    method: str = "POST"
    url: str = ""
    address: str = ""


class Authority(Protocol):
    async def viewer(self, credentials: Credentials) -> Viewer:
        """Raises Unauthenticated, Forbidden (a purpose that the token lacks)."""
        ...

    async def holds(self, viewer: Viewer) -> bool:
        """Whether what made the viewer still stands: not revoked, not expired, the account's roles unchanged."""
        ...


class Local:
    """Without issuers everyone is the local administrator, and the hub binds to loopback alone."""

    async def viewer(self, credentials: Credentials) -> Viewer:
        return LOCAL_ADMINISTRATOR

    async def holds(self, viewer: Viewer) -> bool:
        return True


HEADERS: Mapping[str, str] = {"purpose": "causeway-purpose", "proof": "dpop"}
"""The headers that credentials are read from, beside Authorization."""
