"""The hub of the benches `latency` and `fanout`: a real journal, feed, schema and server, tokens verified, policies and
audit on; it appends alerts.

Prints the URL and a token as JSON. Each line on standard input is an order: `steady SECONDS RATE` appends alerts one by
one and prints for each its sequence number and when COMMIT returned (CLOCK_MONOTONIC, nanoseconds, which all processes
of a machine share); `burst N` appends N in one commit and prints when that returned; `memory` prints resident bytes.
It ends with its standard input.
"""

import asyncio
import json
import sys
import time
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

import uvloop
from joserfc import jwt
from joserfc.jwk import RSAKey

from hub.access.audit.audit import Audit
from hub.access.audit.store import AuditConfig
from hub.access.issuers import IssuerRules
from hub.access.keys import FetchedKeys
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.access.tokens import Tokens, Trusted
from hub.clock import now
from hub.graph.selection import MASKABLE
from hub.ingest.collector import spare_collector
from hub.journal.log import Journal, JournalConfig
from hub.journal.records import HUB, Draft, NewEvent
from hub.live.feed import Feed
from hub.reserve.distances import Pace
from hub.reserve.reserve import Reserve
from hub.telemetry import Metrics
from hub.viewer import Mask
from hub.warning.engine import Engine
from hub.web.application import create_application
from hub.web.config import WebConfig
from hub.web.health import Probes
from hub.web.operation import Asker
from hub.web.server import serve
from schema.context import Context, Services
from schema.schema import schema

ISSUER, AUDIENCE = "https://issuer.example", "https://hub.example"
PLACES = ("配电间 3F-2", "B2 三层", "B2 号楼", "园区")
KINDS = ("ZONE", "STOREY", "BUILDING", "PARK")


def alert() -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "rule": "cabinet-hot",
        "severity": "SEVERE",
        "state": "UNACKNOWLEDGED",
        "code": "limit.above",
        "openedAt": now().isoformat(timespec="microseconds"),
        "acknowledgedAt": None,
        "acknowledgedBy": None,
        "returnedAt": None,
        "closedAt": None,
        "quantity": "temperature",
        "value": 71.5,
        "limit": 70.0,
        "unit": "Cel",
        "subject": {"id": str(uuid4()), "kind": "SENSOR", "name": "配电柜 3 温度"},
        "path": [{"id": str(uuid4()), "kind": k, "name": n} for k, n in zip(KINDS, PLACES, strict=True)],
    }


def note_commits(journal: Journal) -> list[int]:
    """The moments at which COMMIT returned, noted on the writer's own thread, right after it."""
    moments: list[int] = []
    writer = cast(Any, journal)._writer
    recovered = writer._recovered

    def noted() -> None:
        moments.append(time.monotonic_ns())
        recovered()

    writer._recovered = noted
    return moments


def opened(told: dict[str, object]) -> NewEvent:
    return NewEvent(
        type="alert.opened", version=2, stream=f"alert:{told['id']}", expected=0, data={"alert": told}, actor=HUB
    )


async def steady(journal: Journal, moments: list[int], seconds: float, rate: float) -> list[tuple[int, int]]:
    """(sequence, moment of COMMIT's return) of each alert; one is appended at each tick, whether or not the clients
    keep up, and each is alone in its commit."""
    noted: list[tuple[int, int]] = []
    begun = time.monotonic()
    for number in range(int(seconds * rate)):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        event = opened(alert())
        moments.clear()
        appended = await journal.append(Draft(source=HUB, received_at=now(), events=(event,)))
        assert len(moments) == 1
        noted.append((appended.seq, moments[0]))
    return noted


async def burst(journal: Journal, moments: list[int], count: int) -> int:
    """When COMMIT returned."""
    events = tuple(opened(alert()) for _ in range(count))
    moments.clear()
    await journal.append(Draft(source=HUB, received_at=now(), events=events))
    assert len(moments) == 1
    return moments[0]


def resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this machine does not say what a process's memory is")


def a_token() -> tuple[Tokens, str]:
    """Who verifies, and a duty officer's token."""
    key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    published = {"keys": [key.as_dict(private=False)]}
    at = int(now().timestamp())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "client_id": "explorer", "iat": at, "exp": at + 36_000, "sub": "officer",
        "jti": "1", "roles": ["duty_officer"], "scope": "purpose:operations",
    }  # fmt: skip

    async def fetch() -> dict[str, object]:
        return published

    rules = IssuerRules(url=ISSUER, audience=AUDIENCE)
    authority = Tokens([Trusted(issuer=rules, keys=FetchedKeys(fetch))], now)
    return authority, jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": "first"}, claims, key)


async def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder / "journal"))
        moments = note_commits(journal)
        feed = Feed(journal)
        parts: dict[str, Any] = dict.fromkeys(each.name for each in fields(Services))  # an alert's snapshot needs none
        engine = Engine(journal, now, precedence={})
        reserve = Reserve(journal, engine, now, precedence={}, pace=Pace())
        services = Services(
            **parts | {"journal": journal, "feed": feed, "reserve": reserve, "clock": now, "precedence": {}}
        )

        def context(asker: Asker, mask: Mask) -> Context:
            return Context(services=services, viewer=asker.viewer, mask=mask, language=asker.language)

        authority, token = a_token()
        audit = await Audit.open(AuditConfig(folder=folder / "audit", key=folder / "audit.key"))
        await audit.settled()
        application = create_application(
            schema,
            context,
            WebConfig(port=0),
            metrics=Metrics(),
            probes=Probes(),
            authority=authority,
            rights=Policies(load(None, declared(MASKABLE))),
            audit=audit,
            head=feed.head,
        )
        spare_collector()  # as the hub does
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(feed.run())
            told = lambda url: print(json.dumps({"url": url, "token": token}), flush=True)  # noqa: E731
            group.create_task(serve(application, WebConfig(port=0), stop, told))
            while order := (await asyncio.to_thread(sys.stdin.readline)).split():
                match order:
                    case ["steady", seconds, rate]:
                        answer: object = await steady(journal, moments, float(seconds), float(rate))
                    case ["burst", count]:
                        answer = await burst(journal, moments, int(count))
                    case ["memory"]:
                        answer = resident()
                    case _:
                        raise SystemExit(f"no such order: {order}")
                print(json.dumps(answer), flush=True)
            stop.set()
            reader.cancel()
        await audit.close()
        await journal.close()


if __name__ == "__main__":
    uvloop.run(main())
