"""A message's payload as readings, by what the park file says of its topic. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from adapters.contract import Quality, Reading, Unreadable, guarded
from adapters.iot.json_paths import MISSING, Steps, absent, at, steps
from adapters.iot.mqtt_config import JsonTopic, MqttConfig, NumberTopic
from adapters.iot.topics import TopicPattern, fill


class NotAskedFor(Unreadable):
    """No subscription names the topic: a broker keeps a session's older ones."""


class Decoded(NamedTuple):
    readings: Sequence[Reading]
    sensor: str
    number: int | None  # the message's own number, where it has one


Decode = Callable[[bytes, bool], Decoded]
"""Of a payload, and whether the broker says that it may have sent it before. Raises Unreadable."""


class Route(NamedTuple):
    """What is done with one topic's messages."""

    decode: Decode
    place: str | None


class Routes:
    """Finds a topic's decoder; a topic's first message makes it."""

    MOST = 100_000  # topics remembered; past it all are made anew

    def __init__(self, config: MqttConfig) -> None:
        self._subscriptions = [(TopicPattern.parse(s.topic), s) for s in config.subscriptions]
        self._known: dict[str, Route] = {}
        self._make = guarded(self._made)

    def route(self, topic: str) -> Route:
        """Raises Unreadable for a topic that no subscription matches."""
        found = self._known.get(topic)
        if found is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            found = self._known[topic] = self._make(topic)
        return found

    def _made(self, topic: str) -> Route:
        for pattern, subscription in self._subscriptions:
            names = pattern.match(topic)
            if names is not None:
                place = fill(subscription.place, names) if subscription.place else None
                by_payload = isinstance(subscription, JsonTopic) and subscription.sensor_path is not None
                if not by_payload and not fill(subscription.sensor, names):
                    raise Unreadable("the level of the topic that names the sensor is empty", where="topic")
                if isinstance(subscription, NumberTopic):
                    return Route(guarded(_number(subscription, names)), place)
                return Route(guarded(_json(subscription, names)), place)
        raise NotAskedFor(f"no subscription of this source names the topic {topic!r}", where="topic")


def _json(topic: JsonTopic, names: Mapping[str, str]) -> Decode:
    fixed_sensor = None if topic.sensor_path else fill(topic.sensor, names)
    sensor_path = steps(topic.sensor_path) if topic.sensor_path else ()
    time_path = steps(topic.time_path) if topic.time_path else None
    number_path = steps(topic.number_path) if topic.number_path else None
    read_time = _TIMES[topic.time_format]
    values = [(steps(v.path), fill(v.quantity, names), v.unit, v.optional) for v in topic.values]
    lenient = topic.accept_text_numbers
    anonymous = time_path is None and number_path is None

    def decode(payload: bytes, again: bool) -> Decoded:
        try:
            document = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"not JSON: {error}") from error
        sensor = fixed_sensor if fixed_sensor is not None else _text(document, sensor_path)
        moment = None if time_path is None else read_time(document, time_path)
        number = None if number_path is None else _whole(document, number_path)
        repeated = again and anonymous
        readings = []
        for path, quantity, unit, optional in values:
            found = at(document, path)
            if type(found) is not float:
                if optional and (found is MISSING or found is None):
                    continue
                found = _measured(document, path, found, lenient)
            readings.append(Reading(sensor, quantity, found, unit, moment, Quality.GOOD, repeated))
        return Decoded(readings, sensor, number)

    return decode


def _number(topic: NumberTopic, names: Mapping[str, str]) -> Decode:
    sensor, quantity = fill(topic.sensor, names), fill(topic.quantity, names)

    def decode(payload: bytes, again: bool) -> Decoded:
        value = _parsed(payload.decode("utf-8", errors="replace"))
        return Decoded([Reading(sensor, quantity, value, topic.unit, None, Quality.GOOD, again)], sensor, None)

    return decode


def _measured(document: object, path: Steps, found: object, lenient: bool) -> float:
    """Booleans are 1 and 0: a contact that is open or closed."""
    if isinstance(found, int):
        return float(found)
    if found is MISSING:
        raise absent(document, path)
    where = ".".join(path)
    if isinstance(found, str):
        if lenient:
            return _parsed(found, where)
        raise Unreadable(
            f"the text {found[:40]!r} stands where a number is due: mend the device, or set accept_text_numbers",
            where=where,
        )
    raise Unreadable(f"{_shown(found)} stands where a number is due", where=where)


def _parsed(text: str, where: str = "") -> float:
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable(f"the text {text[:40]!r} is no number", where=where)
    return value


def _text(document: object, path: Steps) -> str:
    found = at(document, path)
    if found is MISSING:
        raise absent(document, path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found:
        raise Unreadable(f"{_shown(found)} stands where the sensor's id is due", where=".".join(path))
    return found


def _whole(document: object, path: Steps) -> int:
    found = at(document, path)
    if found is MISSING:
        raise absent(document, path)
    if type(found) is not int:
        raise Unreadable(f"{_shown(found)} stands where the message's number is due", where=".".join(path))
    return found


def _iso8601(document: object, path: Steps) -> datetime:
    found = at(document, path)
    try:
        return datetime.fromisoformat(found)  # type: ignore[arg-type]  # a wrong type is told below
    except (TypeError, ValueError) as error:
        if found is MISSING:
            raise absent(document, path) from error
        raise Unreadable(f"{_shown(found)} is no ISO 8601 time", where=".".join(path)) from error


def _epoch(divisor: int) -> Callable[[object, Steps], datetime]:
    def read(document: object, path: Steps) -> datetime:
        found = at(document, path)
        if found is MISSING:
            raise absent(document, path)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Unreadable(f"{_shown(found)} stands where a time since 1970 is due", where=".".join(path))
        try:
            return datetime.fromtimestamp(found / divisor, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Unreadable(
                f"{found} is no time: is it in seconds or in milliseconds?", where=".".join(path)
            ) from error

    return read


_TIMES = {"iso8601": _iso8601, "epoch_s": _epoch(1), "epoch_ms": _epoch(1000)}


def _shown(value: object) -> str:
    return orjson.dumps(value)[:40].decode("utf-8", errors="replace")
