"""The parks of the benches that ask over HTTP, in a journal."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from adapters.contract import Claim, Link
from graph_models.entities import Severity
from hub.clock import now
from hub.graph.changes import chunks
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft
from hub.warning import alerts
from hub.warning.alerts import Named

LISTED = 1_000
BUILDINGS, ZONES, ASSETS, ALERTS = 100, 10, 10_000, 2_000
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_AT_ONCE = 1_000


def _asset(number: int, *links: Link) -> Claim:
    values = {
        "kind": "SENSOR",
        "name": f"设备 {number}",
        "manufacturer": "某厂",
        "model": f"M{number % 7}",
        "serial_number": f"SN{number:08}",
        "firmware": "V5.1.2",
        "device_type": "点型感烟火灾探测器",
        "channel": str(number % 64),
        "online": number % 9 > 0,
    }
    return Claim(kind="Asset", external_id=f"a{number}", values=values, links=links)


def _place(name: str, kind: str, called: str, within: str | None) -> Claim:
    links = () if within is None else (Link(relation="PART_OF", target=within),)
    return Claim(kind="Place", external_id=name, values={"kind": kind, "name": called}, links=links)


async def _said(journal: Journal, source: str, claims: list[Claim]) -> dict[str, str]:
    """External id → entity id."""
    ids: dict[str, str] = {}
    for some in chunks(claims, _AT_ONCE):
        ids |= (await journal.append(Draft(source=source, received_at=now(), claims=some))).entities
    return ids


async def listed(journal: Journal) -> None:
    """1,000 assets with ten fields each."""
    await _said(journal, "survey", [_asset(number) for number in range(LISTED)])


async def park(journal: Journal) -> None:
    """100 buildings of ten zones with ten assets each; an alert about every fifth asset, every other one open."""
    places = [_place("park", "PARK", "园区", None)]
    for b in range(BUILDINGS):
        places.append(_place(f"b{b}", "BUILDING", f"{b} 号楼", "park"))
        places += [_place(f"z{b * ZONES + z}", "ZONE", f"{b} 号楼 {z} 区", f"b{b}") for z in range(ZONES)]
    zones = BUILDINGS * ZONES
    assets = [_asset(n, Link(relation="LOCATED_IN", target=f"z{n % zones}")) for n in range(ASSETS)]
    ids = await _said(journal, "survey", places + assets)
    told = []
    for number in range(ALERTS):
        asset = number * ASSETS // ALERTS + number % 5
        at = START + timedelta(minutes=number)
        alert = alerts.opened(
            id=alerts.alert_id("bench", "smoke", ids[f"a{asset}"], str(number)),
            rule="smoke",
            severity=list(Severity)[number % 4],
            code="limit.above",
            at=at,
            measured=None,
            subject=Named(id=ids[f"a{asset}"], kind="SENSOR", name=f"设备 {asset}"),
            path=[Named(id=ids[f"z{asset % zones}"], kind="ZONE", name=None)],
        )
        told.append(alerts.claim(alert if number % 2 else alerts.closed(alerts.returned(alert, at=at), at=at)))
    await _said(journal, HUB, told)


PARKS: Mapping[str, Callable[[Journal], Awaitable[None]]] = {"listed": listed, "park": park}
