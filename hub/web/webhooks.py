"""Webhooks: each is told, in the log's order and at least once, what its role may see.

A position moves on when the receiver has answered 2xx, or when an event was tried for as long as declared and became a
dead letter. It is on disk before the next event is sent, so a hub that is killed begins again where it was.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from hub.clock import Clock
from hub.errors import BadRequest, CausewayError, NotFound, nearest
from hub.journal.deliveries import Attempt, DeadLetter, Deliveries
from hub.journal.log import Journal
from hub.live.delivery import Outcome, Sender
from hub.telemetry import logger
from hub.web.encoding import encode
from hub.web.telling import Executions, Message, Teller, Webhook, Withheld

log = logger(__name__)

_PAGE = 200
_IDLE_SECONDS = 30.0
_FAR = 5_000
"""Entries of the log that a webhook is not told of, after which its position is written all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Seconds between attempts: doubled each time, with a little chance, so that not all come back at once."""

    first: float = 1.0
    longest: float = 300.0

    def after(self, attempts: int) -> float:
        return min(self.longest, self.first * 2.0 ** min(attempts - 1, 30)) * random.uniform(0.7, 1.0)


class _Courier:
    """One webhook's."""

    def __init__(
        self,
        webhook: Webhook,
        deliveries: Deliveries,
        journal: Journal,
        executions: Executions,
        sender: Sender,
        clock: Clock,
        pauses: Pauses,
    ) -> None:
        self.webhook = webhook
        self.state = "starting"
        self.position = 0  # of the log, up to which all is settled
        self._deliveries = deliveries
        self._journal = journal
        self._executions = executions
        self._sender = sender
        self._clock = clock
        self._pauses = pauses
        self._again = asyncio.Event()

    def wake(self) -> None:
        """It waits no longer for its next attempt."""
        self._again.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        teller = self._teller()
        position = saved = self.position = await self._begin()
        attempts = 0
        while True:
            try:
                self.state = "delivering"
                reached, messages = await teller.next(position, _PAGE)
                for message in messages:
                    await self._deliver(message)
                    position = saved = self.position = message.seq
                position, attempts = reached, 0
                self.position = reached
                if position - saved > _FAR:
                    await asyncio.to_thread(self._deliveries.move, self.webhook.name, self._journal.epoch, position)
                    saved = position
            except (Withheld, CausewayError) as error:
                if not attempts:
                    log.warning("webhook.withheld", webhook=self.webhook.name, reason=str(error))
                self.state = f"waiting: {error}"
                attempts += 1
                await self._pause(self._pauses.after(attempts))
                continue
            if self._journal.head <= position:
                self.state = "up to date"
                await self._journal.wait(position, _IDLE_SECONDS)

    async def again(self, letter: DeadLetter) -> str:
        """A dead letter once more, told by the rights of now; what became of it."""
        if letter.epoch != self._journal.epoch:
            return "the log was restored from a backup since: it is there no more"
        try:
            _, messages = await self._teller().next(letter.seq - 1, 1)
        except Withheld as error:
            return f"it may not be told now: {error}"
        message = next((one for one in messages if one.seq == letter.seq), None)
        if message is None:
            return "it is not for this webhook any more"
        outcome = await self._sent(message)
        if not outcome.delivered:
            await self._note(message, outcome, "failed")
            return outcome.reason
        attempt = self._attempt(message, outcome, "delivered")
        await asyncio.to_thread(self._deliveries.settle, letter, attempt)
        return "delivered"

    def _teller(self) -> Teller:
        return Teller(self.webhook, self._journal, self._executions, self._clock)

    async def _begin(self) -> int:
        """From now on at its first start, and after a restore, whose log is another one."""
        name, epoch, head = self.webhook.name, self._journal.epoch, self._journal.head
        found = await asyncio.to_thread(self._deliveries.position, name)
        if found is not None and found[0] == epoch and found[1] <= head:
            return found[1]
        if found is not None:
            log.warning("webhook.begins_anew", webhook=name, reason="the log is another one than it was told from")
        await asyncio.to_thread(self._deliveries.move, name, epoch, head)
        return head

    async def _deliver(self, message: Message) -> None:
        """Returns once it is delivered or given up."""
        name, epoch = self.webhook.name, self._journal.epoch
        since = await asyncio.to_thread(self._deliveries.first_tried, name, message.seq, self._clock())
        until = since + timedelta(seconds=self.webhook.retry_seconds)
        attempts = 0
        while True:
            self._again.clear()
            outcome = await self._sent(message)
            attempts += 1
            if outcome.delivered:
                if attempts > 1:
                    log.info("webhook.recovered", webhook=name, attempts=attempts)
                delivered = self._attempt(message, outcome, "delivered")
                await asyncio.to_thread(self._deliveries.delivered, name, epoch, message.seq, delivered)
                return
            left = (until - self._clock()).total_seconds()
            if outcome.gone or left <= 0:
                log.warning("webhook.given_up", webhook=name, message=message.id, reason=outcome.reason)
                given_up = self._attempt(message, outcome, "given_up")
                await asyncio.to_thread(self._deliveries.give_up, name, epoch, message.seq, given_up)
                return
            if attempts == 1:
                log.warning("webhook.failed", webhook=name, message=message.id, reason=outcome.reason)
            await self._note(message, outcome, "failed")
            self.state = f"trying again: {outcome.reason}"
            await self._pause(min(left, max(self._pauses.after(attempts), outcome.wait_seconds or 0.0)))

    async def _sent(self, message: Message) -> Outcome:
        return await self._sender.send(self.webhook.target, message.id, message.body, self._clock())

    async def _note(self, message: Message, outcome: Outcome, what: str) -> None:
        attempt = self._attempt(message, outcome, what)
        await asyncio.to_thread(self._deliveries.note, self.webhook.name, attempt)

    def _attempt(self, message: Message, outcome: Outcome, what: str) -> Attempt:
        return attempt_of(message.id, message.type, outcome, what, self._clock)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._again.wait()
        self._again.clear()


def attempt_of(message: str, type_: str, outcome: Outcome, what: str, clock: Clock) -> Attempt:
    return Attempt(
        message=message,
        type=type_,
        at=clock(),
        milliseconds=outcome.milliseconds,
        status=outcome.status,
        outcome=what,
        reason=outcome.reason,
    )


class Webhooks:
    """All that the park file names; `run` is a task of the hub's."""

    def __init__(
        self,
        webhooks: Sequence[Webhook],
        deliveries: Deliveries,
        journal: Journal,
        executions: Executions,
        clock: Clock,
        pauses: Pauses = Pauses(),
    ) -> None:
        self._deliveries = deliveries
        self._sender = Sender()
        self._couriers = {
            one.name: _Courier(one, deliveries, journal, executions, self._sender, clock, pauses) for one in webhooks
        }

    async def run(self) -> None:
        async with self._sender, asyncio.TaskGroup() as group:
            for courier in self._couriers.values():
                group.create_task(courier.run(), name=f"webhook {courier.webhook.name}")

    def state(self, name: str) -> tuple[str, int]:
        """What it does, and up to where in the log all is settled."""
        courier = self._courier(name)
        return courier.state, courier.position

    async def retry(self, name: str, number: int | None = None) -> Sequence[tuple[DeadLetter, str]]:
        """What waits for its next attempt is tried at once, and the dead letters, or the one of this number, once
        more; what became of each. Raises NotFound, BadRequest."""
        courier = self._courier(name)
        letters = self._deliveries.letters(name)
        if number is not None:
            letters = [one for one in letters if one.id == number]
            if not letters:
                raise BadRequest(f"{name} has no dead letter {number}: causeway webhooks log {name} --dead")
        courier.wake()
        return [(letter, await courier.again(letter)) for letter in letters]

    def _courier(self, name: str) -> _Courier:
        if name not in self._couriers:
            raise NotFound(f"there is no webhook {name!r}; {nearest(name, self._couriers)}")
        return self._couriers[name]


async def test(webhook: Webhook, deliveries: Deliveries, clock: Clock) -> Outcome:
    """A message of type `webhook.test`, signed and sent once; noted in the log."""
    at = clock()
    message = f"msg_test_{int(at.timestamp() * 1000)}"
    body = encode({"type": "webhook.test", "timestamp": at.isoformat(), "data": {"webhook": webhook.name}})
    async with Sender() as sender:
        outcome = await sender.send(webhook.target, message, body, at)
    what = "delivered" if outcome.delivered else "failed"
    attempt = attempt_of(message, "webhook.test", outcome, what, clock)
    await asyncio.to_thread(deliveries.note, webhook.name, attempt)
    return outcome
