"""The hub killed at random moments under load: nothing that a source was told is stored is lost, nothing is double."""

import json
import os
import random
import time

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.load import Counting
from tests.failure.park import Park
from tests.failure.steps import Publishers, everything_arrived, has_every_alert, hear_first_message
from tests.failure.subscriber import Subscriber
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto

pytestmark = pytest.mark.long


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
            if number % 3 == 2:  # into the start
                time.sleep(chance.uniform(0.3, 2.0))
            else:
                park.until(lambda: park.part("journal"), "the hub to answer", 60)
                time.sleep(chance.uniform(0.1, 3.0))
            park.kill()
            park.launch()
        park.until(lambda: park.part("journal"), "the hub to answer after the last kill", 60)
        time.sleep(1)
    finally:
        counting.stop()
    load.stop()
    everything_arrived(park, publishers)
    park.until(lambda: has_every_alert(subscriber, park), "the subscriber to have every alert event", 60)
    subscriber.stop()
    held = Held.by(park)
    repeated = nothing_lost_nothing_double(held, load.sent, crashes=kills)
    polled = held.numbers("cabinet")
    assert polled == sorted(set(polled)), "the Modbus register's numbers are not in order, or double"
    assert polled[-1] == counting.number
    alerts = held.alert_events(begin)
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
