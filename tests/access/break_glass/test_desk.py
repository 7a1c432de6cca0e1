"""Break-glass on a real journal with the shipped policies: what it takes, how it ends, who is told, who reviews."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.access.authority import Credentials, Local
from hub.access.break_glass.desk import (
    AlreadyBroken,
    AlreadyOver,
    Asked,
    BreakGlasses,
    Limits,
    NothingMore,
    StepUpNeeded,
)
from hub.access.break_glass.events import BY_TIME, Finding
from hub.access.break_glass.sealed import Sealed
from hub.access.break_glass.telling import Teller
from hub.access.moment import Now
from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.clock import ManualClock
from hub.errors import BadRequest, CausewayError, Conflict, Forbidden, NotFound, Unauthenticated
from hub.graph.selection import MASKABLE
from hub.journal.log import Journal, JournalConfig
from hub.viewer import Action, Viewer, Visibility

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
ASKED = Asked(reason="三楼起火，需要联系值班人员", minutes=15, case="119-0042")
GUARD = Viewer(
    subject="li", issuer="https://id.example", roles=frozenset({"guard"}), authenticated_at=START - timedelta(minutes=1)
)
OFFICER = replace(GUARD, subject="wang", roles=frozenset({"privacy_officer"}), purpose="privacy")
POLICIES = Policies(load(None, declared(MASKABLE)))


class Scene:
    def __init__(self, journal: Journal, teller: Teller | None = None) -> None:
        self.journal = journal
        self.clock = ManualClock(START)
        self.glasses = BreakGlasses(journal, self.clock, lambda: POLICIES, teller, Limits())
        self.moment = Now(frozenset, self.glasses.broken, lambda viewer: False)

    def phone(self, viewer: Viewer) -> set[Visibility]:
        """How a telephone is shown to the viewer at this moment."""
        mask = POLICIES.mask(self.moment.of(viewer), Action.READ)
        return {grant.visibility("Person.phone") for grant in mask}


def on_the_scene(folder: Path, work: Callable[[Scene], Awaitable[None]], teller: Teller | None = None) -> None:
    async def main() -> None:
        journal = await Journal.open(JournalConfig(url="sqlite", folder=folder))
        scene = Scene(journal, teller)
        tasks = [asyncio.create_task(scene.glasses.run())] + ([asyncio.create_task(teller.run())] if teller else [])
        try:
            await work(scene)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await journal.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"reason": ""}, "in a sentence"),
        ({"reason": "urgent"}, "in a sentence"),
        ({"reason": "aaaaaaaaaaaaaaaaaaaaaaaaaa"}, "in a sentence"),
        ({"reason": "  。。。。！！！！，，，，；；；；  "}, "in a sentence"),
        ({"reason": "三楼起火，需要联系值班人员" * 50}, "at most 500"),
        ({"case": None}, "Name the incident"),
        ({"case": "   "}, "Name the incident"),
        ({"minutes": 0}, "1 to 60"),
        ({"minutes": 61}, "1 to 60"),
    ],
)
def test_without_a_reason_a_case_and_an_end_it_is_refused(
    tmp_path: Path, changed: dict[str, object], says: str
) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(BadRequest, match=says):
            await scene.glasses.open(GUARD, replace(ASKED, **changed), "k")  # type: ignore[arg-type]
        assert scene.glasses.broken(GUARD) is None and scene.journal.head == 0

    on_the_scene(tmp_path, work)


def test_it_needs_a_fresh_login_that_the_token_tells_of(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        for at in (None, START - timedelta(minutes=5, seconds=1)):
            with pytest.raises(StepUpNeeded, match="Log in again"):
                await scene.glasses.open(replace(GUARD, authenticated_at=at), ASKED, "k")
        await scene.glasses.open(replace(GUARD, authenticated_at=START - timedelta(minutes=5)), ASKED, "k")

    on_the_scene(tmp_path, work)


@pytest.mark.parametrize(
    ("role", "purpose"), [("dashboard", "reporting"), ("auditor", "audit"), ("tenant", "own_business")]
)
def test_where_policies_open_nothing_for_it_it_is_refused(tmp_path: Path, role: str, purpose: str) -> None:
    async def work(scene: Scene) -> None:
        with pytest.raises(NothingMore):
            await scene.glasses.open(replace(GUARD, roles=frozenset({role}), purpose=purpose), ASKED, "k")
        assert scene.journal.head == 0

    on_the_scene(tmp_path, work)


def test_it_opens_for_the_one_who_broke_it_and_closes_at_its_time(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        other = replace(GUARD, subject="zhao")
        assert Visibility.SHOW not in scene.phone(GUARD)
        glass, _ = await scene.glasses.open(GUARD, ASKED, "k")
        assert scene.moment.of(GUARD).break_glass == glass.id
        assert Visibility.SHOW in scene.phone(GUARD)
        assert Visibility.SHOW not in scene.phone(other) | scene.phone(replace(GUARD, issuer="https://other.example"))
        scene.clock.advance(timedelta(minutes=15))
        assert Visibility.SHOW not in scene.phone(GUARD)  # at once, before anything is written of it
        async with asyncio.timeout(5):
            while (await scene.journal.stream("break_glass"))[-1].type != "break_glass.ended":
                await scene.journal.wait(scene.journal.head, 1.0)
        await scene.glasses.refresh()
        over = scene.glasses.get(glass.id)
        assert over is not None and (over.ended_at, over.ended_by) == (glass.until, BY_TIME)

    on_the_scene(tmp_path, work)


def test_a_repeat_is_one_and_a_second_is_refused(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        glass, _ = await scene.glasses.open(GUARD, ASKED, "k")
        assert (await scene.glasses.open(GUARD, ASKED, "k"))[0] == glass
        with pytest.raises(AlreadyBroken):
            await scene.glasses.open(GUARD, ASKED, "another")
        await scene.glasses.end(GUARD, glass.id)
        with pytest.raises(Conflict):
            await scene.glasses.open(GUARD, replace(ASKED, minutes=3), "k")
        assert len(await scene.journal.stream("break_glass")) == 2
        both = await asyncio.gather(
            *(scene.glasses.open(replace(GUARD, subject=who), ASKED, "k") for who in ("zhao", "qian", "sun"))
        )
        assert len({each[0].id for each in both}) == 3

    on_the_scene(tmp_path, work)


def test_a_second_person_ends_and_reviews_it_and_who_broke_it_does_not(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        glass, _ = await scene.glasses.open(GUARD, ASKED, "k")
        with pytest.raises(NotFound):
            await scene.glasses.end(replace(GUARD, subject="zhao"), glass.id)
        with pytest.raises(BadRequest, match="in force"):
            await scene.glasses.review(OFFICER, glass.id, Finding.JUSTIFIED, None)
        assert (await scene.glasses.end(OFFICER, glass.id)).ended_by == "wang"
        assert Visibility.SHOW not in scene.phone(GUARD)
        with pytest.raises(AlreadyOver):
            await scene.glasses.end(GUARD, glass.id)
        with pytest.raises(Forbidden):
            await scene.glasses.review(GUARD, glass.id, Finding.JUSTIFIED, "mine")
        commander = replace(GUARD, roles=frozenset({"commander"}))
        with pytest.raises(Forbidden):
            await scene.glasses.review(commander, glass.id, Finding.JUSTIFIED, "mine too")
        seen = await scene.glasses.review(OFFICER, glass.id, Finding.NOT_JUSTIFIED, "no fire")
        assert (seen.finding, seen.reviewed_by, seen.note) == (Finding.NOT_JUSTIFIED, "wang", "no fire")
        with pytest.raises(AlreadyOver):
            await scene.glasses.review(OFFICER, glass.id, Finding.JUSTIFIED, None)

    on_the_scene(tmp_path, work)


def test_another_process_and_a_restart_know_it(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        glass, _ = await scene.glasses.open(GUARD, ASKED, "k")
        again = BreakGlasses(scene.journal, scene.clock, lambda: POLICIES)
        await again.refresh()
        assert again.broken(GUARD) == glass.id
        await scene.glasses.end(GUARD, glass.id)
        await again.refresh()
        assert again.broken(GUARD) is None

    on_the_scene(tmp_path, work)


def test_a_command_line_is_told_within_five_seconds_and_once_more_where_it_failed(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; file = pathlib.Path(sys.argv[1]); again = file.exists()\n"
        "file.open('ab').write(sys.stdin.buffer.read()); sys.exit(not again)"
    )
    told = tmp_path / "told"

    def told_twice(id_: str) -> None:
        text = ""
        while text.count(id_) < 2:
            time.sleep(0.05)
            text = told.read_text(encoding="utf-8") if told.exists() else ""
        assert "三楼起火" in text

    async def work(scene: Scene) -> None:
        glass, _ = await scene.glasses.open(GUARD, ASKED, "k")
        async with asyncio.timeout(5):
            await asyncio.to_thread(told_twice, glass.id)

    on_the_scene(tmp_path / "state", work, Teller(command=(sys.executable, "-c", script, str(told))))


def sealed(scene: Scene) -> Sealed:
    return Sealed(scene.glasses, scene.clock, Local(), roles=frozenset({"commander"}), purpose="emergency")


def test_a_code_of_an_envelope_opens_once_and_its_token_ends_with_it(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        envelopes = sealed(scene)
        first, second = await envelopes.make_codes(2, "root")
        glass, token = await envelopes.open(first.lower(), ASKED, "root")
        viewer = await envelopes.viewer(Credentials(authorization=f"Bearer {token}"))
        assert (viewer.subject, viewer.break_glass) == ("sealed-01", None)
        assert scene.moment.of(viewer).break_glass == glass.id
        assert Visibility.SHOW in scene.phone(viewer)
        assert await envelopes.holds(viewer) and not scene.glasses.is_second_person(viewer)
        with pytest.raises(Forbidden, match="used"):
            await envelopes.open(first, ASKED, "root")
        await scene.glasses.end(OFFICER, glass.id)
        assert not await envelopes.holds(viewer)
        for gone in (token, "cwbg_nothing"):
            with pytest.raises(Unauthenticated):
                await envelopes.viewer(Credentials(authorization=f"Bearer {gone}"))
        (third,) = await envelopes.make_codes(1, "root")
        with pytest.raises(Forbidden):
            await envelopes.open(second, ASKED, "root")
        glass, _ = await envelopes.open(third, ASKED, "root")
        stored = await asyncio.to_thread(lambda: b"".join(each.read_bytes() for each in tmp_path.glob("*.*")))
        for secret in (*(code.partition("-")[2] for code in (first, second, third)), token):
            assert secret.encode() not in stored

    on_the_scene(tmp_path, work)


def test_a_code_without_a_reason_is_not_used_up(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        envelopes = sealed(scene)
        (code,) = await envelopes.make_codes(1, "root")
        for wrong, asked in ((code, replace(ASKED, reason="")), (code[:-1] + "_", ASKED), ("", ASKED), ("99-A", ASKED)):
            with pytest.raises(CausewayError):
                await envelopes.open(wrong, asked, "root")
        await envelopes.open(code, ASKED, "root")

    on_the_scene(tmp_path, work)
