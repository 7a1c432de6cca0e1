"""The audit on a file and on a real PostgreSQL: what holds, holds on both."""

from pathlib import Path

import pytest

from hub.access.audit.store import AuditConfig
from tests.access.audit.keeping import Keeping, folder


@pytest.fixture(params=["sqlite", "postgresql"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Keeping:
    if request.param == "sqlite":
        return folder(tmp_path)
    url = request.getfixturevalue("postgres").new_database()
    return Keeping(AuditConfig(folder=tmp_path / "state", key=tmp_path / "audit.key", url=url))
