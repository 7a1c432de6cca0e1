"""China's list of warnings and their pages of details over HTTP, as the contract's counterpart: scripts that hold JSON,
refused to whoever sends no Referer. What the adapter must make of each is written here by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import orjson

from adapters.contract import Claim, Raw, Record
from adapters.counterpart import Traits
from hub.clock import now
from tests.servers.pages import Pages


def detail(name: str, text: str, **changed: object) -> Mapping[str, object]:
    return {
        "head": "重庆市渝北区发布暴雨橙色预警信号",
        "ALERTID": "x",
        "PROVINCE": "重庆市",
        "CITY": "重庆市",
        "STATIONNAME": "渝北区",
        "SIGNALTYPE": "暴雨",
        "SIGNALLEVEL": "橙色",
        "TYPECODE": "02",
        "LEVELCODE": "03",
        "ISSUETIME": "2026-07-01 14:00:00",
        "ISSUECONTENT": text,
        "RELIEVETIME": "2026-07-02 02:00:00",
        "EFFECT": "101040700",
        "msgType": "Alert",
        "identifier": name,
        "references": name,
        **changed,
    }


def told(identifier: str, text: str) -> Claim:
    return Claim(
        kind="Warning",
        external_id=identifier,
        values={
            "identifier": identifier,
            "status": "ACTUAL",
            "message_type": "ALERT",
            "category": "Met",
            "language": "zh-CN",
            "headline": "重庆市渝北区发布暴雨橙色预警信号",
            "sender": "50011241600000",
            "sender_name": "渝北区气象台",
            "sent": datetime.fromisoformat("2026-07-01T14:00:00+08:00"),
            "expires": datetime.fromisoformat("2026-07-02T02:00:00+08:00"),
            "description": text,
            "event": "暴雨",
            "colour": "ORANGE",
            "severity": "SEVERE",
            "area_description": "重庆市渝北区",
            "areas": '{"polygons":[],"circles":[],"geocodes":[{"scheme":"GB/T 2260","value":"500112"},'
            '{"scheme":"weather.com.cn","value":"101040700"}]}',
            "flags": ("references_itself",),
        },
    )


def row(identifier: str, file: str, *more: object) -> Sequence[object]:
    return ["重庆市渝北区", file, "106.63", "29.72", identifier, identifier, "重庆市渝北区发布暴雨橙色预警信号", *more]


def script(document: object) -> bytes:
    return b"var alarminfo=" + orjson.dumps(document) + b";"


class Alarms:
    traits: ClassVar[Traits] = Traits(cursors=True, bound=500, patience=8.0)

    def __init__(self, folder: Path) -> None:
        self._server = Pages(admits=lambda headers: "weather" in (headers.get("Referer") or ""))
        self._rows: list[object] = []
        self._last: list[Raw] = []
        self._next = 0

    def start(self) -> None:
        self._publish()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def pause(self) -> None:
        self._server.stop()

    def resume(self) -> None:
        self._server.start()

    def config(self) -> Mapping[str, object]:
        url = self._server.url
        return {"url": f"{url}/list.php", "detail_url": f"{url}/webdata/{{file}}", "timeout_seconds": 2.0}

    def refused_config(self) -> Mapping[str, object]:
        raise NotImplementedError("it has no credentials")

    def produce(self, n: int) -> Sequence[Record]:
        """Identifiers of 31 and of 29 characters, all of one second."""
        made: list[Record] = []
        self._last = []
        for _ in range(n):
            self._next += 1
            text = f"渝北区气象台2026年7月1日14时00分发布暴雨橙色预警信号：第{self._next}号。"
            unit = f"5001124160{self._next:04d}"
            identifier = f"{unit}_20260701140000" + ("_1" if self._next % 2 else "")
            file = f"101040700-2026070114{self._next:04d}-0203.html"
            data = script(detail(identifier, text))
            self._server.put(f"/webdata/{file}", data)
            self._rows.insert(0, row(identifier, file))
            claim = told(identifier, text)
            made.append(replace(claim, values={**claim.values, "sender": unit}))
            self._last.append(Raw(key=f"{self._server.url}/webdata/{file}", received_at=now(), data=data))
        self._publish()
        return made

    def spoil(self) -> None:
        self._rows.insert(0, ["重庆市", "no file"])
        self._publish()

    def payloads(self) -> Sequence[Raw]:
        return self._last

    def _publish(self) -> None:
        self._server.put("/list.php", script({"count": str(len(self._rows)), "data": self._rows}))
