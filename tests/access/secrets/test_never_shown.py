"""Secrets of sources are planted, everything is made to fail, and they are searched for wherever one could look."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket

import httpx
import pytest

from hub.errors import SettingsError
from hub.settings import load
from tests.access.personal.trace import forms, found
from tests.failure.park import Park
from tests.servers.mosquitto import Mosquitto, Options
from tests.servers.process import Process, ServerMissing, free_port

pytestmark = pytest.mark.timeout(300)

SECRETS = {
    "SQL_WRONG": "sql-Wrong-7f31!a",
    "SQL_AWAY": "sql-Away-0c55@b",
    "MQTT_PASSWORD": "mqtt-Wrong-91cc#c",
    "ISAPI_PASSWORD": "isapi-Wrong-2d07$d",
    "ONVIF_PASSWORD": "onvif-Wrong-88ab%e",
    "TLS_PASSWORD": "tls-Wrong-4410&f",
    "FEED_TOKEN": "feed-Token-5be2+g",
    "FEED_BASIC": "feed-Basic-77f0/h",
    "FEED_KEY": "feed-QueryKey-19d3=i",
    "FEED_HEADER": "feed-Header-63a8-j",
    "SFTP_PASSWORD": "sftp-Wrong-d2d2?k",
    "SFTP_AWAY": "sftp-Away-0b0b-l",
}
PARK = """
[park]
name = "Leaking park"
[state]
dir = "var"
[web]
port = {web}

[[source]]
id = "sql-wrong"
adapter = "sql"
every = "1s"
[source.config]
url = "mysql://reader@127.0.0.1:{garbage}/stock"
password = {{ env = "SQL_WRONG" }}
query = "SELECT id, name, quantity FROM stock"
id = "id"
columns = {{ name = "name", quantity = "quantity" }}
[[source]]
id = "sql-away"
adapter = "sql"
every = "1s"
[source.config]
url = "postgresql://reader@127.0.0.1:{closed}/stock"
password = {{ file = "{files}/SQL_AWAY" }}
query = "SELECT id, name, quantity FROM stock"
id = "id"
columns = {{ name = "name", quantity = "quantity" }}
[[source]]
id = "broker"
adapter = "mqtt"
[source.config]
host = "127.0.0.1"
port = {broker}
username = "hub"
password = {{ credential = "MQTT_PASSWORD" }}
subscriptions = [{{ topic = "bare/{{sensor}}", format = "number", quantity = "number" }}]
[[source]]
id = "recorder"
adapter = "isapi"
[source.config]
url = "http://127.0.0.1:{echo}"
username = "admin"
password = {{ env = "ISAPI_PASSWORD" }}
auth = "basic"
[[source]]
id = "camera"
adapter = "onvif"
[source.config]
url = "http://127.0.0.1:{echo}"
username = "admin"
password = {{ env = "ONVIF_PASSWORD" }}
[[source]]
id = "tls"
adapter = "isapi"
[source.config]
url = "https://127.0.0.1:{echo}"
username = "admin"
password = {{ env = "TLS_PASSWORD" }}
[[source]]
id = "feed-token"
adapter = "cap"
every = "1s"
[source.config]
url = "http://127.0.0.1:{echo}/echo"
token = {{ env = "FEED_TOKEN" }}
[[source]]
id = "feed-basic"
adapter = "cap"
every = "1s"
[source.config]
url = "http://127.0.0.1:{echo}/redirect"
username = "reader"
password = {{ file = "{files}/FEED_BASIC" }}
[[source]]
id = "feed-key"
adapter = "cap"
every = "1s"
[source.config]
url = "http://127.0.0.1:{echo}/redirect?area=500112"
secret_query = {{ key = {{ env = "FEED_KEY" }} }}
secret_headers = {{ X-API-Key = {{ credential = "FEED_HEADER" }} }}
[[source]]
id = "lists-wrong"
adapter = "stock_files"
every = "1s"
[source.config.sftp]
host = "127.0.0.1"
port = {garbage}
user = "tenant"
password = {{ env = "SFTP_PASSWORD" }}
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummyDummyDummyDummyDummyDummyDummyDummyDumm"
[[source]]
id = "lists-away"
adapter = "stock_files"
every = "1s"
[source.config.sftp]
host = "127.0.0.1"
port = {closed}
user = "tenant"
password = {{ env = "SFTP_AWAY" }}
host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDummyDummyDummyDummyDummyDummyDummyDummyDumm"
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent, as a careless server's error page does; sends on with it in the address."""

    seen: list[str] = []  # noqa: RUF012  one server's, cleared by the test

    def do_GET(self) -> None:
        said = f"{self.requestline}\n{self.headers}"
        self.seen.append(said)
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", f"http://elsewhere.invalid/?was={self.path}&{self.headers['Authorization']}")
        elif self.path.startswith("/echo"):
            self.send_response(200)
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        body = f"<html><p>cannot serve {said}</p></html>".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextmanager
def echoing() -> Iterator[int]:
    Echo.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def babbling() -> Iterator[int]:
    """Accepts, says what no protocol says, and hangs up."""
    listener: socket = create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with closing(peer):
                peer.sendall(b"\x07\x00\x00\x00nonsense\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        with closing(socket()) as last:
            last.connect(listener.getsockname())
        listener.close()
        thread.join()


def children(pid: int) -> list[int]:
    """All processes below it."""
    started = Path(f"/proc/{pid}/task").glob("*/children")  # each thread's own
    mine = [int(each) for thread in started for each in thread.read_text().split()]
    return mine + [deeper for each in mine for deeper in children(each)]


def holds(data: bytes) -> list[str]:
    return [name for name, secret in SECRETS.items() if any(form in data for form in forms(secret))]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    try:
        server = Mosquitto.start(tmp_path / "mosquitto", Options(users={"hub": "the right one"}))
    except ServerMissing as missing:
        pytest.skip(str(missing))
    yield server
    server.stop()


def test_no_secret_of_a_source_is_found_anywhere(tmp_path: Path, broker: Mosquitto) -> None:
    files = tmp_path / "credentials"
    files.mkdir()
    for name, secret in SECRETS.items():
        (files / name).write_text(secret + "\n")
    folder = tmp_path / "park"
    folder.mkdir()
    park = Park(folder=folder)
    environment = {**SECRETS, "CREDENTIALS_DIRECTORY": str(files), "NEO4J_URI": "", "COLUMNS": "200"}
    with echoing() as echo, babbling() as garbage:
        park.file.write_text(
            PARK.format(web=park.port, closed=free_port(), garbage=garbage, echo=echo, files=files, broker=broker.port)
        )
        command = [sys.executable, "-m", "hub.cli"]
        arguments = ["--config", str(park.file)]
        park.hub = Process(
            [*command, "serve", *arguments, "--log-level", "DEBUG"], folder, name="hub-1", env=environment
        )
        try:
            park.until(lambda: park.part("graph")["state"] == "OK", "the graph", 90)
            sources = "{ sources { id state text } }"
            park.until(
                lambda: all(s["text"] for s in park.query(sources)["sources"] if s["id"] != "feed-token"),
                "each source to have failed",
                90,
            )
            park.until(lambda: park.source("feed-token")["deadLetters"] > 0, "what the careless server says", 30)
            told = {s["id"]: f"{s['state']} {s['text']}" for s in park.query(sources)["sources"]}
            checked = subprocess.run(
                [*command, "check", *arguments],
                cwd=folder,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            answers = [
                checked.stdout + checked.stderr,
                json.dumps(told),
                httpx.get(f"{park.url}/metrics").text,
                httpx.get(f"{park.url}/readyz").text,
                httpx.post(f"{park.url}/graphql", json={"query": "{ sources { id nothing } }"}).text,
            ]
            sent = "\n".join(Echo.seen).encode()
            below = children(park.hub.pid)
            assert below, "the engine is a child"
            processes = [Path(f"/proc/{pid}/{what}").read_bytes() for pid in below for what in ("cmdline", "environ")]
            processes.append(Path(f"/proc/{park.hub.pid}/cmdline").read_bytes())
        finally:
            park.close()
    assert {"FEED_TOKEN", "FEED_BASIC", "FEED_KEY", "FEED_HEADER", "ISAPI_PASSWORD"} <= set(holds(sent)), (
        "they were used: a search that finds nothing must have had something to find"
    )
    for answer in answers:
        assert not holds(answer.encode()), answer
    assert not [holds(each) for each in processes if holds(each)]
    assert not found([folder], list(SECRETS.values()))


PLAIN = {
    "a plain password": 'password = "planted-Secret-1"',
    "a password in the address": 'url = "postgresql://u:planted-Secret-1@127.0.0.1/x"',
    "a token in the address": 'url = "https://127.0.0.1/feed?access_token=planted-Secret-1"',
    "a header": 'headers = { Authorization = "Bearer planted-Secret-1" }',
}


@pytest.mark.parametrize("where", ["journal", "keys", "graph", "environment", *PLAIN])
def test_a_secret_in_the_clear_is_refused_and_not_repeated(tmp_path: Path, where: str) -> None:
    parts = ['[park]\nname = "x"\n']
    environment = {}
    if where == "journal":
        parts.append('[journal]\nurl = "postgresql://u:planted-Secret-1@127.0.0.1/x"\n')
    elif where == "keys":
        parts.append(
            '[journal]\nurl = "postgresql://u@127.0.0.1/x"\nkeys_url = "postgresql://u:planted-Secret-1@h/k"\n'
        )
    elif where == "graph":
        parts.append('[graph]\nuri = "neo4j://u:planted-Secret-1@127.0.0.1"\n')
    elif where == "environment":
        environment = {"NEO4J_URI": "neo4j://u:planted-Secret-1@127.0.0.1"}
    else:
        adapter = "sql" if "postgresql" in PLAIN[where] else "cap"
        parts.append(f'[[source]]\nid = "s"\nadapter = "{adapter}"\n[source.config]\n{PLAIN[where]}\n')
        if "url" not in PLAIN[where]:
            parts.append('url = "https://127.0.0.1/feed"\n')
    file = tmp_path / "park.toml"
    file.write_text("".join(parts))
    with pytest.raises(SettingsError) as refused:
        load(file, environment)
    assert "planted" not in refused.value.message and "Secret-1" not in repr(refused.value)
    assert any(word in refused.value.message for word in ("never", "reference"))
