"""A feed of earthquakes in USGS' GeoJSON over HTTP, as the contract's counterpart. What the adapter must make of each
is written here by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import orjson

from adapters.contract import Claim, Raw, Record
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.pages import Pages

AT = datetime(2026, 7, 1, 6, tzinfo=UTC)
MILLIS = 1782885600000


def feature(identifier: str, magnitude: float, **changed: object) -> Mapping[str, object]:
    properties = {
        "mag": magnitude,
        "place": "10 km N of Chongqing",
        "time": MILLIS,
        "updated": MILLIS,
        "net": "us",
        "status": "reviewed",
        "type": "earthquake",
        "title": f"M {magnitude}",
        "alert": None,
        **changed,
    }
    geometry = {"type": "Point", "coordinates": [106.5, 29.6, 10.5]}
    return {"type": "Feature", "id": identifier, "properties": properties, "geometry": geometry}


def told(identifier: str, magnitude: float) -> Claim:
    return Claim(
        kind="Warning",
        external_id=identifier,
        values={
            "identifier": identifier,
            "status": "ACTUAL",
            "message_type": "ALERT",
            "category": "Geo",
            "event": "earthquake",
            "urgency": "PAST",
            "severity": "UNKNOWN",
            "certainty": "OBSERVED",
            "sender": "us",
            "headline": f"M {magnitude}",
            "area_description": "10 km N of Chongqing",
            "onset": AT,
            "sent": AT,
            "magnitude": magnitude,
            "depth": 10.5,
            "areas": '{"polygons":[],"circles":[[29.6,106.5,0.0]],"geocodes":[]}',
        },
    )


class Quakes:
    traits: ClassVar[Traits] = Traits(credentials=True, cursors=True, bound=500, patience=8.0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = Pages(account=("hub", "right"))
        self._features: list[object] = []
        self._last: list[Raw] = []
        self._next = 0

    def start(self) -> None:
        for word in ("right", "wrong"):
            (self._folder / word).write_text(word, encoding="utf-8")
        self._publish()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def pause(self) -> None:
        self._server.stop()

    def resume(self) -> None:
        self._server.start()

    def config(self) -> Mapping[str, object]:
        secret = {"file": str(self._folder / "right")}
        url = f"{self._server.url}/all_day.geojson"
        return {"url": url, "username": "hub", "password": secret, "timeout_seconds": 2.0}

    def refused_config(self) -> Mapping[str, object]:
        return {**self.config(), "password": {"file": str(self._folder / "wrong")}}

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        for _ in range(n):
            self._next += 1
            identifier, magnitude = f"us{self._next}", 2 + self._next / 100
            read = feature(identifier, magnitude)
            self._features.insert(0, read)
            made.append(told(identifier, magnitude))
            key = f"{self._server.url}/all_day.geojson#{self._next}"
            self._last.append(Raw(key=key, received_at=now(), data=orjson.dumps(read)))
        self._publish()
        return made

    def spoil(self) -> None:
        self._features.insert(0, {"type": "Feature", "properties": {"mag": 3}})
        self._publish()

    def payloads(self) -> Sequence[Raw]:
        return self._last

    def _publish(self) -> None:
        self._server.put("/all_day.geojson", orjson.dumps({"type": "FeatureCollection", "features": self._features}))
