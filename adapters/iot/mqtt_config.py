"""What is said of a broker in the park file: how it is reached, which topics, and where in a payload a value stands."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from adapters.contract import AdapterConfig
from adapters.iot.json_paths import steps
from adapters.iot.topics import TopicPattern, names_in
from adapters.secret import Secret


class Tls(AdapterConfig):
    ca_file: Path | None = None  # None: the machine's authorities
    certificate_file: Path | None = None  # the client's own, with key_file
    key_file: Path | None = None
    server_name: str | None = None  # as in the broker's certificate, where it is not `host`


class ValueAt(AdapterConfig):
    """One measured value of a JSON payload. `quantity` may use the topic's names: `{quantity}`."""

    path: str
    quantity: str
    unit: str = "1"
    optional: bool = False  # its absence, or null, is no mistake


class JsonTopic(AdapterConfig):
    """Topics whose payload is one JSON document."""

    topic: str
    format: Literal["json"]
    values: tuple[ValueAt, ...] = Field(min_length=1)
    sensor: str = "{sensor}"  # the sensor's external id, of the topic's names
    sensor_path: str | None = None  # or where it stands in the payload
    place: str | None = None  # the place's code, of the topic's names
    time_path: str | None = None
    time_format: Literal["iso8601", "epoch_s", "epoch_ms"] = "iso8601"
    number_path: str | None = None  # a message number that counts up per sensor: repeats are told by it
    accept_text_numbers: bool = False  # "23.5" for 23.5

    @model_validator(mode="after")
    def _paths_lead_somewhere(self) -> Self:
        for path in (self.sensor_path, self.time_path, self.number_path, *(v.path for v in self.values)):
            if path is not None:
                steps(path)
        templates = [v.quantity for v in self.values] + [t for t in (self.place,) if t]
        _names_are_there(self.topic, templates if self.sensor_path else [self.sensor, *templates])
        names = [v.quantity for v in self.values]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{self.topic}: two values give the quantity {name!r}; a sensor has one of each")
        return self


class NumberTopic(AdapterConfig):
    """Topics whose payload is a number as text, such as `23.5`, and nothing else."""

    topic: str
    format: Literal["number"]
    quantity: str
    unit: str = "1"
    sensor: str = "{sensor}"
    place: str | None = None

    @model_validator(mode="after")
    def _templates_fit(self) -> Self:
        _names_are_there(self.topic, [self.sensor, self.quantity, *([self.place] if self.place else [])])
        return self


def _names_are_there(topic: str, templates: list[str]) -> None:
    names = TopicPattern.parse(topic).names
    for template in templates:
        for name in names_in(template):
            if name not in names:
                has = ", ".join(names) or "none"
                raise ValueError(f"{topic!r} has no level {{{name}}}, which {template!r} needs; its names: {has}")


Subscription = Annotated[JsonTopic | NumberTopic, Field(discriminator="format")]


class DeclaredSensor(AdapterConfig):
    """A sensor that is known before its first message."""

    id: str = Field(min_length=1)
    name: str | None = None
    place: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None


class MqttConfig(AdapterConfig):
    host: str
    port: int | None = Field(default=None, ge=1, le=65535)  # None: 1883, and with TLS 8883
    protocol: Literal["3.1.1", "5"] = "5"
    client_id: str | None = Field(default=None, max_length=128)  # None: causeway-SOURCE; the session's name
    username: str | None = None
    password: Secret | None = None
    tls: Tls | None = None
    keep_alive_seconds: int = Field(default=30, ge=5, le=65535)
    timeout_seconds: float = Field(default=10.0, gt=0)
    session_expiry_seconds: int = Field(default=7 * 86400, ge=0, le=0xFFFFFFFF)  # how long a broker waits; MQTT 5
    max_in_flight: int = Field(default=1000, ge=1, le=65535)  # messages held and not yet stored
    max_payload: int = Field(default=1 << 20, ge=1)  # bytes; a longer one is a dead letter
    max_packet: int = Field(default=64 << 20, ge=1024, le=0xFFFFFFFF)  # bytes; MQTT 5's broker sends no longer one
    subscriptions: tuple[Subscription, ...] = Field(min_length=1)
    sensors: tuple[DeclaredSensor, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [sensor.id for sensor in self.sensors]
        for sensor in ids:
            if ids.count(sensor) > 1:
                raise ValueError(f"two sensors are called {sensor!r}")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        if self.tls is not None and (self.tls.certificate_file is None) != (self.tls.key_file is None):
            raise ValueError("tls: certificate_file and key_file go together")
        return self

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port or (8883 if self.tls else 1883)}"
