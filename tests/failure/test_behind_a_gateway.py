"""Hub and gateway go and come back while a thousand alerts open: who subscribes through the gateway and goes on after
its last cursor hears each of them, and none twice."""

import json
import time
from pathlib import Path

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held
from tests.failure.load import Publisher
from tests.failure.steps import Publishers
from tests.failure.subscriber import Subscriber
from tests.servers.brigade import schema
from tests.servers.hive_gateway import HiveGateway
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import ServerMissing

ALERTS = 1000
PART = ALERTS // 4
HUB_SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "schema.graphql"


@pytest.mark.timeout(400)
def test_a_thousand_alerts_while_hub_and_gateway_restart(
    parks: Parks, broker: Mosquitto, publishers: Publishers, tmp_path: Path
) -> None:
    park = parks(broker=broker.port, expect_within="1h")  # no other alert than those of the load
    (tmp_path / "department.graphql").write_text(schema(), encoding="utf-8")
    nowhere = {"name": "department", "url": "http://127.0.0.1:1/", "schema": str(tmp_path / "department.graphql")}
    hub = {"name": "hub", "url": f"{park.url}/graphql", "schema": str(HUB_SCHEMA)}
    try:
        gateway = HiveGateway(tmp_path / "gateway", [hub, nowhere])
    except ServerMissing as missing:
        pytest.skip(str(missing))
    done = gateway.compose()
    assert done.returncode == 0, done.stderr
    subscriber: Subscriber | None = None
    try:
        park.start(seconds=150)
        gateway.start()
        begin = park.query("{ alerts(first: 1) { readAt } }")["alerts"]["readAt"]
        subscriber = Subscriber(gateway.port, begin)
        load = publishers(broker.port, sensors=0)

        def heard(count: int) -> None:
            park.until(lambda: len(subscriber.events) >= count, f"{count} alerts through the gateway", 90)

        heat(load, 0)
        heard(PART // 2)
        gateway.kill()
        gateway.start()
        heat(load, 1)
        heard(PART + PART // 2)
        assert park.stop() == 0
        heat(load, 2)
        park.launch()
        heard(2 * PART + PART // 2)
        gateway.stop()
        heat(load, 3)
        gateway.start()
        heard(ALERTS)
    finally:
        if subscriber is not None:
            subscriber.stop()
        gateway.stop()
    assert len(subscriber.events) == ALERTS
    assert {what for what, _ in subscriber.events} == {"OPENED"}
    assert len({alert for _, alert in subscriber.events}) == ALERTS, "an alert came twice"
    assert subscriber.events == Held.by(park).alert_events(begin)
    assert subscriber.connections >= 4


def heat(load: Publisher, part: int) -> None:
    """A quarter of the ovens is too hot."""
    for number in range(part * PART, (part + 1) * PART):
        told = {"n": 1, "t": 90 + number / 100_000, "at": time.time_ns() // 1_000_000}
        load.raw(f"timed/oven-{number}", json.dumps(told))
