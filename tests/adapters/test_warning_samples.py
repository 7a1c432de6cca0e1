"""Every real file of warnings and earthquakes is accepted, flagged or dead-lettered with a reason; and so is what is
left of it after bytes were changed."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import registry
from adapters.contract import Adapter, Batch, Claim, DeadLetter, Raw, Source, Unreadable
from adapters.counterpart import closing
from hub.clock import now
from hub.ingest.claims import normalise_claim
from hub.ingest.source import SourceSpec
from tests.servers.pages import Pages
from tests.warning.script import Script, run

FOLDERS: Mapping[str, str] = {
    "cap": "cap",
    "cap-feeds": "cap",
    "gdacs": "cap",
    "georss": "cap",
    "nws": "cap",
    "cma": "cma",
    "usgs": "earthquakes",
    "quakeml": "earthquakes",
}
EMPTY = {"empty_weather_index.atom", "earthquakes-2.json"}
"""Feeds that say that nothing is wrong."""
REFUSED = {"xee.cap", "xee.atom", "invalid.rss", "no_title.atom", "xml_parser_complex_3.xml"}
"""Those of which nothing can be read."""

UNLOCATED: Mapping[str, set[str]] = {
    "cap": {"invalid.cap", "no_optional_fields.cap", "optional-properties-1.xml"},
    "cap-feeds": {"weather_invalid.atom"},
}
"""Those that hold one in force without polygon, circle and code."""


def adapter_of(name: str, url: str, **more: object) -> Adapter:
    definition = registry.find(name)
    extra = {"detail_url": None} if name == "cma" else {"follow_links": False} if name == "cap" else {}
    made: Adapter = definition.factory(
        Source(id="samples"), definition.config.model_validate({"url": url, **extra, **more})
    )
    return made


def spec_of(name: str, url: str) -> SourceSpec:
    definition = registry.find(name)
    return SourceSpec(id="samples", definition=definition, config=definition.config.model_validate({"url": url}))


def files(samples: Path, folder: str) -> Sequence[Path]:
    found = sorted((samples / folder).iterdir())
    assert found, f"the samples have no {folder}"
    return found


def plain(file: Path) -> str:
    return file.name.rpartition("~")[2].removeprefix("python-aio-geojson-usgs-earthquakes__tests~fixtures~")


async def poll(name: str, server: Pages, path: str) -> list[Batch]:
    async with adapter_of(name, server.url + path) as adapter, closing(adapter.read(None)) as batches:
        return [batch async for batch in batches]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_real_file_is_accepted_flagged_or_dead_lettered(samples: Path, folder: str) -> None:
    name, server = FOLDERS[folder], Pages()
    server.start()
    try:
        for number, file in enumerate(files(samples, folder)):
            path = f"/{number}"
            server.put(path, file.read_bytes())
            batches = asyncio.run(poll(name, server, path))
            claims = [record for batch in batches for record in batch.records]
            letters = [letter for batch in batches for letter in batch.unreadable]
            assert claims or letters or plain(file) in EMPTY, f"{file.name} was dropped"
            assert bool(claims) != (plain(file) in REFUSED | EMPTY), f"{file.name}: {letters}"
            assert_fit(name, server.url, claims)
            for letter in letters:
                assert_reasoned(letter, adapter_of(name, server.url))
    finally:
        server.stop()


def assert_fit(name: str, url: str, claims: Sequence[object]) -> None:
    """Intake takes each, and its areas can be read again."""
    spec = spec_of(name, url)
    for claim in claims:
        assert isinstance(claim, Claim)
        taken, _ = normalise_claim(claim, spec, now())
        assert taken.values["identifier"] == claim.external_id


def assert_reasoned(letter: DeadLetter, adapter: Adapter) -> None:
    assert letter.reason and letter.bug is None
    with pytest.raises(Unreadable):
        adapter.decode(letter.raw)


@pytest.mark.parametrize("folder", ["cap", "cap-feeds", "cma", "nws", "gdacs"])
def test_of_the_real_ones_in_force_those_without_an_area_are_for_the_whole_park_and_no_other_is(
    samples: Path, folder: str
) -> None:
    """A park in Chongqing, of which no other file tells; read when each was sent, or long before it expires."""
    adapter, raised = adapter_of(FOLDERS[folder], "http://127.0.0.1/x"), set()
    for file in files(samples, folder):
        log = Script()
        log.now = datetime(2000, 1, 1, tzinfo=UTC)
        log.located("500112")
        log.place("park", kind="PARK", name="园区", latitude=29.5, longitude=106.5)
        with suppress(Unreadable):
            for record in adapter.decode(Raw(key="k", received_at=now(), data=file.read_bytes())):
                assert isinstance(record, Claim)
                taken, _ = normalise_claim(record, spec_of(FOLDERS[folder], "http://127.0.0.1/x"), now())
                log.claim(taken.external_id, taken.external_id, type="Warning", source="w", **taken.values)
        opened = [step.opening for step in run(log.entries) if step.type == "alert.opened" and step.opening]
        assert all((o["code"], o["subject"]["id"]) == ("official_warning_unlocated", "park") for o in opened)
        raised |= {plain(file)} if opened else set()
    assert raised == UNLOCATED.get(folder, set())


def test_nothing_of_a_feed_is_lost(samples: Path) -> None:
    """As many as the feed lists, by the feed's own count."""
    nws = (samples / "cap" / "cap__resources~nws_atom_feed_example.xml").read_bytes()
    edxl = (samples / "cap" / "cap-library__testdata~bushfire_invalid.edxlde").read_bytes()
    for data, listed in ((nws, nws.count(b"<entry>")), (edxl, edxl.count(b"<edxlde:contentObject>"))):
        server = Pages()
        server.start()
        try:
            server.put("/feed", data)
            batches = asyncio.run(poll("cap", server, "/feed"))
        finally:
            server.stop()
        got = sum(len(batch.records) + len(batch.unreadable) for batch in batches)
        assert got == listed


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_but_unreadable_leaves_a_mutated_real_file(samples: Path, folder: str) -> None:
    name = FOLDERS[folder]
    adapter, spec = adapter_of(name, "http://127.0.0.1/x"), spec_of(name, "http://127.0.0.1/x")
    small = [file.read_bytes() for file in files(samples, folder) if file.stat().st_size < 40_000]
    whole = small or [files(samples, folder)[0].read_bytes()[:40_000]]

    @settings(max_examples=250, deadline=timedelta(seconds=5), database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(whole), st.integers(0, 2**32))
    def mutated(data: bytes, seed: int) -> None:
        changed = mutate(data, random.Random(seed))
        try:
            records = adapter.decode(Raw(key="k", received_at=now(), data=changed))
        except Unreadable as unreadable:
            assert unreadable.reason
            return
        for record in records:
            assert isinstance(record, Claim)
            normalise_claim(record, spec, now())

    mutated()


_WORDS = (b"", b"-", b"99999999999999999999", b"NaN", b"Infinity", b"1e999", b"0001-01-01T00:00:00+14:00", b"\xff")
_WORDS += (b'"', b"<", b"&amp;", b"null", b"[[[", b"{}", b"true", b"\\u0000", b"\xe7\xba\xa2\xe8\x89\xb2", b"x" * 3000)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """A text or a number is replaced, a piece is cut out or doubled, a byte is changed: up to four times."""
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + chance.randrange(1, 400) :]
            case 2:
                data = data[:at] + data[max(0, at - chance.randrange(1, 400)) :]
            case _:
                start = data.find(chance.choice((b">", b":", b'"')), at) + 1
                ends = [end for sign in (b"<", b",", b'"') if (end := data.find(sign, start)) > 0]
                data = data[:start] + chance.choice(_WORDS) + data[min(ends, default=start) :]
    return data
