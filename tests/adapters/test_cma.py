"""China's warnings over a real HTTP server: the contract, identifiers, colours and Beijing time."""

from adapters.government.cma import ADAPTER
from adapters.testing import contract_tests
from tests.adapters.cma_server import Alarms

globals().update(contract_tests(ADAPTER, Alarms))
