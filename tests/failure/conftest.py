"""Parks with real servers around them; everything that a test started ends with it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.failure.load import Publisher
from tests.failure.park import Park
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto, Options
from tests.servers.process import ServerMissing

Parks = Callable[..., Park]


@pytest.fixture
def parks(tmp_path: Path) -> Iterator[Parks]:
    """Makes a park; not yet started."""
    with ExitStack() as stack:

        def make(**given: Any) -> Park:
            given.setdefault("folder", tmp_path / "park")
            park = Park(**given)
            stack.callback(park.close)
            return park

        yield make


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that lets a hub have many messages in flight."""
    try:
        server = Mosquitto.start(tmp_path / "mosquitto", Options(max_inflight=1000))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[ModbusServer]:
    server = ModbusServer.pymodbus(tmp_path / "modbus")
    yield server
    server.stop()


@pytest.fixture
def publishers() -> Iterator[Callable[..., Publisher]]:
    """Makes a load, ended with the test."""
    with ExitStack() as stack:

        def make(*given: Any, **named: Any) -> Publisher:
            publisher = Publisher(*given, **named)
            stack.callback(publisher.stop)
            return publisher

        yield make
