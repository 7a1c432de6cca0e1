"""The hub's own memory under a park's load: bounded, and flat however long it runs."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held
from tests.failure.park import Park, resident
from tests.failure.steps import Publishers, everything_arrived, hear_first_message
from tests.servers.mosquitto import Mosquitto

MEGABYTE = 1 << 20
MOST = 250 * MEGABYTE
SENSORS = 300
FLOOD = Path(__file__).parent / "flood.py"


@pytest.mark.timeout(120)
def test_memory_stays_below_its_bound(parks: Parks, broker: Mosquitto, publishers: Publishers) -> None:
    _flooded(parks, broker, publishers, rounds=60, flat=None)


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_memory_is_flat_over_an_hours_readings(parks: Parks, broker: Mosquitto, publishers: Publishers) -> None:
    """300 sensors, a reading a second each, an hour's worth, as fast as it goes."""
    _flooded(parks, broker, publishers, rounds=3600, flat=1.05)


def _flooded(parks: Parks, broker: Mosquitto, publishers: Publishers, *, rounds: int, flat: float | None) -> None:
    park: Park = parks(broker=broker.port)
    hub = park.start()
    hear_first_message(park, publishers)
    samples: list[int] = []
    begun = time.monotonic()
    with subprocess.Popen([sys.executable, str(FLOOD), str(broker.port), str(SENSORS), str(rounds)]) as flood:
        while flood.poll() is None:
            samples.append(resident(hub.pid))
            time.sleep(0.2)
    assert flood.returncode == 0
    everything_arrived(park, publishers)
    samples.append(resident(hub.pid))
    took = time.monotonic() - begun
    quarters = [statistics.median(part) / MEGABYTE for part in _quarters(samples)]
    figures = {
        "readings": SENSORS * rounds,
        "seconds": round(took, 1),
        "most_mb": round(max(samples) / MEGABYTE, 1),
        "quarters_mb": [round(quarter, 1) for quarter in quarters],
    }
    print(json.dumps(figures))
    held = Held.by(park)
    assert sum(len(rows) for (sensor, _), rows in held.readings.items() if sensor.startswith("s")) == SENSORS * rounds
    assert max(samples) <= MOST, figures
    if flat is not None:
        assert quarters[3] <= flat * quarters[1], figures


def _quarters(samples: list[int]) -> list[list[int]]:
    size = max(1, len(samples) // 4)
    return [samples[n * size : (n + 1) * size if n < 3 else None] for n in range(4)]
