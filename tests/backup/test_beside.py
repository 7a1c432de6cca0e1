"""A backup has the audit and the accounts too: after a restore the record holds and says so, nobody is signed in."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Claim
from hub import auditing
from hub.access.audit import keys
from hub.access.audit.audit import Audit
from hub.access.audit.happenings import Happening
from hub.access.audit.store import AuditConfig, open_engines
from hub.access.audit.verify import verify
from hub.access.copies import copiers, put_back
from hub.access.issuer.signing_in import Session
from hub.clock import now
from hub.control import Line
from hub.errors import BadRequest
from hub.journal.records import Draft
from hub.operations import Desk
from hub.parts import Parts, open_parts
from hub.restoring import restored
from hub.settings import Settings, load
from tests.servers.postgres import Postgres

PARK = """[park]
name = "Park"
[accounts]
url = "http://127.0.0.1:1"
"""
PASSWORD = "a horse and a battery"


def park(folder: Path) -> Settings:
    folder.mkdir(exist_ok=True)
    file = folder / "park.toml"
    file.write_text(PARK)
    return load(file)


async def result(lines: AsyncIterator[Line]) -> tuple[Mapping[str, Any], list[str]]:
    """The last line, and what was said before it."""
    found = [line async for line in lines]
    return found[-1]["result"], [str(line["progress"]) for line in found[:-1]]  # type: ignore[return-value]


async def signed_in(parts: Parts) -> tuple[str, str]:
    """Li's session and refresh token."""
    issuer = parts.issuer
    assert issuer is not None
    issuer.accounts.add("li", PASSWORD, roles=["guard"], organization=None)
    session = issuer.signing_in.enter("li", PASSWORD, "", "127.0.0.1")
    assert isinstance(session, Session)
    return session.secret, issuer.grants.save_refresh(issuer.grants.begin(session, "app", "openid"))


async def furnish(settings: Settings, copy: Path) -> tuple[str, str]:
    """A park with an account and an audit, a backup of it, and more in the audit after that."""
    async with open_parts(settings) as parts:
        person = Claim(kind="Person", external_id="li", values={"name": "李雷"})
        await parts.journal.append(Draft(source="hr", received_at=now(), claims=[person]))
        secrets = await signed_in(parts)
        await auditing.happened(parts, None, "before", {})
        manifest, _ = await result(Desk(parts).run("backup", {"folder": str(copy)}))
        assert [each["file"] for each in manifest["beside"]] == ["audit.db", "access.db"]
        await result(Desk(parts).run("backup-keys", {"file": str(copy) + ".keys"}))
        await auditing.happened(parts, None, "after", {})
    return secrets


async def looked_at(settings: Settings, secrets: tuple[str, str]) -> tuple[list[str], list[str]]:
    """What happened by the audit, oldest first, and the notes of its verification; nobody is signed in."""
    async with open_parts(settings) as parts:
        verdict, notes = await result(Desk(parts).run("audit-verify", {}))
        assert verdict["rows"] == [] and verdict["verdict"] == "the record holds"
        issuer = parts.issuer
        assert issuer is not None
        assert [each.name for each in issuer.accounts.all()] == ["li"]
        assert issuer.signing_in.session(secrets[0]) is None
        assert issuer.grants.refresh(secrets[1]) is None
        assert issuer.signing_in.enter("li", PASSWORD, "", "127.0.0.1") is not None
        listed, _ = await result(Desk(parts).run("audit-list", {}))
    happened = [each["operation"] for each in reversed(listed["rows"])]
    return [each for each in happened if each in ("before", "after", "backup.restored")], notes


def test_a_fresh_machine_has_audit_and_accounts_again(tmp_path: Path) -> None:
    settings, copy = park(tmp_path / "old"), tmp_path / "copy"
    secrets = asyncio.run(furnish(settings, copy))
    fresh = park(tmp_path / "new")
    for key in (settings.park_key, settings.audit_key):
        shutil.copy(key, fresh.park_key.with_name(key.name))
    said = restored(fresh, copy, key_copies=[Path(str(copy) + ".keys")])
    assert said["audit"] == "from the backup"
    assert said["accounts"] == "from the backup; everyone signs in again"
    happened, notes = asyncio.run(looked_at(fresh, secrets))
    assert happened == ["before", "backup.restored"]
    assert [note for note in notes if str(said["epoch"]) in note and "put in place" in note]


def test_what_the_audit_has_heard_since_the_backup_stays(tmp_path: Path) -> None:
    settings, copy = park(tmp_path / "old"), tmp_path / "copy"
    secrets = asyncio.run(furnish(settings, copy))
    said = restored(settings, copy, force=True)
    assert said["audit"] == "the one that is there"
    happened, _ = asyncio.run(looked_at(settings, secrets))
    assert happened == ["before", "after", "backup.restored"]


def test_a_backup_whose_audit_was_changed_is_refused_whole(tmp_path: Path) -> None:
    settings, copy = park(tmp_path / "old"), tmp_path / "copy"
    asyncio.run(furnish(settings, copy))
    with (copy / "audit.db").open("r+b") as file:
        file.seek(100)
        file.write(b"x")
    fresh = park(tmp_path / "new")
    with pytest.raises(Exception, match=r"audit\.db is not the file that the backup wrote"):
        restored(fresh, copy)
    assert not (fresh.state_dir / "journal.db").exists()


def test_an_audit_in_postgresql_comes_back_into_an_empty_database(tmp_path: Path, postgres: Postgres) -> None:
    def config(name: str) -> AuditConfig:
        state = tmp_path / name
        state.mkdir()
        return AuditConfig(folder=state, key=tmp_path / "audit.key", url=postgres.new_database())

    async def fill(config: AuditConfig) -> None:
        audit = await Audit.open(config)
        await audit.settled()
        await audit.write(Happening("before", at=now()))
        await audit.close()

    old, new, copy = config("old"), config("new"), tmp_path / "copy"
    copy.mkdir()
    asyncio.run(fill(old))
    (made,) = (file for copier in copiers(old) if (file := copier(copy, lambda _: None)))
    assert put_back(new, now, copy, [made.name]) == {"audit": "from the backup"}
    assert put_back(new, now, copy, [made.name]) == {"audit": "the one that is there"}
    engines = open_engines(new)
    try:
        with engines.write.begin() as connection:
            report = verify(connection, [keys.signer(new.key, make=False).public])
    finally:
        engines.dispose()
    assert (report.holds, report.chains, report.entries) == (True, 1, 1)
    with pytest.raises(BadRequest, match="postgresql"):
        put_back(AuditConfig(folder=new.folder, key=new.key), now, copy, [made.name])
