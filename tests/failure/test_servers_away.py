"""Broker, Modbus server and journal go away or stand still: nothing is lost, it is told, and all goes on after."""

import sqlite3
import time
from itertools import pairwise

import psycopg
import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.load import Counting
from tests.failure.park import Park, resident
from tests.failure.steps import Publishers, everything_arrived, has_every_alert, hear_first_message
from tests.failure.subscriber import Subscriber
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.long

MEGABYTE = 1 << 20


@pytest.mark.timeout(180)
def test_broker_and_modbus_server_restarted(
    parks: Parks, broker: Mosquitto, cabinet: ModbusServer, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port, cabinet=cabinet.port, expect_within="4s")
    park.start()
    hear_first_message(park, publishers)
    park.until(lambda: park.source("broker")["state"] == park.source("cabinet")["state"] == "OK", "both to be well")
    subscriber = Subscriber(park.port, park.query("{ alerts(first: 1) { readAt } }")["alerts"]["readAt"])
    load = publishers(broker.port, per_second=600).start()
    counting = Counting(cabinet)
    park.until(lambda: subscriber.events, "alerts")
    time.sleep(1)

    counting.stop()
    before = cabinet.registers(0, 3)
    cabinet.stop()
    lost = park.until(lambda: _lost(park, "cabinet"), "the Modbus server's absence to be told")
    assert "127.0.0.1" in lost, f"the text names no address: {lost}"
    assert park.source("broker")["state"] == "OK", "its neighbour was drawn in"
    broker.stop()
    park.until(lambda: _lost(park, "broker"), "the broker's absence to be told")
    broker.restart()
    cabinet.restart()
    cabinet.set_registers(0, before)
    park.until(lambda: park.source("broker")["state"] == "OK", "the broker to be back", 60)
    park.until(lambda: park.source("cabinet")["state"] == "OK", "the Modbus server to be back", 60)
    load.stop()
    everything_arrived(park, publishers)
    park.until(lambda: has_every_alert(subscriber, park), "every alert event to arrive once")
    subscriber.stop()
    told = ["source.unavailable", "source.recovered"]
    for name in ("broker", "cabinet"):
        park.until(lambda name=name: Held.by(park).of_source(name)[-2:] == told, f"the log to tell of {name}")
    held = Held.by(park)
    nothing_lost_nothing_double(held, load.sent, crashes=1)  # the broker's end is to it what a crash is to the hub
    for name in ("broker", "cabinet"):
        about = [alert["code"] for alert in subscriber.alerts if (alert["subject"] or {}).get("name") == name]
        assert "source_unavailable" in about, f"no alert for {name}"
    numbers = held.numbers("cabinet")
    assert all(later >= sooner for sooner, later in pairwise(n for n in numbers if n)), "its numbers are out of order"
    assert numbers[-1] == counting.number


@pytest.mark.timeout(180)
def test_a_journal_that_stands_still_keeps_memory_bounded(
    parks: Parks, broker: Mosquitto, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port)
    hub = park.start()
    hear_first_message(park, publishers)
    load = publishers(broker.port, per_second=1500, sensors=20).start()
    park.until(lambda: park.figure("causeway_appended_total", source="broker", kind="reading") > 2000, "a load")
    most = 0
    holder = sqlite3.connect(park.state / "journal.db", isolation_level=None, timeout=30)
    try:
        holder.execute("BEGIN IMMEDIATE")
        head = park.figure("causeway_journal_head")
        sent, begun = load.total, resident(hub.pid)
        deadline = time.monotonic() + 12
        while time.monotonic() < deadline:
            most = max(most, resident(hub.pid))
            time.sleep(0.2)
        assert park.figure("causeway_journal_head") == head, "something was written beside the lock"
        assert load.total - sent > 5000, "there was no load"
        assert _answers(park)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert most < 250 * MEGABYTE, f"{most / MEGABYTE:.0f} MB"
    assert most - begun < 60 * MEGABYTE, f"it grew by {(most - begun) / MEGABYTE:.0f} MB"
    load.stop()
    everything_arrived(park, publishers)
    nothing_lost_nothing_double(Held.by(park), load.sent, crashes=0)


def _answers(park: Park) -> bool:
    """The hub still answers, though nothing can be stored."""
    return bool(park.query("{ sources { id } }")["sources"])


def _lost(park: Park, name: str) -> str:
    found = park.source(name)
    text: str = found["text"]
    return text if found["state"] == "UNAVAILABLE" and found["stale"] else ""


@pytest.mark.timeout(240)
def test_the_whole_hub_on_postgresql(
    parks: Parks, broker: Mosquitto, publishers: Publishers, postgres: Postgres
) -> None:
    url = postgres.new_database()
    park: Park = parks(broker=broker.port, journal=url)
    park.start()
    hear_first_message(park, publishers)
    subscriber = Subscriber(park.port, park.query("{ alerts(first: 1) { readAt } }")["alerts"]["readAt"])
    load = publishers(broker.port).start()
    park.until(lambda: subscriber.events, "alerts")
    for _ in range(2):
        time.sleep(2)
        park.kill()
        park.launch()
    park.until(lambda: park.part("journal")["state"] == "OK", "the hub to be back", 60)

    with psycopg.connect(url) as other:  # somebody's transaction holds a row that every commit needs
        other.execute("SELECT * FROM meta FOR UPDATE")
        assert park.hub is not None
        begun = resident(park.hub.pid)
        time.sleep(4)
        assert resident(park.hub.pid) - begun < 60 * MEGABYTE
        other.rollback()
    load.stop()
    everything_arrived(park, publishers)
    park.until(lambda: has_every_alert(subscriber, park), "every alert event to arrive once", 60)
    alert = next(id_ for kind, id_ in reversed(subscriber.events) if kind == "OPENED")
    mutation = 'mutation One($id: ID!) { acknowledgeAlert(id: $id, idempotencyKey: "k") { __typename } }'
    answers = [park.query(mutation, id=alert)["acknowledgeAlert"]["__typename"] for _ in range(2)]
    assert answers[0] in ("AcknowledgeAlertSuccess", "AlertAlreadyClosed") and answers[0] == answers[1]
    park.until(lambda: has_every_alert(subscriber, park), "the acknowledgement to arrive")
    subscriber.stop()
    held = Held.by(park)
    nothing_lost_nothing_double(held, load.sent, crashes=2)
    park.graph_equals_a_rebuild()
    park.replay_agrees()
    assert park.stop() == 0
