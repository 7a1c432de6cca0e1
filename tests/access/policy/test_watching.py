"""Changed policy files come into force by themselves; wrong ones do not, and the old stay."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.access.policy.catalogue import declared
from hub.access.policy.load import load
from hub.access.policy.policies import Policies
from hub.access.policy.watching import Watcher
from hub.graph.selection import MASKABLE
from hub.viewer import Action, Viewer, Visibility

CATALOGUE = declared(MASKABLE)
GUARD = Viewer(subject="g", roles=frozenset({"guard"}))


def written(folder: Path, mask: str) -> None:
    (folder / "park.cedar").write_text(
        f'@id("one") @scope("everything") @mask("{mask}")\n'
        'permit (principal, action == Action::"read", resource == Field::"Person.phone");\n',
        encoding="utf-8",
    )


def phone(policies: Policies) -> Visibility:
    (grant,) = policies.mask(GUARD, Action.READ)
    return grant.visibility("Person.phone")


async def until(holds: Callable[[], bool], within: float) -> float:
    """Seconds until it holds; fails past `within`."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within, "it did not come in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def test_a_change_is_in_force_within_a_second_and_an_error_leaves_the_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asyncio.run(watched(tmp_path, caplog))


async def watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(tmp_path, "SHOW")
    policies = Policies(load(tmp_path, CATALOGUE))
    watcher = Watcher(policies, tmp_path, CATALOGUE)
    first = policies.version
    assert phone(policies) is Visibility.SHOW
    running = asyncio.create_task(watcher.run())
    try:
        written(tmp_path, "MASK_LAST4")
        assert await until(lambda: phone(policies) is Visibility.MASK_LAST4, 1.0) < 1.0
        second = policies.version
        assert second != first

        with caplog.at_level(logging.WARNING):
            written(tmp_path, "SHOWN")
            await until(lambda: watcher.failing is not None, 1.0)
            await asyncio.sleep(0.6)
        assert watcher.failing is not None
        assert "park.cedar:1: @mask cannot be 'SHOWN'" in watcher.failing
        assert len([r for r in caplog.records if "policies.refused" in r.getMessage()]) == 1
        assert (phone(policies), policies.version) == (Visibility.MASK_LAST4, second)

        (tmp_path / "park.cedar").unlink()
        (tmp_path / "roles.toml").write_text("[roles", encoding="utf-8")
        await until(lambda: "roles.toml: not TOML" in (watcher.failing or ""), 1.0)
        assert policies.version == second

        (tmp_path / "roles.toml").unlink()
        written(tmp_path, "MASK_ALL")
        await until(lambda: phone(policies) is Visibility.MASK_ALL, 1.0)
        assert watcher.failing is None
    finally:
        running.cancel()
