"""`causeway check` against what an installer gets wrong: it says which, and what to do."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.failure.conftest import Parks
from tests.failure.park import Park
from tests.servers.certificates import Certificates
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto, Options
from tests.servers.process import ServerMissing, free_port

Brokers = Callable[[Options], Mosquitto]

SOURCE = """
[[source]]
id = "{id}"
adapter = "mqtt"
[source.config]
host = "{host}"
port = {port}
timeout_seconds = 3.0
{more}
subscriptions = [{{ topic = "a/{{sensor}}", format = "number", quantity = "number" }}]
"""


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    started: list[Mosquitto] = []

    def make(options: Options) -> Mosquitto:
        try:
            started.append(Mosquitto.start(tmp_path / f"mosquitto-{len(started)}", options))
        except ServerMissing as missing:
            pytest.skip(str(missing))
        return started[-1]

    yield make
    for server in started:
        server.stop()


@pytest.mark.timeout(120)
def test_check_says_which_is_wrong_and_what_to_do(
    parks: Parks, brokers: Brokers, cabinet: ModbusServer, tmp_path: Path
) -> None:
    guarded = brokers(Options(users={"hub": "xyzzy-right"}))
    certificates = Certificates.make(tmp_path / "certificates", "127.0.0.1", "broker.park")
    elsewhere = Certificates.make(tmp_path / "elsewhere", "broker.park")
    encrypted = brokers(Options(tls=certificates))
    misnamed = brokers(Options(tls=elsewhere))
    for name in ("right", "wrong"):
        (tmp_path / name).write_text(f"xyzzy-{name}", encoding="utf-8")
    password = 'username = "hub"\npassword = {{ file = "{}" }}'
    authority = 'tls = {{ ca_file = "{}" }}'
    sources = {
        "well": ("127.0.0.1", guarded.port, password.format(tmp_path / "right")),
        "password": ("127.0.0.1", guarded.port, password.format(tmp_path / "wrong")),
        "no-file": ("127.0.0.1", guarded.port, password.format(tmp_path / "nowhere")),
        "down": ("127.0.0.1", free_port(), ""),
        "no-such-host": ("broker.invalid", 1883, ""),
        "encrypted": ("127.0.0.1", encrypted.port, authority.format(certificates.authority)),
        "unsigned": ("127.0.0.1", encrypted.port, "tls = {}"),
        "misnamed": ("127.0.0.1", misnamed.port, authority.format(elsewhere.authority)),
        "not-tls": ("127.0.0.1", guarded.port, "tls = {}"),
    }
    expected: dict[str, tuple[str, ...]] = {
        "password": ("refuses", "compare username and password"),
        "no-file": ("nowhere",),
        "down": ("nobody answers", "is the broker on"),
        "no-such-host": ("nobody answers", "broker.invalid"),
        "unsigned": ("certificate", "tls.ca_file"),
        "misnamed": ("certificate", "tls.server_name"),
        "not-tls": ("TLS",),
    }
    park: Park = parks(cabinet=cabinet.port, graph=f"bolt://127.0.0.1:{free_port()}")
    park.write()
    with park.file.open("a", encoding="utf-8") as out:
        for name, (host, port, more) in sources.items():
            out.write(SOURCE.format(id=name, host=host, port=port, more=more))
    done = park.command("check", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    findings = {one["what"]: one for one in map(json.loads, done.stdout.splitlines())}
    for name in sources:
        found = findings[f"source {name} (mqtt)"]
        assert found["ok"] == (name not in expected), found
        for words in expected.get(name, ()):
            assert words in found["text"], f"{name}: {found['text']!r} does not say {words!r}"
    assert findings["source cabinet (modbus)"]["ok"]
    assert not findings["graph"]["ok"]
    assert "127.0.0.1" in findings["graph"]["text"] and "does not answer" in findings["graph"]["text"]
    assert findings["journal"]["ok"] and findings["rules"]["ok"]
    assert "xyzzy" not in done.stdout + done.stderr, "a password stands in the output"

    shown = park.command("check").stdout
    assert shown.count("MEND") == len(expected) + 1, shown


@pytest.mark.timeout(60)
def test_check_of_a_park_that_is_well(parks: Parks, brokers: Brokers, cabinet: ModbusServer) -> None:
    park: Park = parks(broker=brokers(Options()).port, cabinet=cabinet.port)
    park.write()
    done = park.command("check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "MEND" not in done.stdout
