"""CAP over a real HTTP server: the contract, and each way in which a server fails."""

from adapters.government.cap import ADAPTER
from adapters.testing import contract_tests
from tests.adapters.cap_server import Feed

globals().update(contract_tests(ADAPTER, Feed))
