"""The hub is asked to end, and asked to begin twice."""

import time
from pathlib import Path

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.park import Park, runs
from tests.failure.steps import Publishers, everything_arrived, hear_first_message
from tests.failure.subscriber import Subscriber
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto

pytestmark = pytest.mark.long


@pytest.mark.timeout(120)
def test_sigterm_stores_and_acknowledges_what_was_read_and_leaves_nothing_behind(
    parks: Parks, broker: Mosquitto, cabinet: ModbusServer, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port, cabinet=cabinet.port)
    park.start()
    hear_first_message(park, publishers)
    subscriber = Subscriber(park.port)
    load = publishers(broker.port, per_second=600).start()
    park.until(lambda: subscriber.events, "alerts")
    engine, hub = park.engine, park.hub
    assert engine is not None and hub is not None
    begun = time.monotonic()
    assert park.stop() == 0
    took = time.monotonic() - begun
    assert took < 20, f"it took {took:.1f} s to end"
    park.hub = None
    assert not runs(hub.pid) and not runs(engine)
    assert not (park.state / "hub.sock").exists()
    assert not (park.state / "engine.json").exists()
    last = [line["event"] for line in park.logged()][-1]
    assert last == "hub.stopped"
    assert not [line for line in park.logged() if line.get("level") == "error"], "it ended with errors in its log"
    before = Held.by(park)
    stored = {sensor: before.numbers(sensor) for sensor in load.sent}
    load.stop()
    deadline = time.monotonic() + 5
    while not subscriber.closed and time.monotonic() < deadline:
        time.sleep(0.05)
    assert subscriber.closed[:1] in ([1012], [1001]), f"subscribers were not told why: {subscriber.closed}"
    subscriber.stop()
    # What was acknowledged is not sent again: even of messages that bear neither time nor number none comes twice.
    park.start()
    everything_arrived(park, publishers)
    held = Held.by(park)
    assert nothing_lost_nothing_double(held, load.sent, crashes=0) == 0
    for sensor, numbers in stored.items():
        assert held.numbers(sensor)[: len(numbers)] == numbers


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seconds", [0.0, 0.3, 1.0])
def test_sigterm_while_the_graph_engine_starts_leaves_none_running(parks: Parks, seconds: float) -> None:
    park: Park = parks()
    hub = park.launch()
    hub.wait_for_line("hub.starting")
    time.sleep(seconds)
    assert park.stop() == 0
    park.hub = None
    assert not [pid for pid, line in engines() if str(park.state) in line]


def engines() -> list[tuple[int, str]]:
    """Every graph engine that runs on this machine, with its command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "com.arcadedb.server.ArcadeDBServer" in line:
            found.append((int(entry.name), line))
    return found


@pytest.mark.timeout(60)
def test_a_second_hub_on_the_same_state_says_who_runs_and_ends(parks: Parks) -> None:
    park: Park = parks()
    park.start()
    assert park.hub is not None
    begun = time.monotonic()
    second = park.command("serve")
    assert second.returncode == 1
    assert f"process {park.hub.pid} already runs" in second.stderr, second.stderr
    assert "stop it first" in second.stderr
    assert time.monotonic() - begun < 15
    assert park.ready()[0] == 200, "the first one was disturbed"
    assert park.stop() == 0
