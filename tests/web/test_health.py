"""What an orchestrator and a monitor read of a hub."""

import asyncio

import httpx

from hub.errors import GraphUnavailable
from hub.telemetry import SourceSample
from hub.web.health import Part, PartState, Probe, Probes
from tests.web.tiny import TinyHub, running


def part(state: PartState, text: str = "") -> Probe:
    async def probe() -> Part:
        return Part(state=state, text=text, figures={"behind": 3})

    return probe


async def _away() -> Part:
    raise GraphUnavailable("Nobody answers at the graph's address.")


async def _silent() -> Part:
    await asyncio.sleep(60)
    raise AssertionError


def read(path: str, probes: Probes | None = None) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with running(probes=probes) as hub, httpx.AsyncClient(base_url=hub.url) as client:
            _figures(hub)
            await client.post("/graphql", json={"query": "{ leak }"})
            return await client.get(path)

    return asyncio.run(scenario())


def _figures(hub: TinyHub) -> None:
    hub.metrics.gauge("journal_head", "The last committed sequence number.", lambda: 41.0)
    hub.metrics.sources(
        lambda: [
            SourceSample(
                source="cabinets", state="OK", lag_seconds=0.5, stale=False, appended={"reading": 7}, dead_letters=2
            )
        ]
    )


def test_a_living_process_says_so() -> None:
    assert read("/healthz").status_code == 200


def test_a_graph_that_is_away_leaves_the_hub_ready_and_degraded() -> None:
    probes = Probes(needed={"journal": part(PartState.OK)}, others={"graph": _away})
    response = read("/readyz", probes)
    assert response.status_code == 200
    assert response.json() == {
        "state": "DEGRADED",
        "parts": {
            "journal": {"state": "OK", "behind": 3},
            "graph": {"state": "DOWN", "text": "Nobody answers at the graph's address."},
        },
    }


def test_a_journal_that_cannot_be_written_or_does_not_answer_makes_it_not_ready() -> None:
    for probe in (part(PartState.DOWN, "the disk is full"), _silent):
        response = read("/readyz", Probes(needed={"journal": probe}))
        assert (response.status_code, response.json()["state"]) == (503, "DOWN")
        assert response.json()["parts"]["journal"]["text"]
    assert read("/readyz", Probes(needed={"journal": part(PartState.OK)})).json()["state"] == "OK"


def test_the_figures_are_told_to_prometheus() -> None:
    text = read("/metrics").text
    for line in (
        "causeway_journal_head 41.0",
        'causeway_source_state{source="cabinets",state="OK"} 1.0',
        'causeway_source_lag_seconds{source="cabinets"} 0.5',
        'causeway_appended_total{kind="reading",source="cabinets"} 7.0',
        'causeway_dead_letters_total{source="cabinets"} 2.0',
        'causeway_web_requests_total{outcome="INTERNAL",transport="http"} 1.0',
        "process_resident_memory_bytes",
    ):
        assert line in text
    assert "swordfish" not in text


def test_a_wrong_path_is_told_as_json() -> None:
    response = read("/nosuch")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
