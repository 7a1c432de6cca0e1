"""A hub with a recorder, a camera and a fire panel: all in one graph, joined, and still told apart when one goes."""

from pathlib import Path
from typing import Any

import pytest

from tests.adapters import isapi_peer, onvif_peer
from tests.adapters.gb26875_peer import local
from tests.failure.conftest import Parks
from tests.failure.park import Park, resident
from tests.servers.gb26875 import Panel, component_state, component_value
from tests.servers.isapi import IsapiDevice, part
from tests.servers.onvif import OnvifDevice, notification
from tests.servers.process import free_port

SOURCES = """
[[source]]
id = "recorder"
adapter = "isapi"
expect_within = "10s"
trusted_schemes = ["serial_number", "mac", "recorder_channel"]
[source.config]
url = "{recorder}"
username = "{user}"
password = {{ file = "{password}" }}
status_seconds = 2

[[source]]
id = "camera"
adapter = "onvif"
expect_within = "10s"
trusted_schemes = ["serial_number", "mac", "onvif_endpoint"]
[source.config]
url = "{camera}"
username = "{user}"
password = {{ file = "{password}" }}
status_seconds = 2
pull_seconds = 1

[[source]]
id = "panels"
adapter = "gb26875"
expect_within = "10s"
[source.config]
port = {panel}
"""
ASSETS = "{ assets(first: 100) { nodes { kind name deviceType channel online } } }"


@pytest.mark.timeout(180)
def test_recorder_camera_and_panel_in_one_graph(parks: Parks, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(isapi_peer.PASSWORD, encoding="utf-8")
    recorder = IsapiDevice(isapi_peer.recording(), isapi_peer.USER, isapi_peer.PASSWORD)
    camera = OnvifDevice(onvif_peer.USER, onvif_peer.PASSWORD)
    port = free_port()
    panel = Panel(port)
    recorder.start()
    camera.start()
    panel.start()
    try:
        sources = SOURCES.format(
            recorder=recorder.url,
            camera=camera.url,
            panel=port,
            user=isapi_peer.USER,
            password=tmp_path / "password",
        )
        park: Park = parks(quantities=sources)
        hub = park.start()
        at = local()
        panel.report(component_state(42, 1, 2, 0b11, "北门烟感", at), at)
        panel.report(component_value(31, 1, 3, 3, 215, at), at)
        recorder.say(part(isapi_peer.event(eventType="linedetection")))
        camera.tell(notification(onvif_peer.event("tns1:RuleEngine/LineDetector/Crossed", {})))

        def assets() -> dict[str, Any] | None:
            found = {one["name"]: one for one in park.query(ASSETS)["assets"]["nodes"]}
            return found if {"门 1", "门 4", "recorder", "北门", "北门烟感"} <= found.keys() else None

        found = park.until(assets, "every device to be in the graph", 60)
        assert found["北门烟感"]["deviceType"] == "点型光电感烟火灾探测器"
        assert found["北门烟感"]["kind"] == "SENSOR"
        assert [found[f"门 {n}"]["online"] for n in (1, 4)] == [True, False]
        assert (found["recorder"]["kind"], found["北门"]["kind"]) == ("RECORDER", "CAMERA")
        park.until(lambda: not panel.unconfirmed, "what the panel said to be confirmed")
        assert {data[26] for data in panel.heard} == {3}
        assert all(park.source(name)["deadLetters"] == 0 for name in ("recorder", "camera", "panels"))

        done = park.command("check")
        assert done.returncode == 0, done.stdout
        assert "the running hub listens for it" in done.stdout
        secrets = (isapi_peer.PASSWORD, "sword&")
        written = done.stdout + done.stderr + hub.log.read_text(errors="replace")
        assert not any(secret in written for secret in secrets)
        assert not any(secret.encode() in (park.state / "journal.db").read_bytes() for secret in secrets)
        assert resident(hub.pid) < 400e6

        recorder.stop()
        park.until(lambda: park.source("recorder")["state"] == "UNAVAILABLE", "the recorder to be missed", 40)
        assert park.source("camera")["state"] == park.source("panels")["state"] == "OK"
        recorder.start()
        park.until(lambda: park.source("recorder")["state"] != "UNAVAILABLE", "the recorder to be back", 60)
    finally:
        recorder.stop()
        camera.stop()
        panel.stop()
