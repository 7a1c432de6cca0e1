"""Before the embedded engine is up nobody is asked for an answer, so nothing fails unheard."""

import asyncio
import logging
import time

import pytest

from hub.errors import GraphUnavailable
from hub.graph.store import Store


def test_a_store_whose_engine_is_being_started_says_so_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> float:
        store = await Store.open(None)
        began = time.monotonic()
        for ask in (store.read("RETURN 1 AS one", {}), store.write([("RETURN 1", {})]), store.contact()):
            with pytest.raises(GraphUnavailable, match="does not answer at the moment"):
                await ask
        took = time.monotonic() - began
        assert not store.available
        await store.close()
        return took

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(play()) < 1.0
    assert not caplog.records, "it is no news that an engine that starts does not answer yet"
