"""What happens beside answers is in the audit: refusals counted, so that a flood of them is a few rows."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.access.audit.happenings import DAILY, TOLD_APART, Happenings, Noting
from hub.access.authority import Credentials
from hub.clock import ManualClock
from hub.errors import Unauthenticated
from hub.viewer import Viewer
from tests.access.audit.keeping import GUARD, Keeping, folder, in_loop

KNOWN = "Bearer known"


class Door:
    """Lets one token in."""

    async def viewer(self, credentials: Credentials) -> Viewer:
        if credentials.authorization != KNOWN:
            raise Unauthenticated("The token has expired. Get a new one.")
        return Viewer(subject=GUARD.subject, issuer=GUARD.issuer, token="t-1")

    async def holds(self, viewer: Viewer) -> bool:
        return True


def bodies(keeping: Keeping) -> list[Mapping[str, Any]]:
    return [json.loads(bytes(body)) for (body,) in keeping.rows("SELECT body FROM entry ORDER BY number")]


async def knock(door: Noting, address: str, authorization: str | None) -> bool:
    try:
        await door.viewer(Credentials(authorization=authorization, address=address))
    except Unauthenticated:
        return False
    return True


@in_loop
async def test_a_flood_of_refusals_is_a_few_rows_and_none_is_uncounted(tmp_path: Path) -> None:
    keeping = folder(tmp_path)
    audit = await keeping.open()
    happenings = Happenings(audit)
    door = Noting(Door(), happenings)
    for number in range(20_000):
        assert not await knock(door, f"10.0.{number // 256 % 256}.{number % 256}", "Bearer secret-of-somebody")
    assert await knock(door, "10.9.9.9", KNOWN) and await knock(door, "10.9.9.9", KNOWN)
    assert not await knock(door, "10.9.9.9", None)
    await asyncio.sleep(0)  # what was told from any thread is taken
    happenings.flush()
    await audit.close()
    rows = bodies(keeping)
    refused = [row for row in rows if row["event"] == "refused"]
    assert len(refused) == TOLD_APART + 1
    assert sum(row.get("times", 1) for row in refused) == 20_001
    assert refused[0]["about"] == {
        "address": "10.0.0.0",
        "code": "UNAUTHENTICATED",
        "why": "The token has expired. Get a new one.",
    }
    used = [row for row in rows if row["event"] == "token.first_used"]
    assert [row["viewer"]["subject"] for row in used] == [GUARD.subject]
    assert "secret-of-somebody" not in str(rows)
    assert keeping.verified().holds


@in_loop
async def test_a_day_of_refusals_from_everywhere_stays_within_its_rows(tmp_path: Path) -> None:
    keeping, clock = folder(tmp_path), ManualClock(datetime(2026, 5, 4, 0, 0, tzinfo=UTC))
    audit = await keeping.open(clock=clock)
    happenings = Happenings(audit)
    minutes = DAILY // TOLD_APART + 30
    for minute in range(minutes):
        for number in range(TOLD_APART):
            happenings.refused("UNAUTHENTICATED", {"address": f"10.0.{minute % 256}.{number}"})
        await asyncio.sleep(0)
        happenings.flush()
        clock.advance(timedelta(minutes=1))
    assert clock().day == 4
    clock.advance(timedelta(days=1))
    happenings.refused("UNAUTHENTICATED", {"address": "10.0.0.1"})
    await asyncio.sleep(0)
    happenings.flush()
    await audit.close()
    rows = bodies(keeping)
    assert len(rows) == DAILY + 30 + 1
    assert sum(row.get("times", 1) for row in rows) == minutes * TOLD_APART + 1
    assert rows[-1]["about"]["address"] == "10.0.0.1"  # a new day tells them apart again
    assert rows[-2] == {"event": "refused", "about": {"about": "others"}, "times": TOLD_APART}
