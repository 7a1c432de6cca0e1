"""What is said of a Hikvision recorder or camera in the park file."""

from typing import Literal

from pydantic import Field

from adapters.nvr.stamps import Stamps
from adapters.nvr.web import DeviceConfig


class IsapiConfig(DeviceConfig):
    device: Literal["recorder", "camera"] = "recorder"  # a camera that is asked directly is `camera`
    auth: Literal["digest", "basic"] = "digest"  # basic sends the password readable, except over https
    manufacturer: str = "Hikvision"  # in serial numbers; many sell these devices under their own name
    stamps: Stamps = "detect"  # what a time that ends in Z is; see the adapter's page
    ip_channels_from: int = Field(default=32, ge=0)  # events number a recorder's IP channels above it: 33 is its first
    picture: Literal["main", "sub"] = "main"  # the stream that is opened to look at a camera
    rtsp_port: int | None = Field(default=None, ge=1, le=65535)  # None: as the device says, else 554
    status_seconds: float = Field(default=30.0, ge=1)  # how often channels and disks are asked for
    repeat_seconds: float = Field(default=10.0, ge=0)  # an event that lasts is told again at most this often
    max_part: int = Field(default=1 << 18, ge=1024)  # bytes; a longer part of the alert stream is a dead letter
    max_in_flight: int = Field(default=1000, ge=1)  # records held and not yet stored
