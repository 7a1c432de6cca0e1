"""What the issuer is told at its start."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerConfig:
    """`url` is the issuer's identifier, without a slash at its end, as clients reach it; `audience` is whom its access
    tokens are for. `key_notice` is how long a new key is published before it signs: longer than a resource server
    keeps the old set."""

    url: str
    audience: str
    park: str = ""  # the name that the pages show
    access_life: timedelta = timedelta(minutes=10)
    refresh_life: timedelta = timedelta(hours=12)  # from the login, however often it is renewed
    session_life: timedelta = timedelta(hours=12)  # of the browser's session
    code_life: timedelta = timedelta(seconds=60)
    device_life: timedelta = timedelta(minutes=10)
    device_interval: int = 5  # seconds between two polls, at first
    key_life: timedelta = timedelta(days=30)
    key_notice: timedelta = timedelta(days=1)

    @property
    def secure(self) -> bool:
        """Whether browsers reach it over TLS; http is for loopback alone."""
        return self.url.startswith("https://")

    def at(self, path: str) -> str:
        return f"{self.url}{path}"
