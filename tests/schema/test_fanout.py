"""Many who watch the same: each hears each event once and in order, whoever comes, goes, is slow, or changes rights."""

import asyncio
import json
import random
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from hub.clock import now
from hub.errors import Unauthenticated
from hub.journal.cursors import FeedCursor
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent
from hub.live.feed import Feed
from hub.telemetry import Metrics
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, Action, Grant, Mask, Viewer, Visibility
from hub.web.answers import Answer
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation
from hub.web.releasing import Release
from hub.web.session import Session
from schema.schema import schema
from tests.schema.hub import Hub

DOCUMENT = "subscription W($from: FeedCursor) { alerts(after: $from) { cursor type alert { id value } } }"
OPEN: Mask = (Grant(scope=EVERYTHING),)
NARROW: Mask = (Grant(scope=EVERYTHING, fields={"Alert.value": Visibility.HIDE}),)


class Switched:
    """Rights by the subject's name, which a test changes."""

    def __init__(self) -> None:
        self.narrowed: set[str] = set()

    @property
    def version(self) -> str:
        return " ".join(sorted(self.narrowed))

    def mask(self, viewer: Viewer, action: Action) -> Mask:
        return NARROW if viewer.subject in self.narrowed else OPEN


class Park:
    def __init__(self, journal: Journal, hub: Hub) -> None:
        self.journal = journal
        self.feed = Feed(journal)
        self.rights = Switched()
        services = replace(hub.services, journal=journal, feed=self.feed)
        self.executed = 0

        def context(asker: Asker, mask: Mask) -> object:
            self.executed += 1
            return replace(hub.context(mask), services=services, viewer=asker.viewer)

        self.execution = Execution(schema, context, Metrics(), self.rights, Release(), head=self.head)
        self.told: list[int] = []

    def head(self) -> FeedCursor:
        return FeedCursor(epoch=self.journal.epoch, seq=self.journal.head)

    async def tell(self) -> None:
        alert = {
            "id": str(uuid4()), "rule": "hot", "severity": "SEVERE", "state": "UNACKNOWLEDGED", "code": "limit.above",
            "openedAt": now().isoformat(timespec="microseconds"), "acknowledgedAt": None, "acknowledgedBy": None,
            "returnedAt": None, "closedAt": None, "quantity": "temperature", "value": 71.5, "limit": 70.0,
            "unit": "Cel", "subject": {"id": str(uuid4()), "kind": "SENSOR", "name": "t"}, "path": [],
        }  # fmt: skip
        event = NewEvent(
            type="alert.opened", version=2, stream=f"alert:{alert['id']}", expected=0, data={"alert": alert}, actor=HUB
        )
        self.told.append((await self.journal.append(Draft(source=HUB, received_at=now(), events=(event,)))).seq)


class Listener:
    """A subscriber as a transport has it: `seen` are (sequence, value), `at_once` of them without waiting."""

    def __init__(self, park: Park, name: str, patience: float = 1.0, chance: random.Random | None = None) -> None:
        self.park = park
        self.name = name
        self.seen: list[tuple[int, float | None]] = []
        self.at_once = 0
        self.session = Session(Asker(viewer=replace(LOCAL_ADMINISTRATOR, subject=name)), now)
        self.last: Answer | None = None
        self._patience = patience
        self._chance = chance or random.Random(0)
        self._task: asyncio.Task[None] | None = None

    def listen(self, after: str | None) -> None:
        self._task = asyncio.create_task(self._listen(after))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def heard(self, count: int) -> None:
        try:
            async with asyncio.timeout(30):
                while len(self.seen) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
        except TimeoutError:
            heard = [seq for seq, _ in self.seen]
            raise AssertionError(f"{self.name} heard {heard} of {self.park.told}, last {self.last}") from None

    async def _listen(self, after: str | None) -> None:
        operation = Operation(document=DOCUMENT, variables={"from": after})
        events = self.park.execution.events(operation, self.session, "websocket", self._offer)
        async with aclosing(events) as answers:
            async for answer in answers:
                self.last = answer
                if answer.refused:
                    return
                await asyncio.sleep(0.003 if self._chance.random() > self._patience else 0)
                self._take(answer)

    def _offer(self, answer: Answer) -> bool:
        if self._chance.random() > self._patience:
            return False
        self.at_once += 1
        self._take(answer)
        return True

    def _take(self, answer: Answer) -> None:
        event = json.loads(answer.body)["data"]["alerts"]
        self.seen.append((FeedCursor.decode(event["cursor"]).seq, event["alert"]["value"]))


async def opened(folder: Path, hub: Hub) -> tuple[Park, asyncio.Task[None]]:
    park = Park(await Journal.open(JournalConfig(url="sqlite", folder=folder)), hub)
    return park, asyncio.create_task(park.feed.run())


async def closed(park: Park, reader: asyncio.Task[None], listeners: list[Listener]) -> None:
    for each in listeners:
        await each.stop()
    reader.cancel()
    await park.journal.close()


@pytest.mark.parametrize("seed", range(6))
def test_each_hears_each_event_once_and_in_order(hub: Hub, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    async def main() -> None:
        park, reader = await opened(tmp_path, hub)
        start = FeedCursor(epoch=park.journal.epoch, seq=park.journal.head).encode()
        listeners: list[Listener] = []
        left: list[Listener] = []
        for _ in range(150):
            match chance.choice(["tell", "tell", "tell", "come", "go", "pause", "narrow"]):
                case "tell":
                    await park.tell()
                case "come":
                    listener = Listener(park, f"s{len(listeners) + len(left)}", chance.choice([1.0, 1.0, 0.8]), chance)
                    listener.listen(start)
                    listeners.append(listener)
                case "go" if len(listeners) > 3:
                    gone = listeners.pop(chance.randrange(len(listeners)))
                    await gone.stop()
                    left.append(gone)
                case "narrow" if listeners:
                    park.rights.narrowed ^= {chance.choice(listeners).name}
                case _:
                    await asyncio.sleep(chance.random() * 0.03)
        for listener in listeners:
            await listener.heard(len(park.told))
        for _ in range(3):  # and all of them go on
            await park.tell()
        for listener in listeners:
            await listener.heard(len(park.told))
            assert [seq for seq, _ in listener.seen] == park.told
        for listener in left:
            assert [seq for seq, _ in listener.seen] == park.told[: len(listener.seen)]
        await closed(park, reader, listeners)

    asyncio.run(main())


def test_all_hear_by_one_execution_and_a_leader_may_go(hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        park, reader = await opened(tmp_path, hub)
        listeners = [Listener(park, f"s{number}") for number in range(50)]
        for listener in listeners:
            listener.listen(None)
        await asyncio.sleep(0.3)
        for count in range(1, 21):
            if count == 10:
                await listeners.pop(0).stop()
            executed = park.executed
            await park.tell()
            for listener in listeners:
                await listener.heard(count)
        assert park.executed == executed + 1
        assert all(listener.at_once >= 18 for listener in listeners)
        assert all([seq for seq, _ in listener.seen] == park.told for listener in listeners)
        await closed(park, reader, listeners)

    asyncio.run(main())


def test_rights_and_sessions_are_each_ones_own(hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        park, reader = await opened(tmp_path, hub)
        one, other, third = listeners = [Listener(park, name) for name in ("one", "other", "third")]
        for listener in listeners:
            listener.listen(None)
        await asyncio.sleep(0.2)
        for count in range(1, 5):
            await park.tell()
            for listener in listeners:
                await listener.heard(count)
        park.rights.narrowed.add("other")
        third.session.end(Unauthenticated("it was revoked"))
        for count in range(5, 8):
            await park.tell()
            await one.heard(count)
            await other.heard(count)
        assert [value for _, value in one.seen] == [71.5] * 7
        assert [value for _, value in other.seen] == [71.5] * 4 + [None] * 3
        assert len(third.seen) == 4
        assert third.last is not None
        assert third.last.refused
        await closed(park, reader, listeners)

    asyncio.run(main())
