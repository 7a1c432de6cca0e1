"""What is said of Modbus devices in the park file: where each is, and by which map it is read."""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from adapters.contract import AdapterConfig
from adapters.iot.registers import RegisterMap, RegisterType


class Device(AdapterConfig):
    """One device: a unit behind an address."""

    name: str = Field(min_length=1)  # its external id
    host: str
    port: int = Field(default=502, ge=1, le=65535)
    unit: int = Field(default=1, ge=0, le=255)
    framing: Literal["tcp", "rtu-over-tcp"] = "tcp"
    map: str  # a name in `maps`
    title: str | None = None  # what people call it
    manufacturer: str | None = None  # None: the map's
    model: str | None = None
    serial_number: str | None = None
    place: str | None = None  # the place code under which the hub knows where it stands

    @field_validator("name")
    @classmethod
    def _one_word(cls, name: str) -> str:
        if "/" in name:
            raise ValueError("a device's name has no '/', which parts it from its registers")
        return name


class ModbusConfig(AdapterConfig):
    devices: tuple[Device, ...] = Field(min_length=1)
    maps: dict[str, RegisterMap] = Field(default_factory=dict)
    map_files: dict[str, Path] = Field(default_factory=dict)  # name → TOML file, beside the park file unless absolute
    sensor_per: Literal["device", "register"] = "device"
    connection_per: Literal["address", "device"] = "address"  # a gateway takes few connections; own ones are quicker
    timeout_seconds: float = Field(default=3.0, gt=0)
    join_gap: int = Field(default=16, ge=0)  # registers read in vain rather than asked for apart
    max_registers: int = Field(default=125, ge=1, le=125)  # of one read, for devices that give fewer
    max_concurrent: int = Field(default=1000, ge=1)  # connections that are asked at once

    @model_validator(mode="before")
    @classmethod
    def _read_map_files(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict) or not isinstance(given.get("map_files"), dict):
            return given
        folder = Path((info.context or {}).get("folder", "."))
        maps = dict(given.get("maps") or {})
        for name, file in given["map_files"].items():
            if name in maps:
                continue
            try:
                maps[name] = tomllib.loads((folder / str(file)).read_text(encoding="utf-8"))
            except OSError as error:
                raise ValueError(f"the map file {folder / str(file)} cannot be read: {error.strerror}") from error
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ValueError(f"the map file {folder / str(file)} is no TOML: {error}") from error
        return {**given, "maps": maps}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        name, count = Counter(device.name for device in self.devices).most_common(1)[0]
        if count > 1:
            raise ValueError(f"{count} devices are called {name!r}: the name is the external id, and stands once")
        for device in self.devices:
            if device.map not in self.maps:
                raise ValueError(
                    f"the device {device.name!r} names the map {device.map!r}; there is "
                    + (", ".join(sorted(self.maps)) or "no map at all: add one under maps or map_files")
                )
        if self.sensor_per == "device":
            for name, registers in self.maps.items():
                _each_quantity_once(name, registers)
        return self


def _each_quantity_once(name: str, registers: RegisterMap) -> None:
    seen: dict[str, str] = {}
    for row in registers.registers:
        if row.type is not RegisterType.STRING:
            if row.measured in seen:
                raise ValueError(
                    f"the map {name!r}: the registers {seen[row.measured]!r} and {row.name!r} both give the quantity "
                    f"{row.measured!r} of one sensor: name the quantities apart, or set sensor_per = 'register'"
                )
            seen[row.measured] = row.name
