"""ONVIF's PullPoint: a subscription that is renewed before it ends, pulled from again and again, and given back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from lxml import etree

from adapters import xml
from adapters.contract import SourceError, Unreachable
from adapters.nvr import soap
from adapters.nvr.onvif_config import OnvifConfig
from adapters.nvr.soap import Refused, Soap, element

PAGE = 50
"""Events that are asked for at once."""
_PULL = f"{soap.EVENTS}/PullPointSubscription"
_MANAGER = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullPoint:
    """`headers`: what the device wants to have back with each call."""

    caller: Soap
    config: OnvifConfig
    address: str
    seconds: float  # that it was granted for
    headers: Sequence[bytes]

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, caller: Soap, config: OnvifConfig, address: str) -> "AsyncIterator[PullPoint]":
        """Raises SourceError. Is given back at the end, since devices bear few."""
        point = await cls._subscribed(caller, config, address)
        try:
            with contextlib.suppress(Refused):  # not every device tells what is so already
                await point._call(_PULL, "SetSynchronizationPoint", space=soap.EVENTS)
            yield point
        finally:
            with contextlib.suppress(SourceError, TimeoutError):
                async with asyncio.timeout(config.timeout_seconds):
                    await point._call(_MANAGER, "Unsubscribe")

    async def messages(self) -> AsyncIterator[Sequence[xml.Element]]:
        """Ends when the device no longer renews: then a new one is asked for. Raises SourceError."""
        loop = asyncio.get_running_loop()
        renew_at = loop.time() + self.seconds / 2
        wait = min(self.config.pull_seconds, self.seconds / 4)
        while True:
            told = await self._call(
                _PULL,
                "PullMessages",
                element(soap.EVENTS, "Timeout", _span(wait)),
                element(soap.EVENTS, "MessageLimit", str(PAGE)),
                space=soap.EVENTS,
                patience=wait + self.config.timeout_seconds,
            )
            yield list(xml.children(told, "NotificationMessage"))
            if loop.time() >= renew_at:
                until = element(soap.NOTIFICATION, "TerminationTime", _span(self.config.subscription_seconds))
                try:
                    renewed = await self._call(_MANAGER, "Renew", until)
                except Refused:
                    return
                renew_at = loop.time() + _granted(renewed, self.config.subscription_seconds) / 2

    @classmethod
    async def _subscribed(cls, caller: Soap, config: OnvifConfig, address: str) -> "PullPoint":
        told = await caller.call(
            address,
            f"{soap.EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
            element(
                soap.EVENTS,
                "CreatePullPointSubscription",
                element(soap.EVENTS, "InitialTerminationTime", _span(config.subscription_seconds)),
            ),
        )
        reference = xml.find(told, "SubscriptionReference")
        where = xml.text(reference, "Address")
        if reference is None or where is None:
            raise Unreachable(f"{config.url} grants a subscription and names no address for it")
        parameters = xml.find(reference, "ReferenceParameters")
        return cls(
            caller=caller,
            config=config,
            address=caller.address(where, address),
            seconds=_granted(told, config.subscription_seconds),
            headers=()
            if parameters is None
            else [etree.tostring(x, with_tail=False) for x in xml.children(parameters)],
        )

    async def _call(
        self,
        port: str,
        name: str,
        *inside: etree._Element,
        space: str = soap.NOTIFICATION,
        patience: float | None = None,
    ) -> xml.Element:
        return await self.caller.call(
            self.address,
            f"{port}/{name}Request",
            element(space, name, *inside),
            headers=[xml.parse(one) for one in self.headers],
            patience=patience,
        )


def _span(seconds: float) -> str:
    return f"PT{seconds:g}S"


def _granted(told: xml.Element, asked: float) -> float:
    """Seconds that a subscription lasts, by the device's own clock."""
    begun, ends = (soap.moment(xml.text(told, name)) for name in ("CurrentTime", "TerminationTime"))
    if begun is None or ends is None or ends <= begun:
        return asked
    return min(asked, max(2.0, (ends - begun).total_seconds()))
