"""What recorders, cameras and panels are said to be is what the graph declares: intake takes every claim and signal."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters import registry
from adapters.contract import Claim, Record, Signal
from adapters.counterpart import Counterpart, running
from graph_models.schemes import SCHEMES
from hub.clock import now
from hub.ingest.claims import normalise_claim, normalise_signal
from hub.ingest.source import SourceSpec
from tests.adapters.gb26875_peer import FirePanel
from tests.adapters.isapi_peer import Recorder
from tests.adapters.onvif_peer import Camera

PEERS: dict[str, type[Counterpart]] = {"gb26875": FirePanel, "isapi": Recorder, "onvif": Camera}


@pytest.mark.parametrize("name", PEERS)
def test_intake_takes_every_claim_and_signal(name: str, tmp_path: Path) -> None:
    definition = registry.find(name)

    async def gathered() -> Sequence[Record]:
        with running(definition, PEERS[name], tmp_path) as bench:
            async with bench.adapter() as adapter:
                taken = await bench.take_all(adapter, await bench.produce(8), why="reading")
                found = [claim async for claim in adapter.discover()]
            return [*found, *(record for batch in taken for record in batch.records)]

    records = asyncio.run(gathered())
    spec = SourceSpec(
        id="devices",
        definition=definition,
        config=definition.config.model_construct(),
        trusted_schemes=frozenset(scheme.name for scheme in SCHEMES),
    )
    kinds = set()
    for record in records:
        if isinstance(record, Claim):
            claim, _ = normalise_claim(record, spec, now())
            assert len(claim.identifiers) == len(record.identifiers)
            assert len(claim.links) == len(record.links)
            assert claim.values.keys() == record.values.keys()
            kinds.add(claim.values["kind"])
        elif isinstance(record, Signal):
            signal, off = normalise_signal(record, spec, now())
            assert signal.type == record.type
            assert not off
    assert kinds == {"gb26875": {"PANEL", "SENSOR"}, "isapi": {"RECORDER", "CAMERA"}, "onvif": {"CAMERA"}}[name]
