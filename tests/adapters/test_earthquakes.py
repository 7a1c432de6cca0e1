"""Earthquakes over a real HTTP server, and what their feeds say of them."""

from adapters.government.earthquakes import ADAPTER
from adapters.testing import contract_tests
from tests.adapters.quake_server import Quakes

globals().update(contract_tests(ADAPTER, Quakes))
