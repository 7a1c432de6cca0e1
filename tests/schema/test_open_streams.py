"""A stream that is open while its viewer's rights change: each event is shown under the rights of its moment."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace

from hub.clock import now
from hub.telemetry import Metrics
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, Action, Grant, Mask, Viewer, Visibility
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation
from hub.web.releasing import Release
from hub.web.session import Session
from schema.schema import schema
from tests.schema.conftest import Run
from tests.schema.hub import Hub

ALERTS = "subscription { alerts { alert { id quantity value } } }"
OPEN: Mask = (Grant(scope=EVERYTHING),)
NARROW: Mask = (Grant(scope=EVERYTHING, fields={"Alert.value": Visibility.HIDE}),)
CLOSED: Mask = (Grant(scope=EVERYTHING, types=frozenset({"Place"})),)


class Changing:
    """Rights that a test changes; a new mask at each question, as after a change of policies."""

    def __init__(self) -> None:
        self.grants = OPEN

    @property
    def version(self) -> str:
        return repr(self.grants)

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return tuple(self.grants)


def test_an_open_stream_shows_what_the_rights_of_the_moment_show(hub: Hub, run: Run) -> None:
    async def main() -> None:
        rights = Changing()

        async def now_watched(_: int) -> Mask:
            return rights.grants

        contexts = lambda asker, mask: replace(hub.context(mask), live=now_watched)  # noqa: E731
        execution = Execution(schema, contexts, Metrics(), rights, Release())
        session = Session(Asker(viewer=LOCAL_ADMINISTRATOR), now)
        async with (
            asyncio.timeout(20),
            aclosing(execution.events(Operation(document=ALERTS), session, "sse")) as events,
        ):
            waiting = asyncio.ensure_future(anext(events))
            for number, grants in enumerate((OPEN, NARROW, CLOSED, NARROW, OPEN)):
                await asyncio.sleep(0.05)
                rights.grants = grants
                id_ = await hub.open_alert(f"stream {number}")
                if grants is CLOSED:
                    assert not (await asyncio.wait((waiting,), timeout=0.3))[0]
                    continue
                alert = json.loads((await waiting).body)["data"]["alerts"]["alert"]
                value = 81.5 if grants is OPEN else None
                assert alert == {"id": id_, "quantity": "temperature", "value": value}
                waiting = asyncio.ensure_future(anext(events))
            waiting.cancel()
            await asyncio.wait((waiting,))

    run(main())
