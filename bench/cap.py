"""`cap`: CAP messages a second of one core, each valid file of the samples repeated; the peer is lxml with the XSD.

The peer parses, validates against CAP's own schema, and reads the same fields as text. Ours refuses entities, bears
with what is wrong, reads words, times and areas, and ends with the claim. Needs `CAUSEWAY_SAMPLES`.
"""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from lxml import etree

from adapters.contract import Claim, Raw, Source
from adapters.government.areas import loads
from adapters.government.cap import ADAPTER, Cap, CapConfig
from bench._sides import settle, told
from hub.clock import now

ROUNDS, SECONDS = 5, 3.0
SCHEMAS = {
    "urn:oasis:names:tc:emergency:cap:1.2": "cap-library__schema~cap12.xsd",
    "urn:oasis:names:tc:emergency:cap:1.1": "cap-library__schema~cap11.xsd",
}
TEXTS = ("event", "headline", "description", "instruction", "senderName")
Read = Mapping[str, object]


class Peer:
    """lxml with the XSD, and the same fields by their paths."""

    def __init__(self, folder: Path) -> None:
        self._schemas = {uri: etree.XMLSchema(etree.parse(folder / name)) for uri, name in SCHEMAS.items()}

    def read(self, data: bytes) -> Read | None:
        """None where it is not valid."""
        root = etree.fromstring(data)
        tag = root.tag
        uri = tag[1 : tag.index("}")] if tag[0] == "{" else ""
        schema = self._schemas.get(uri)
        if schema is None or not schema.validate(root):
            return None
        ns = f"{{{uri}}}"
        said: dict[str, object] = {
            "identifier": root.findtext(f"{ns}identifier"),
            "sender": root.findtext(f"{ns}sender"),
            "sent": root.findtext(f"{ns}sent"),
            "status": root.findtext(f"{ns}status"),
            "msgType": root.findtext(f"{ns}msgType"),
            "references": [one.split(",")[1] for one in (root.findtext(f"{ns}references") or "").split()],
        }
        infos = root.findall(f"{ns}info")
        if infos:
            info, language = infos[0], infos[0].findtext(f"{ns}language")
            for name in (*TEXTS, "urgency", "severity", "certainty", "expires"):
                said[name] = info.findtext(f"{ns}{name}")
            polygons = (
                text
                for each in infos
                if each.findtext(f"{ns}language") == language
                for text in each.iterfind(f"{ns}area/{ns}polygon")
                if text.text
            )
            said["polygons"] = [
                [[float(number) for number in pair.split(",")] for pair in (each.text or "").split()]
                for each in polygons
            ]
        return said


def ours(adapter: Cap, raw: Raw) -> Claim:
    (claim,) = adapter.decode(raw)
    assert isinstance(claim, Claim)
    return claim


def same(read: Read, claim: Claim) -> bool:
    """What the peer reads as text, ours has in words, times and numbers."""

    def plain(text: object) -> object:
        return text.strip() or None if isinstance(text, str) else None

    def when(text: object) -> object:
        return datetime.fromisoformat(text) if isinstance(text, str) else None

    values = claim.values
    fields = {"identifier": "identifier", "sender": "sender", "senderName": "sender_name"}
    texts = all(
        plain(read.get(name)) == values.get(fields.get(name, name)) for name in (*TEXTS, "identifier", "sender")
    )
    words = {"status": "status", "msgType": "message_type", "urgency": "urgency"}
    words |= {"severity": "severity", "certainty": "certainty"}
    spoken = all(str(read.get(name) or "").upper() == (values.get(field) or "") for name, field in words.items())
    times = when(read["sent"]) == values.get("sent") and when(read.get("expires")) == values.get("expires")
    links = list(dict.fromkeys(read["references"])) == [link.target for link in claim.links]  # type: ignore[call-overload]
    areas = values.get("areas")
    polygons = loads(areas).polygons if isinstance(areas, str) else ()
    shapes = [[tuple(point) for point in ring] for ring in read.get("polygons", [])]  # type: ignore[attr-defined]
    return texts and spoken and times and links and shapes == [list(ring) for ring in polygons]


def valid(folder: Path, peer: Peer, adapter: Cap) -> Sequence[Raw]:
    """Single messages that the XSD takes; raises where the two sides read differently."""
    found: list[Raw] = []
    for file in sorted((folder / "cap").iterdir()):
        raw = Raw(key=file.name, received_at=now(), data=file.read_bytes())
        try:
            read = peer.read(raw.data)
        except etree.XMLSyntaxError:
            continue
        if read is None:
            continue
        claim = ours(adapter, raw)
        if not same(read, claim):
            raise SystemExit(f"{file.name}: the sides differ: {read} and {claim}")
        found.append(raw)
    return found


def main() -> int:
    samples = os.environ.get("CAUSEWAY_SAMPLES")
    if not samples:
        print("cap: NOT MEASURED: CAUSEWAY_SAMPLES names no folder of real messages", file=sys.stderr)
        return 0
    folder = Path(samples)
    peer = Peer(folder / "cap-schema")
    adapter = ADAPTER.factory(Source(id="bench"), CapConfig(url="http://127.0.0.1/", languages=("en",)))
    assert isinstance(adapter, Cap)
    messages = valid(folder, peer, adapter)
    assert messages, "no valid file among the samples"
    print(f"{len(messages)} valid files, {sum(len(raw.data) for raw in messages)} bytes", file=sys.stderr)
    rates: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(ROUNDS):
        for side, found in rates.items():
            settle(spared=True)
            count, began = 0, time.process_time()
            while (took := time.process_time() - began) < SECONDS:
                for raw in messages:
                    if side == "ours":
                        ours(adapter, raw)
                    else:
                        peer.read(raw.data)
                count += len(messages)
            found.append(count / took)
        print(f"round {number}: {[round(found[-1]) for found in rates.values()]}", file=sys.stderr)
    told("cap", "lxml with the XSD, the same fields as text", rates["ours"], rates["theirs"], "messages/CPU second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
