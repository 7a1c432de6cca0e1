"""The graph stopped and killed under a running hub: everything that needs no graph goes on, and it catches up."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.graph.store import GraphConfig, Store
from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.park import Park, QueryFailed
from tests.failure.steps import Publishers, everything_arrived, has_every_alert, hear_first_message
from tests.failure.subscriber import Subscriber
from tests.servers.mosquitto import Mosquitto
from tests.servers.neo4j import Neo4j
from tests.servers.process import ServerMissing

pytestmark = pytest.mark.long

NEEDS_THE_GRAPH = (
    "{ assets { nodes { name } } }",
    "{ places { totalCount } }",
    "{ alerts { nodes { id } } }",
)
ACKNOWLEDGE = """mutation Acknowledge($id: ID!, $key: String!) {
  acknowledgeAlert(id: $id, idempotencyKey: $key) { __typename ... on AcknowledgeAlertSuccess { projected } }
}"""


@pytest.mark.timeout(240)
def test_the_embedded_engine_stands_still(parks: Parks, broker: Mosquitto, publishers: Publishers) -> None:
    park = parks(broker=broker.port)
    _goes_on_without(park, broker, publishers, lambda: park.engine, how=signal.SIGSTOP, seconds=6)


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_the_embedded_engine_stands_still_for_a_minute(parks: Parks, broker: Mosquitto, publishers: Publishers) -> None:
    park = parks(broker=broker.port)
    _goes_on_without(park, broker, publishers, lambda: park.engine, how=signal.SIGSTOP, seconds=60)


@pytest.fixture
def own_neo4j(tmp_path: Path) -> Any:
    try:
        server = Neo4j.start(tmp_path / "neo4j")
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.kill()


@pytest.mark.timeout(300)
def test_neo4j_is_killed(parks: Parks, broker: Mosquitto, publishers: Publishers, own_neo4j: Neo4j) -> None:
    asyncio.run(_left_by_an_earlier_kill(own_neo4j.uri))
    park = parks(broker=broker.port, graph=own_neo4j.uri)
    _goes_on_without(
        park, broker, publishers, lambda: own_neo4j.pid, how=signal.SIGKILL, seconds=3, back=own_neo4j.restart
    )


async def _left_by_an_earlier_kill(uri: str) -> None:
    """A Neo4j that is killed while it makes a constraint keeps the index without its constraint."""
    store = await Store.open(GraphConfig(uri=uri))
    await store.define("CREATE INDEX place_id FOR (n:Place) ON (n.id)")
    await store.close()


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_the_embedded_engine_is_killed_and_started_again_by_the_hub(
    parks: Parks, broker: Mosquitto, publishers: Publishers
) -> None:
    park = parks(broker=broker.port)
    park.start()
    hear_first_message(park, publishers)
    load = publishers(broker.port).start()
    time.sleep(1)
    first = park.engine
    assert first is not None
    os.kill(first, signal.SIGKILL)
    park.until(lambda: park.engine not in (None, first), "another engine", 60)
    park.until(lambda: park.part("graph")["state"] == "OK", "the graph to be back", 60)
    load.stop()
    everything_arrived(park, publishers)
    nothing_lost_nothing_double(Held.by(park), load.sent, crashes=0)
    park.graph_equals_a_rebuild()


def _goes_on_without(
    park: Park,
    broker: Mosquitto,
    publishers: Publishers,
    engine: Callable[[], int | None],
    *,
    how: signal.Signals,
    seconds: float,
    back: Callable[[], None] | None = None,
) -> None:
    park.start()
    hear_first_message(park, publishers)
    begin = park.query("{ alerts(first: 1) { readAt } }")["alerts"]["readAt"]
    subscriber = Subscriber(park.port, begin)
    load = publishers(broker.port).start()
    park.until(lambda: len(subscriber.events) > 2, "alerts while all is well")
    pid = engine()
    assert pid is not None
    os.kill(pid, how)
    try:
        gone_at = time.monotonic()
        stored, heard = park.figure("causeway_journal_head"), len(subscriber.events)
        park.until(lambda: park.part("graph")["state"] == "DEGRADED", "/readyz to tell of the graph", 20)
        status, report = park.ready()
        assert (status, report["state"]) == (200, "DEGRADED"), report
        assert "go on" in report["parts"]["graph"]["text"]
        for query in NEEDS_THE_GRAPH:
            begun = time.monotonic()
            with pytest.raises(QueryFailed) as failed:
                answer = park.query(query)
                raise AssertionError(f"{query} was answered without a graph: {answer}")
            assert failed.value.code == "GRAPH_UNAVAILABLE", failed.value
            assert time.monotonic() - begun < 10
        assert park.source("broker")["state"] == "OK"
        park.until(lambda: len(subscriber.events) > heard + 2, "alerts without a graph")
        assert park.figure("causeway_journal_head") > stored
        _acknowledge(park, subscriber)
        time.sleep(max(0.0, gone_at + seconds - time.monotonic()))
        assert park.part("graph")["behind"] > 0
    finally:
        if back is not None:
            back()
        else:
            os.kill(pid, signal.SIGCONT)
    load.stop()
    everything_arrived(park, publishers)
    park.until(lambda: park.ready()[1]["parts"]["graph"]["state"] == "OK", "the graph to be well again", 60)
    park.until(lambda: has_every_alert(subscriber, park), "every alert event to arrive once")
    subscriber.stop()
    held = Held.by(park)
    nothing_lost_nothing_double(held, load.sent, crashes=0)
    assert subscriber.events == held.alert_events(subscriber.begin)
    acknowledged = {alert for kind, alert in held.alert_events() if kind == "ACKNOWLEDGED"}
    assert acknowledged
    for alert in acknowledged:
        shown = park.query("query One($id: ID!) { alert(id: $id) { state acknowledgedBy } }", id=alert)["alert"]
        assert shown["acknowledgedBy"], shown
    park.graph_equals_a_rebuild()
    park.replay_agrees()


def _acknowledge(park: Park, subscriber: Subscriber) -> None:
    """An alert that was opened while the graph was away: answered soon, saying that queries will show it later."""
    heard = len(subscriber.events)

    def done() -> bool:
        opened = [alert for kind, alert in subscriber.events[heard - 3 :] if kind == "OPENED"]
        if not opened:
            return False
        begun = time.monotonic()
        answer = park.query(ACKNOWLEDGE, id=opened[-1], key=str(uuid.uuid4()))["acknowledgeAlert"]
        took = time.monotonic() - begun
        if answer["__typename"] == "AlertAlreadyClosed":
            return False
        assert answer == {"__typename": "AcknowledgeAlertSuccess", "projected": False}, answer
        assert took < 4, f"it took {took:.1f} s"
        return True

    park.until(done, "an alert to acknowledge")
