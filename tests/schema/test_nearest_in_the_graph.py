"""What lies behind the nearest lots and cameras, read from the graph for all picks together."""

from collections.abc import Mapping
from typing import Any

from adapters.contract import Claim, Link
from hub.errors import Code
from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_alerts import AWAY

ASKED = """
query ($place: ID!) {
  nearestSupplies(place: $place, item: "7", quantity: 9) {
    found picks { lotId quantity lot { id lotNumber } }
  }
}
"""


class Counted:
    def __init__(self, hub: Hub) -> None:
        self.hub, self.statements = hub, 0

    async def read(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, object]]:
        self.statements += 1
        return await self.hub.store.read(statement, parameters)


def test_the_lots_of_all_picks_are_one_statement_and_their_numbers_stand_without_it(hub: Hub, run: Run) -> None:
    async def main() -> None:
        names = [f"lot {number}" for number in range(5)]
        lots = [
            Claim(
                kind="SupplyLot",
                external_id=name,
                values={"item_code": "7", "unit": "L", "quantity": 2.0, "sharing": "OWN", "lot_number": name},
                links=(Link(relation="STORED_IN", target="west"),),
            )
            for name in names
        ]
        item = Claim(kind="SupplyItem", external_id="7", values={"code": "7", "unit": "L"})
        await hub.append(source="plan", claims=[item, *lots])
        reserve: Any = hub.services.reserve
        await reserve.places.take_up()
        await reserve.places.catch_up()
        await reserve.take_up()
        while reserve.position < hub.journal.head:
            await reserve.step()
        try:
            store = Counted(hub)
            result = await hub.execute(ASKED, services={"store": store}, place=hub.ids["west"])
            assert not result.errors and result.data is not None
            picks = result.data["nearestSupplies"]["picks"]
            assert {pick["lot"]["id"]: pick["lot"]["lotNumber"] for pick in picks} == {hub.ids[n]: n for n in names}
            assert all(pick["lot"]["id"] == pick["lotId"] for pick in picks)
            assert store.statements == 1
            away = await hub.execute(ASKED, services=AWAY, place=hub.ids["west"])
            assert away.errors and len(away.errors) == 5
            assert {getattr(each.original_error, "code", None) for each in away.errors} == {Code.GRAPH_UNAVAILABLE}
            assert away.data is not None and away.data["nearestSupplies"]["found"] == 9
        finally:
            gone = [Claim(kind="SupplyLot", external_id=name, gone=True) for name in names]
            await hub.append(source="plan", claims=[*gone, Claim(kind="SupplyItem", external_id="7", gone=True)])

    run(main())
