"""What sources send wrongly: each is kept with its reason and what to do, and the stream goes on."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.clock import from_micros
from hub.journal.readings import Flag
from tests.failure.conftest import Parks
from tests.failure.held import Held
from tests.failure.load import Publisher
from tests.failure.park import Park
from tests.failure.steps import Publishers, everything_arrived, hear_first_message
from tests.servers.modbus import ModbusServer
from tests.servers.mosquitto import Mosquitto

pytestmark = pytest.mark.long

WEIGHED = """
[[source.config.subscriptions]]
topic = "weighed/{{sensor}}"
format = "json"
accept_text_numbers = {lenient}
values = [{{ path = "t", quantity = "temperature", unit = "{unit}" }}]
[[source.config.subscriptions]]
topic = "pressed/{{sensor}}"
format = "json"
values = [{{ path = "p", quantity = "pressure", unit = "kPa" }}]
"""
PRESSURE = '[[quantity]]\nname = "pressure"\nunit = "kPa"\n'
BEYOND = """
[[source.config.maps.cabinet.registers]]
name = "humidity"
table = "input_register"
address = {address}
unit = "%"
"""
MEGABYTE = 1 << 20


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.mark.timeout(180)
def test_what_cannot_be_read_is_kept_and_read_once_it_is_mended(
    parks: Parks, broker: Mosquitto, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port, topics=WEIGHED.format(lenient="false", unit="kg"))
    park.start()
    hear_first_message(park, publishers)
    sender: Publisher = publishers(broker.port, sensors=0, name="sender")
    bad: dict[str, tuple[str, str | bytes, str]] = {
        "without the path": ("timed/a", json.dumps({"at": now_ms(), "m": 1}), "n"),
        "a number as text": ("weighed/b", json.dumps({"t": "21.5"}), "accept_text_numbers"),
        "NaN": ("timed/c", b'{"at": 1, "n": NaN}', "JSON"),
        "NaN as a number": ("bare/d", "nan", "no number"),
        "a wrong unit": ("weighed/e", json.dumps({"t": 22.5}), "kg"),
        "a quantity that is not declared": ("pressed/h", json.dumps({"p": 101.5}), "[[quantity]]"),
        "invalid UTF-8": ("timed/f", b'{"n": 1, "at": 1, "x": "\xff\xfe"}', "JSON"),
        "50 MB": ("timed/g", b"[" + b"1," * (25 * MEGABYTE) + b"1]", "max_payload"),
    }
    for topic, payload, _ in bad.values():
        sender.raw(topic, payload)
    sender.publish("timed-good")
    sender.taken()
    everything_arrived(park, publishers)
    letters: list[dict[str, Any]] = list(park.results("dead-letters", "list")["rows"])
    assert len(letters) == len(bad), letters
    for what, (topic, _, said) in bad.items():
        record = f"record:reading {topic.split('/')[1]} "
        found = [one for one in letters if f"{one['key']} {one['where']} ".startswith((f"{topic} ", record))]
        assert len(found) == 1, f"{what}: {letters}"
        assert said in found[0]["reason"], f"{what}: {found[0]['reason']}"
        assert found[0]["source"] == "broker"
    state = park.source("broker")
    assert state["state"] == "DEGRADED"
    assert state["deadLetters"] == len(bad)
    assert "causeway dead-letters" in state["text"]
    held = Held.by(park)
    assert held.numbers("timed-good") == [1], "the stream did not go on"
    assert held.of_source("broker") == [], "bad messages made the whole source unavailable"

    number = {one["key"]: one["id"] for one in letters}
    shown = park.results("dead-letters", "show", str(number["timed/a"]))
    assert json.loads(shown["data"])["m"] == 1
    large = park.results("dead-letters", "show", str(number["timed/g"]))
    assert len(large["data"]) < 10_000
    assert sum(f.stat().st_size for f in park.state.glob("journal.db*")) < 20 * MEGABYTE
    assert park.results("dead-letters", "replay")["stored"] == 0, "nothing was mended yet"

    assert park.stop() == 0
    park.topics, park.quantities = WEIGHED.format(lenient="true", unit="Cel"), PRESSURE
    park.write()
    done = park.results("dead-letters", "replay")  # without a hub
    assert (done["stored"], done["still_unreadable"]) == (2, len(bad) - 2), done
    mended = Held.by(park)
    (text,), (pressure,) = mended.readings["b", "temperature"], mended.readings["h", "pressure"]
    assert (text.value, pressure.value) == (21.5, 101.5)
    received = {one["key"]: datetime.fromisoformat(one["received_at"]) for one in letters}
    assert abs(from_micros(text.at) - received["weighed/b"]) < timedelta(seconds=1), "not at the time of receipt"

    park.start()
    again = [str(one["id"]) for one in park.results("dead-letters", "list")["rows"] if one["replayed_at"]]
    assert len(again) == 2
    park.results("dead-letters", "replay", *again)  # by the running hub
    park.results("dead-letters", "replay", *again)
    later = Held.by(park)
    for key in (("b", "temperature"), ("h", "pressure")):
        assert later.readings[key] == mended.readings[key], "a repeated replay stored twice"
    query = "{ assets(filter: {kind: [SENSOR]}) { nodes { name sensor { latest { value } } } } }"
    shown_now = {one["name"]: one["sensor"]["latest"] for one in park.query(query)["assets"]["nodes"]}
    assert shown_now["b"] == [{"value": 21.5}], "a sensor of which nothing else is known is not to be seen"


@pytest.mark.timeout(120)
def test_a_clock_a_year_off_keeps_its_reading_at_the_time_of_receipt(
    parks: Parks, broker: Mosquitto, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port)
    park.start()
    hear_first_message(park, publishers)
    sender: Publisher = publishers(broker.port, sensors=0, name="sender")
    year = timedelta(days=365)
    sent = datetime.now(UTC)
    for name, off in (("ahead", year), ("behind", -year)):
        stamp = int((sent + off).timestamp() * 1000)
        sender.raw(f"timed/{name}", json.dumps({"n": 7, "t": 95.0, "at": stamp}))
    sender.taken()
    everything_arrived(park, publishers)
    park.until(lambda: len(Held.by(park).alert_events()) == 2, "an alert of each, for it may be a fire")
    held = Held.by(park)
    for name, off in (("ahead", year), ("behind", -year)):
        (row,) = held.readings[name, "temperature"]
        assert timedelta(0) <= from_micros(row.at) - sent < timedelta(seconds=20), "not at the time of receipt"
        assert row.flags & Flag.UNCERTAIN
        assert row.device_at is not None
        assert abs(from_micros(row.device_at) - sent - off) < timedelta(seconds=1), "its own stamp was not kept"
    text = park.source("broker")["text"]
    assert "clock of" in text and "Set its clock" in text, text
    assert park.results("dead-letters", "list")["rows"] == []
    query = '{ assets(filter: {search: "ahead"}) { nodes { sensor { latest { quality deviceAt } } } } }'
    (asset,) = park.query(query)["assets"]["nodes"]
    assert {reading["quality"] for reading in asset["sensor"]["latest"]} == {"UNCERTAIN"}


@pytest.mark.timeout(120)
def test_a_register_that_the_device_does_not_have_is_told_and_the_others_are_read(
    parks: Parks, cabinet: ModbusServer
) -> None:
    park: Park = parks(cabinet=cabinet.port, registers=BEYOND.format(address=40000))
    cabinet.set_registers(0, [0, 7, 215])
    park.start()
    told = park.until(lambda: park.source("cabinet")["text"], "the source's health to tell of it")
    assert "40000" in told and "no such address" in told and told.count("compare the map") == 1, told
    assert park.source("cabinet")["state"] == "DEGRADED"
    park.until(lambda: Held.by(park).numbers("cabinet") == [7], "the other registers to be read")
    cabinet.set_registers(0, [0, 8])
    park.until(lambda: Held.by(park).numbers("cabinet") == [7, 8], "the others to be read again")
    assert Held.by(park).of_source("cabinet") == []
    assert park.stop() == 0

    park.registers = BEYOND.format(address=70000)
    park.write()
    refused = park.command("serve")
    assert refused.returncode == 2
    assert "park.toml" in refused.stderr and "70000" in refused.stderr and "65535" in refused.stderr, refused.stderr
