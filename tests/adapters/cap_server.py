"""A feed of CAP messages over HTTP as the contract's counterpart: every second entry holds its message, the others
link to it. What the adapter must make of each is written here by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from adapters.contract import Claim, Raw, Record
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.pages import Pages

SENT = datetime(2026, 7, 1, 6, tzinfo=UTC)


def message(identifier: str, **changed: str) -> bytes:
    """A valid CAP 1.2 message; `changed` by element name, or `references`, `extra` (before the infos), `info`."""
    said = {
        "sender": "test@example.org",
        "sent": "2026-07-01T14:00:00+08:00",
        "status": "Actual",
        "msgType": "Alert",
        "headline": "Storm",
        "language": "en-US",
        **changed,
    }
    references = f"<references>{said['references']}</references>" if "references" in said else ""
    info = said.get(
        "info",
        f"""<info><language>{said["language"]}</language><category>Met</category><event>Storm</event>
    <urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
    <expires>2026-07-01T20:00:00+08:00</expires><senderName>Test office</senderName>
    <headline>{said["headline"]}</headline>
    <area><areaDesc>Two counties</areaDesc><polygon>29.5,106.4 29.6,106.4 29.6,106.5 29.5,106.4</polygon>
      <circle>29.55,106.45 3</circle>
      <geocode><valueName>GB/T 2260</valueName><value>500112</value></geocode></area></info>""",
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier><sender>{said["sender"]}</sender><sent>{said["sent"]}</sent>
  <status>{said["status"]}</status><msgType>{said["msgType"]}</msgType><scope>Public</scope>
  {references}{said.get("extra", "")}{info}
</alert>""".encode()


def told(identifier: str, headline: str) -> Claim:
    return Claim(
        kind="Warning",
        external_id=identifier,
        values={
            "identifier": identifier,
            "sender": "test@example.org",
            "sent": datetime.fromisoformat("2026-07-01T14:00:00+08:00"),
            "status": "ACTUAL",
            "message_type": "ALERT",
            "language": "en-US",
            "category": "Met",
            "event": "Storm",
            "urgency": "IMMEDIATE",
            "severity": "SEVERE",
            "certainty": "OBSERVED",
            "expires": datetime.fromisoformat("2026-07-01T20:00:00+08:00"),
            "sender_name": "Test office",
            "headline": headline,
            "area_description": "Two counties",
            "areas": '{"polygons":[[[29.5,106.4],[29.6,106.4],[29.6,106.5],[29.5,106.4]]],'
            '"circles":[[29.55,106.45,3.0]],"geocodes":[{"scheme":"GB/T 2260","value":"500112"}]}',
        },
    )


def feed(entries: Sequence[bytes]) -> bytes:
    head = b'<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>f</title>'
    return head + b"".join(entries) + b"</feed>"


def entry(name: str, *, link: str | None = None, content: bytes = b"") -> bytes:
    said = f'<link type="application/cap+xml" href="{link}"/>' if link else ""
    body = content.partition(b"?>")[2] if content.startswith(b"<?xml") else content
    inside = b'<content type="text/xml">' + body + b"</content>" if body else b""
    head = f"<entry><id>{name}</id><title>{name}</title><updated>2026-07-01T06:00:00Z</updated>{said}"
    return head.encode() + inside + b"</entry>"


class Feed:
    """The server asks for a password; the feed lists what was made last first."""

    traits: ClassVar[Traits] = Traits(credentials=True, cursors=True, bound=500, patience=8.0)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = Pages(account=("hub", "right"))
        self._entries: list[bytes] = []
        self._last: list[Raw] = []
        self._next = 0

    def start(self) -> None:
        for word in ("right", "wrong"):
            (self._folder / word).write_text(word, encoding="utf-8")
        self._publish()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def pause(self) -> None:
        self._server.stop()

    def resume(self) -> None:
        self._server.start()

    def config(self) -> Mapping[str, object]:
        return {
            "url": f"{self._server.url}/feed.atom",
            "username": "hub",
            "password": {"file": str(self._folder / "right")},
            "timeout_seconds": 2.0,
        }

    def refused_config(self) -> Mapping[str, object]:
        return {**self.config(), "password": {"file": str(self._folder / "wrong")}}

    def produce(self, n: int) -> Sequence[Record]:
        made: list[Record] = []
        self._last = []
        for _ in range(n):
            self._next += 1
            name = f"storm-{self._next}"
            data = message(name, headline=f"Storm {self._next}")
            made.append(told(name, f"Storm {self._next}"))
            if self._next % 2:
                link = self._server.put(f"/{name}.cap", data)
                self._entries.insert(0, entry(f"tag:{name}", link=link))
            else:
                link = f"{self._server.url}/feed.atom#{self._next}"
                self._entries.insert(0, entry(f"tag:{name}", content=data))
            self._last.append(Raw(key=link, received_at=now(), data=data))
        self._publish()
        return made

    def spoil(self) -> None:
        link = self._server.put("/broken.cap", message("broken")[:200])
        self._entries.insert(0, entry("tag:broken", link=link))
        self._publish()

    def payloads(self) -> Sequence[Raw]:
        return self._last

    def _publish(self) -> None:
        self._server.put("/feed.atom", feed(self._entries))
