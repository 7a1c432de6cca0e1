"""An official warning from the log to the reader: what it covers, the alert that passes it on, who acknowledged it."""

from typing import Any

from adapters.contract import Claim, Position
from adapters.government.areas import Areas, Circle
from hub.clock import now
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_alerts import AWAY

ACKNOWLEDGE = """
mutation ($id: ID!, $key: String!, $note: String) {
  acknowledgeWarning(id: $id, idempotencyKey: $key, note: $note) {
    __typename
    ... on AcknowledgeWarningSuccess { id identifier acknowledgedAt acknowledgedBy projected }
    ... on Problem { code message }
  }
}
"""
READ = """
query ($id: ID!) {
  warning(id: $id) {
    identifier headline acknowledgedBy
    places { nodes { name } }
    alerts { nodes { code severity place { name } } }
  }
}
"""


async def warned(hub: Hub) -> str:
    """A hut far from the rest of the park, and a warning for it; both the hub's own engine has decided about."""
    areas = Areas(circles=(Circle(latitude=10.0, longitude=20.0, radius=1.0),)).dumps()
    values = {"identifier": "w-1", "status": "ACTUAL", "message_type": "ALERT", "severity": "MINOR"}
    place = Claim(
        kind="Place",
        external_id="hut",
        values={"kind": "BUILDING", "name": "Hut"},
        position=Position(latitude=10.0, longitude=20.0),
    )
    await hub.append(source="plan", claims=[place])
    told = Claim(kind="Warning", external_id="w-1", values=values | {"areas": areas, "headline": "暴雨红色预警"})
    await hub.append(source="cap", claims=[told])
    engine = hub.services.reserve.places
    await engine.take_up()  # type: ignore[attr-defined]
    await engine.catch_up()  # type: ignore[attr-defined]
    assert await hub.projector.wait_for(hub.journal.head, 20)
    return hub.ids["w-1"]


def test_a_warning_with_its_places_its_alert_and_who_acknowledged_it(hub: Hub, run: Run) -> None:
    async def main() -> None:
        id_ = await warned(hub)
        done = (await hub.ask(ACKNOWLEDGE, id=id_, key="k1", note="已通知"))["acknowledgeWarning"]
        assert done.pop("acknowledgedAt")[:4] == str(now().year)
        assert done == {
            "__typename": "AcknowledgeWarningSuccess",
            "id": id_,
            "identifier": "w-1",
            "acknowledgedBy": "local-administrator",
            "projected": True,
        }
        assert await hub.ask(READ, id=id_) == {
            "warning": {
                "identifier": "w-1",
                "headline": "暴雨红色预警",
                "acknowledgedBy": "local-administrator",
                "places": {"nodes": [{"name": "Hut"}]},
                "alerts": {"nodes": [{"code": "official_warning", "severity": "MINOR", "place": {"name": "Hut"}}]},
            }
        }

    run(main())


def test_twice_is_a_problem_a_repeat_is_not_and_neither_needs_the_graph(hub: Hub, run: Run) -> None:
    async def main() -> None:
        id_ = await warned(hub)
        answers: list[Any] = []
        for key, of in (("k1", id_), ("k2", id_), ("k3", hub.ids["hut"])):
            found = await hub.execute(ACKNOWLEDGE, services=AWAY, id=of, key=key, note="已通知")
            assert not found.errors and found.data is not None
            answers.append(found.data["acknowledgeWarning"])
        first, twice, other = answers
        assert (first["__typename"], first["projected"]) == ("AcknowledgeWarningSuccess", False)
        assert (twice["__typename"], twice["code"]) == ("WarningAlreadyAcknowledged", "CONFLICT")
        assert (other["__typename"], other["code"]) == ("WarningNotFound", "NOT_FOUND")
        await hub.append(source="plan", claims=[Claim(kind="Place", external_id="hut", gone=True)])

    run(main())
