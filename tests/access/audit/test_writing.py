"""A record is durable before its answer is; who does not wait is written soon; two hundred at once share commits."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.access.audit import reading
from hub.access.audit.audit import Audit
from hub.access.audit.chain import Checkpoint, Kind
from hub.errors import AuditUnavailable, SettingsError
from tests.access.audit.keeping import GUARD, Keeping, folder, in_loop, personal, plain


@in_loop
async def test_a_written_record_is_in_the_database_when_write_returns(keeping: Keeping) -> None:
    audit = await keeping.open()
    try:
        await audit.write(personal("p-1", "p-2"))
        ((number, body),) = keeping.rows("SELECT number, body FROM entry")
        said = json.loads(bytes(body))
        assert number == 1
        assert said["viewer"] == {
            "subject": "guard-7",
            "issuer": "https://issuer.example",
            "client": "tablet",
            "roles": ["guard"],
            "purpose": "operations",
        }
        assert said["personal"] == {"Person.phone": {"shown": ["p-1", "p-2"]}}
        assert said["types"]["Person"] == {"rows": 2, "fields": ["name", "phone"]}
        assert said["document"] == "ab" * 32 and said["transport"] == "http"
        assert {row[0] for row in keeping.rows("SELECT id FROM subject")} == {"p-1", "p-2"}
    finally:
        await audit.close()


@in_loop
async def test_what_nobody_waits_for_is_written_soon_and_counts_instead_of_naming(keeping: Keeping) -> None:
    audit = await keeping.open()
    try:
        await audit.write(personal("p"))
        audit.offer(plain(1000))
        async with asyncio.timeout(10):
            while not (found := keeping.rows("SELECT body FROM entry WHERE number = 2")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert json.loads(bytes(found[0][0]))["types"] == {"Asset": {"rows": 1000, "fields": ["id", "name"]}}
        assert [row[0] for row in keeping.rows("SELECT id FROM subject")] == ["p"]
    finally:
        await audit.close()


@in_loop
async def test_the_same_event_to_many_streams_of_one_viewer_is_one_record_with_a_count(tmp_path: Path) -> None:
    keeping = folder(tmp_path)
    audit = await keeping.open()
    for _ in range(500):
        audit.offer(plain(1), same="event-1")
    audit.offer(plain(1), same="event-2")
    await audit.close()
    told = [json.loads(bytes(body)).get("deliveries", 1) for (body,) in keeping.rows("SELECT body FROM entry")]
    assert told == [500, 1]


@in_loop
async def test_two_hundred_at_once_share_commits_and_leave_the_loop_free(keeping: Keeping) -> None:
    audit = await keeping.open()
    await audit.write(personal("first"))
    lag = 0.0

    async def watch() -> None:
        nonlocal lag
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            lag = max(lag, time.perf_counter() - begun - 0.005)

    watching = asyncio.create_task(watch())
    try:
        await asyncio.gather(*(audit.write(personal(f"p-{number}")) for number in range(200)))
        ((stored,),) = keeping.rows("SELECT count(*) FROM entry")
        assert stored == 201
        assert lag < 0.5, f"the loop stood still for {lag:.3f} s"
    finally:
        watching.cancel()
        await audit.close()
    assert keeping.verified().holds


@in_loop
async def test_each_process_has_a_chain_and_a_clean_stop_closes_it(keeping: Keeping) -> None:
    told: list[Checkpoint] = []

    async def witness(signed: Checkpoint) -> None:
        told.append(signed)

    for _ in range(2):
        audit = await keeping.open(witness=witness)
        await audit.write(personal("p"))
        await audit.close()
    report = keeping.verified(told)
    assert report.holds and report.chains == 2 and report.entries == 2 and not report.notes
    assert [each.kind for each in told] == [Kind.OPENED, Kind.CLOSED] * 2
    assert [each.number for each in told] == [0, 1, 0, 1]


@in_loop
async def test_checkpoints_come_by_number_and_by_time(tmp_path: Path) -> None:
    keeping = folder(tmp_path).at(checkpoint_entries=10, checkpoint_every=timedelta(seconds=0.3))
    audit = await keeping.open()
    try:
        for _ in range(12):
            await audit.write(personal("p"))
        numbers = "SELECT number FROM checkpoint WHERE kind = 'periodic' ORDER BY number"
        assert (10,) in [tuple(row) for row in keeping.rows(numbers)]
        async with asyncio.timeout(5):
            while (12,) not in [tuple(row) for row in keeping.rows(numbers)]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await audit.close()


def test_a_killed_process_has_lost_nothing_that_it_was_told_is_durable(tmp_path: Path) -> None:
    keeping = folder(tmp_path)
    script = textwrap.dedent(
        """
        import asyncio, sys
        from pathlib import Path
        from tests.access.audit.keeping import folder, personal
        async def main():
            audit = await folder(Path(sys.argv[1])).open()
            async def one(who):
                number = 0
                while True:
                    number += 1
                    await audit.write(personal(f"{who}-{number}"))
                    print(f"{who}-{number}", flush=True)
            await asyncio.gather(*(one(who) for who in "abcdefgh"))
        asyncio.run(main())
        """
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(100)]
        child.send_signal(signal.SIGKILL)
        told += [line.strip() for line in child.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert len(told) >= 100 and all(told)
    stored = {row[0] for row in keeping.rows("SELECT id FROM subject")}
    assert set(told) <= stored
    report = keeping.verified()
    assert report.holds, report.findings
    assert "was not closed" in report.notes[0]
    asyncio.run(_one(keeping))
    assert keeping.verified().holds


@in_loop
async def test_a_key_within_the_state_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lies within the state folder"):
        await folder(tmp_path).at(key=tmp_path / "state" / "audit.key").open()


@in_loop
async def test_a_key_that_is_gone_is_not_made_anew_and_nothing_personal_is_shown(tmp_path: Path) -> None:
    keeping = folder(tmp_path)
    await (await keeping.open()).close()
    keeping.config.key.unlink()
    audit = await keeping.open()
    try:
        with pytest.raises(AuditUnavailable, match="put back the copy"):
            await _until_refused(audit)
        assert not keeping.config.key.exists()
    finally:
        await audit.close()


@in_loop
async def test_the_files_are_for_the_hubs_account_alone(tmp_path: Path) -> None:
    keeping = folder(tmp_path)
    audit = await keeping.open()
    await audit.write(personal("p"))
    state = tmp_path / "state"
    assert {path.stat().st_mode & 0o777 for path in state.glob("audit.db*")} == {0o600}
    assert keeping.config.key.stat().st_mode & 0o777 == 0o600
    await audit.close()


async def _one(keeping: Keeping) -> None:
    audit = await keeping.open()
    await audit.write(personal("after"))
    await audit.close()


async def _until_refused(audit: Audit) -> None:
    await audit.write(personal("p"))


@in_loop
async def test_what_was_shared_with_whom_is_a_query_of_the_record(keeping: Keeping) -> None:
    audit = await keeping.open()
    fire = replace(GUARD, subject="inspector", organization="fire", purpose="supervision")
    for record in (
        personal("li", "wang", viewer=fire),
        personal("li", viewer=fire),
        personal("li", viewer=replace(fire, purpose="emergency")),
        personal("li"),  # for nobody's organization
        plain(viewer=fire),
    ):
        await audit.write(record)
    found = await reading.shared(audit.engines, since=None, recipient=None, first=100)
    told = [(each.recipient, each.purpose, each.fields, each.people, each.answers) for each in found]
    assert told == [("fire", "emergency", ["Person.phone"], 1, 1), ("fire", "supervision", ["Person.phone"], 2, 2)]
    assert await reading.shared(audit.engines, since=None, recipient="police", first=100) == []
    await audit.close()
