"""What is said of the fire panels that report to the hub by GB/T 26875.3 in the park file."""

from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from pydantic import Field

from adapters.contract import AdapterConfig


class DeclaredPanel(AdapterConfig):
    """A user information transmission device that is known before it reports."""

    address: str = Field(min_length=1)  # its number in the protocol, or where that is 0 its IP address
    name: str | None = None
    place: str | None = None  # the code of the place where it stands
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None


class AnalogueType(AdapterConfig):
    """What a number of the analogue values' type means, where a maker uses its own or the park another name."""

    type: int = Field(ge=0, le=255)
    quantity: str
    unit: str  # UCUM
    step: float = 1.0  # of one count


class Gb26875Config(AdapterConfig):
    host: str = "127.0.0.1"  # where the hub listens: the address of the fire network's side, never the internet's
    port: int = Field(ge=1, le=65535)
    framing: Literal["standard", "0x68"] = "standard"  # @@ … ## as the standard has it, or 0x68 … 0x16
    peers: tuple[IPv4Network | IPv6Network, ...] = ()  # from where panels may connect; none: from anywhere
    panels: tuple[DeclaredPanel, ...] = ()
    analogues: tuple[AnalogueType, ...] = ()
    bcd_times: bool = False  # the digits of times are packed, against the standard
    idle_seconds: float = Field(default=120.0, gt=0)  # a connection that says nothing so long is closed
    max_connections: int = Field(default=200, ge=1)
    max_unit: int = Field(default=1024, ge=16, le=65535)  # bytes of an application data unit; the standard's bound
    max_in_flight: int = Field(default=1000, ge=1)  # records held and not yet stored
