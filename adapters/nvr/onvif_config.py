"""What is said of an ONVIF camera or recorder in the park file."""

from typing import Literal

from pydantic import Field

from adapters.nvr.stamps import Stamps
from adapters.nvr.web import DeviceConfig


class OnvifConfig(DeviceConfig):
    path: str = Field(default="/onvif/device_service", pattern="^/")  # of the device service, as the standard has it
    device: Literal["camera", "recorder"] = "camera"  # `recorder`: each of its video sources is a camera
    stamps: Stamps = "detect"  # what a time that ends in Z is; see the adapter's page
    picture: Literal["main", "sub"] = "main"  # the widest or the narrowest profile is opened to look at a camera
    status_seconds: float = Field(default=60.0, ge=1)  # how often it is asked whether it is there, and what it has
    subscription_seconds: float = Field(default=120.0, ge=4)  # asked for; it is renewed when half is over
    pull_seconds: float = Field(default=20.0, ge=0.2)  # how long the camera may wait for an event before it answers
    max_in_flight: int = Field(default=1000, ge=1)  # records held and not yet stored
