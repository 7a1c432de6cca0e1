"""The hub killed at random moments under load: nothing that a source was told is stored is lost, nothing is double."""

import json
import os
import random
import time
from collections.abc import Callable

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.load import Counting, Publisher
from tests.failure.park import Park
from tests.failure.subscriber import Subscriber
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto

Publishers = Callable[..., Publisher]


@pytest.mark.timeout(240)
def test_killed_5_times_under_load(
    parks: Parks, broker: Mosquitto, cabinet: ModbusServer, publishers: Publishers
) -> None:
    _killed(parks(broker=broker.port, cabinet=cabinet.port), broker, cabinet, publishers, kills=5)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killed_20_times_under_load(
    parks: Parks, broker: Mosquitto, cabinet: ModbusServer, publishers: Publishers
) -> None:
    _killed(parks(broker=broker.port, cabinet=cabinet.port), broker, cabinet, publishers, kills=20)


def _killed(park: Park, broker: Mosquitto, cabinet: ModbusServer, publishers: Publishers, *, kills: int) -> None:
    seed = int(os.environ.get("CAUSEWAY_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"the moments' seed is {seed}; CAUSEWAY_SEED={seed} tells them again")
    chance = random.Random(seed)
    park.start()
    hear_first_message(park, publishers)
    begin = park.query("{ alerts(first: 1) { readAt } }")["alerts"]["readAt"]
    load = publishers(broker.port).start()
    counting = Counting(cabinet)
    subscriber = Subscriber(park.port, begin)
    try:
        for number in range(kills):
            # One in three falls into the start, the others into the run.
            time.sleep(chance.uniform(0.3, 1.5) if number % 3 == 2 else chance.uniform(2.0, 5.0))
            park.kill()
            park.launch()
        park.until(lambda: park.part("journal"), "the hub to answer after the last kill", 60)
        time.sleep(1)
    finally:
        counting.stop()
    load.stop()
    everything_arrived(park, publishers, broker)
    park.until(lambda: _same(park, subscriber), "the subscriber to have every alert event", 60)
    subscriber.stop()
    held = Held.by(park)
    repeated = nothing_lost_nothing_double(held, load.sent, crashes=kills)
    polled = held.numbers("cabinet")
    assert polled == sorted(set(polled)), "the Modbus register's numbers are not in order, or double"
    assert polled[-1] == counting.number
    alerts = held.alert_events()
    assert alerts, "the load raised no alert"
    assert subscriber.events == alerts, "the subscriber missed an alert event, or had one twice"
    assert not subscriber.refused
    park.graph_equals_a_rebuild()
    compared = park.replay_agrees()
    assert park.stop() == 0
    figures = {
        "kills": kills,
        "seed": seed,
        "messages": load.total,
        "lost": 0,
        "double": 0,
        "repeated_and_flagged": repeated,
        "modbus_values": len(polled),
        "alert_events": len(alerts),
        "resumed": subscriber.connections - 1,
        "replay_compared": compared,
        "batches_verified": held.batches,
    }
    print(json.dumps(figures))


def hear_first_message(park: Park, publishers: Publishers) -> None:
    """From here on the broker keeps what the hub has not acknowledged."""
    probe = publishers(park.broker, sensors=0, name="probe")

    def heard() -> bool:
        probe.publish("timed-probe")
        time.sleep(0.2)
        return park.figure("causeway_appended_total", source="broker", kind="reading") > 0

    park.until(heard, "the first message to be stored")


def everything_arrived(park: Park, publishers: Publishers, broker: Mosquitto) -> None:
    """What a session sent before a message comes before it."""
    last = publishers(broker.port, sensors=0, name="last")
    last.publish("timed-last")
    last.taken()
    latest = '{ assets(filter: {search: "timed-last"}) { nodes { name sensor { latest { value } } } } }'

    def arrived() -> bool:
        nodes = park.query(latest)["assets"]["nodes"]
        return any(n["name"] == "timed-last" and n["sensor"]["latest"] for n in nodes)

    park.until(arrived, "all that the broker held to be stored", 90)


def _same(park: Park, subscriber: Subscriber) -> bool:
    """The engine has read the whole log, and the subscriber the whole feed."""
    behind = park.part("warning")["behind"]
    return behind == 0 and subscriber.events == Held.by(park).alert_events()
