"""The supervisor's half of the contract over each of the hub's own adapters, on real servers."""

from adapters import registry
from hub.ingest.contract import supervised_tests
from tests.adapters.cap_server import Feed
from tests.adapters.cma_server import Alarms
from tests.adapters.gb26875_peer import FirePanel
from tests.adapters.isapi_peer import Recorder
from tests.adapters.onvif_peer import Camera
from tests.adapters.quake_server import Quakes
from tests.adapters.test_modbus import Registers
from tests.adapters.test_mqtt import Broker
from tests.adapters.test_sql import SqliteTenant
from tests.adapters.test_stock_files import Lists

COUNTERPARTS = {
    "earthquakes": Quakes,
    "cma": Alarms,
    "cap": Feed,
    "gb26875": FirePanel,
    "isapi": Recorder,
    "modbus": Registers,
    "mqtt": Broker,
    "sql": SqliteTenant,
    "stock_files": Lists,
    "onvif": Camera,
}

for _name, _counterpart in COUNTERPARTS.items():
    _tests = supervised_tests(registry.find(_name), _counterpart)
    globals().update({f"{test}_{_name}": function for test, function in _tests.items()})


def test_every_built_in_adapter_is_tried() -> None:
    assert COUNTERPARTS.keys() == registry.BUILT_IN.keys()
