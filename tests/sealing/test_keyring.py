"""Personal values can be read until they are forgotten, and by nobody without the park key."""

import base64
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from hub.clock import ManualClock
from hub.errors import BadRequest, SettingsError
from hub.journal.key_tables import copy_store
from hub.journal.sealing import Forgotten, Keyring, KeyringConfig

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> KeyringConfig:
    state = tmp_path / "var"
    state.mkdir()
    store: Path | str = state / "keys.db"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        store = postgres.new_database()
    return KeyringConfig(store=store, park_key=tmp_path / "park.key", state=state, cached=4)


Open = Callable[[], Keyring]


@pytest.fixture
def opened(config: KeyringConfig, clock: ManualClock) -> Iterator[Open]:
    rings: list[Keyring] = []

    def open_() -> Keyring:
        rings.append(Keyring.open(config, clock=clock))
        return rings[-1]

    yield open_
    for ring in rings:
        ring.close()


def test_what_was_sealed_is_read_back_after_a_restart(opened: Open) -> None:
    sealed = opened().seal("hr", "li", "李雷".encode())
    assert "李雷".encode() not in sealed
    assert opened().unseal("hr", "li", sealed) == "李雷".encode()


def test_a_sealed_value_is_bound_to_whose_it_is(opened: Open) -> None:
    ring = opened()
    sealed = ring.seal("hr", "li", b"x")
    ring.ensure([("hr", "han"), ("h", "rli")])
    assert ring.unseal("hr", "han", sealed) is None
    assert ring.unseal("h", "rli", sealed) is None
    assert ring.unseal("hr", "li", sealed) == b"x"


def test_equal_values_look_different_when_sealed(opened: Open) -> None:
    ring = opened()
    assert ring.seal("hr", "li", b"x") != ring.seal("hr", "li", b"x")


def test_more_things_than_the_cache_holds(opened: Open) -> None:
    ring = opened()
    pairs = [("hr", str(number)) for number in range(1200)]
    ring.ensure(pairs)
    sealed = [ring.seal(source, external_id, external_id.encode()) for source, external_id in pairs[::50]]
    fresh = opened()
    assert [fresh.unseal(*pair, value) for pair, value in zip(pairs[::50], sealed, strict=True)] == [
        external_id.encode() for _, external_id in pairs[::50]
    ]


def test_the_forgotten_cannot_be_read_by_anyone(opened: Open, clock: ManualClock) -> None:
    ring, other = opened(), opened()
    sealed, kept = ring.seal("hr", "li", b"x"), ring.seal("hr", "han", b"y")
    clock.advance(timedelta(days=1))
    assert ring.forget("hr", "li")
    assert not ring.forget("hr", "nobody")
    assert ring.unseal("hr", "li", sealed) is None
    assert other.unseal("hr", "li", sealed) is None
    assert ring.unseal("hr", "han", kept) == b"y"
    assert len(ring.forgotten()) == 2


def test_whoever_returns_gets_a_new_key_and_the_past_stays_forgotten(opened: Open) -> None:
    ring = opened()
    old = ring.seal("hr", "li", b"x")
    ring.forget("hr", "li")
    new = ring.seal("hr", "li", b"y")
    assert ring.unseal("hr", "li", old) is None
    assert ring.unseal("hr", "li", new) == b"y"
    assert ring.honour(ring.forgotten()) == 0
    assert opened().unseal("hr", "li", new) == b"y"


def test_another_stores_list_of_the_forgotten_is_honoured(opened: Open, clock: ManualClock) -> None:
    ring = opened()
    sealed = ring.seal("hr", "li", b"x")
    [holder] = _holders(ring)
    assert ring.honour([Forgotten(holder, 0)]) == 0  # forgotten before this key was made
    clock.advance(timedelta(seconds=1))
    assert ring.honour([Forgotten(holder, int(clock().timestamp() * 1_000_000))]) == 1
    assert ring.unseal("hr", "li", sealed) is None


def test_a_copy_of_the_store_brings_back_keys_and_nobody_forgotten(
    opened: Open, config: KeyringConfig, clock: ManualClock, tmp_path: Path
) -> None:
    ring = opened()
    sealed = {name: ring.seal("hr", name, name.encode()) for name in ("li", "han", "wei")}
    assert copy_store(config.store, tmp_path / "copy.db") == 3
    clock.advance(timedelta(hours=1))
    ring.forget("hr", "li")
    ring.forget("hr", "wei")
    anew = ring.seal("hr", "wei", b"returned")
    copy = Keyring.open(replace(config, store=tmp_path / "copy.db"), clock=clock)
    assert ring.absorb(copy) == 0
    assert copy.absorb(ring) == 1
    for each in (ring, copy):
        assert each.unseal("hr", "li", sealed["li"]) is None
        assert each.unseal("hr", "han", sealed["han"]) == b"han"
        assert each.unseal("hr", "wei", sealed["wei"]) is None
        assert each.unseal("hr", "wei", anew) == b"returned"
    copy.close()
    with pytest.raises(BadRequest, match="exists already"):
        copy_store(config.store, tmp_path / "copy.db")


def test_the_store_names_nobody(opened: Open, config: KeyringConfig) -> None:
    ring = opened()
    ring.ensure([("personnel", "zhang-wei")])
    ring.forget("personnel", "zhang-wei")
    with ring._engine.connect() as connection:
        keys = connection.execute(sa.text("SELECT * FROM data_key")).all()
        forgotten = connection.execute(sa.text("SELECT * FROM forgotten")).all()
    assert "zhang-wei" not in repr((keys, forgotten))


def test_a_deleted_key_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    store = tmp_path / "var" / "keys.db"
    store.parent.mkdir()
    ring = Keyring.open(KeyringConfig(store=store, park_key=tmp_path / "park.key"))
    ring.seal("hr", "li", b"x")
    with closing(sqlite3.connect(store)) as database:
        [[wrapped]] = database.execute("SELECT wrapped FROM data_key").fetchall()
    assert wrapped in store.read_bytes()
    ring.forget("hr", "li")
    assert wrapped not in store.read_bytes()
    assert [path.name for path in store.parent.iterdir()] == ["keys.db"]
    ring.close()


def test_the_wrong_park_key_says_so(opened: Open, config: KeyringConfig) -> None:
    opened()
    config.park_key.write_bytes(base64.b64encode(os.urandom(32)))
    with pytest.raises(SettingsError, match="not the one that the key store was made with"):
        opened()


def test_a_lost_park_key_is_never_replaced_silently(opened: Open, config: KeyringConfig) -> None:
    opened()
    config.park_key.unlink()
    with pytest.raises(SettingsError, match="is missing; put back the copy"):
        opened()
    assert not config.park_key.exists()


@pytest.mark.parametrize(("text", "says"), [("not base64!", "not base64"), ("AAAA", "3 bytes instead of 32")])
def test_a_park_key_of_the_wrong_form_says_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "park.key").write_text(text)
    with pytest.raises(SettingsError, match=says):
        Keyring.open(KeyringConfig(store=tmp_path / "keys.db", park_key=tmp_path / "park.key"))


def test_the_park_key_may_not_lie_within_the_state_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="lies within the state folder"):
        Keyring.open(KeyringConfig(store=tmp_path / "keys.db", park_key=tmp_path / "park.key", state=tmp_path))


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot read or make the park key"):
        Keyring.open(KeyringConfig(store=tmp_path / "keys.db", park_key=tmp_path / "file" / "park.key"))


def test_only_the_owner_may_read_what_is_made(opened: Open, config: KeyringConfig) -> None:
    ring = opened()
    assert ring.made_now
    assert stat.S_IMODE(config.park_key.stat().st_mode) == 0o600
    if isinstance(config.store, Path):
        assert stat.S_IMODE(config.store.stat().st_mode) == 0o600


def test_identifiers_hash_alike_after_a_restart_and_not_under_another_park_key(opened: Open, tmp_path: Path) -> None:
    hashed = opened().hmac("resident_identity:1")
    assert opened().hmac("resident_identity:1") == hashed != opened().hmac("resident_identity:2")
    other = Keyring.open(KeyringConfig(store=tmp_path / "other.db", park_key=tmp_path / "other.key"))
    assert other.hmac("resident_identity:1") != hashed
    other.close()


@pytest.mark.parametrize("sealed", [b"", b"\x01short", b"\x07" + bytes(40)])
def test_what_is_not_sealed_is_refused(opened: Open, sealed: bytes) -> None:
    with pytest.raises(BadRequest):
        opened().unseal("hr", "li", sealed)


def _holders(ring: Keyring) -> list[bytes]:
    with ring._engine.connect() as connection:
        return [bytes(row.holder) for row in connection.execute(sa.text("SELECT holder FROM data_key"))]
