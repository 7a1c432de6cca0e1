"""A random park as one source claims it, and the same park in plain Python, for what a mask should show of it."""

from random import Random
from typing import Any

from graph_models.entities import LotSharing, Severity
from hub.clock import now
from hub.journal.records import HUB
from hub.warning import alerts
from tests.schema.hub import START, Hub
from tests.schema.town import claim
from tests.select.walks import Park

ITEM = "1010101"
SOURCE = "plan"
PLACES = ["park", "east", "west", "east-1", "west-1"]
ORGANIZATIONS = ["a", "b", "c"]
_UP = {"east": "park", "west": "park", "east-1": "east", "west-1": "west"}


class World:
    """`park` has the entity ids; `alerts` are its alerts' ids in the log's order, `lots` its lots'."""

    def __init__(self) -> None:
        self.park = Park()
        self.alerts: list[str] = []
        self.lots: list[str] = []

    def of(self, kind: str) -> list[str]:
        return [id_ for id_, node in self.park.nodes.items() if node["entity"] == kind]


async def made(hub: Hub, seed: int) -> World:
    """Claims it all, and waits until graph and memory have taken it in."""
    dice, world = Random(seed), World()
    things: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {}
    for name in PLACES:
        up = {"PART_OF": _UP[name]} if name in _UP else {}
        owner = {"OWNED_BY": dice.choice(ORGANIZATIONS)} if dice.random() < 0.2 else {}
        kind = "PARK" if name == "park" else "STOREY" if "-" in name else "BUILDING"
        things[name] = ("Place", up | owner, {"kind": kind, "name": f"place {name}", "code": f"C-{name}"})
    for name in ORGANIZATIONS:
        seat = {"OCCUPIES": dice.choice(PLACES[1:])} if dice.random() < 0.9 else {}
        things[name] = ("Organization", seat, {"name": f"firm {name}", "telephone": f"0230000{name}"})
    for number in range(6):
        links = {"LOCATED_IN": dice.choice(PLACES)} | _owned(dice)
        values = {"kind": "SENSOR", "name": f"sensor {number}", "serial_number": f"SN-100{number}"}
        things[f"s{number}"] = ("Asset", links, values)
    for number in range(4):
        links = {"EMPLOYED_BY": dice.choice(ORGANIZATIONS)}
        things[f"p{number}"] = ("Person", links, {"name": f"person {number}", "phone": f"1390000000{number}"})
    things["item"] = ("SupplyItem", {}, {"code": ITEM, "unit": "{piece}", "name": "mask"})
    for number in range(7):
        links = {"STORED_IN": dice.choice(PLACES)} | _owned(dice)
        values = {"name": f"lot {number}", "unit": "{piece}", "quantity": float(dice.randrange(1, 9))}
        if dice.random() < 0.8:
            values["item_code"] = ITEM
        if dice.random() < 0.9:
            values |= {"sharing": dice.choice(list(LotSharing)).value, "agreed_quantity": 2.0}
        things[f"l{number}"] = ("SupplyLot", links, values)
    claims = [
        claim(kind, id_, {relation: f"{SOURCE}:{to}" for relation, to in links.items()}, **values)
        for id_, (kind, links, values) in things.items()
    ]
    await hub.append(source=SOURCE, claims=claims)
    for id_, (kind, links, values) in things.items():
        world.park.nodes[hub.ids[id_]] = {"entity": kind, "retired": False, **values}
        world.park.edges |= {(hub.ids[id_], relation, hub.ids[to]) for relation, to in links.items()}
    world.lots = [hub.ids[id_] for id_, (kind, _, _) in things.items() if kind == "SupplyLot"]
    for number in range(3):
        await _alert(hub, world, f"s{number}", things[f"s{number}"][1]["LOCATED_IN"], number)
    reserve: Any = hub.services.reserve
    assert await reserve.reached(hub.journal.head, 60)
    return world


def _owned(dice: Random) -> dict[str, str]:
    return {"OWNED_BY": dice.choice(ORGANIZATIONS)} if dice.random() < 0.8 else {}


async def _alert(hub: Hub, world: World, sensor: str, place: str, number: int) -> None:
    path = [place]
    while path[-1] in _UP:
        path.append(_UP[path[-1]])
    measured = alerts.Measured(quantity="temperature", unit="Cel", value=80.0 + number, limit=80.0)
    id_ = alerts.alert_id(hub.journal.epoch, "hot", hub.ids[sensor], str(number))
    opened = alerts.opened(
        id=id_,
        rule="hot",
        severity=Severity.SEVERE,
        code="limit.above",
        at=START,
        measured=measured,
        subject=alerts.Named(id=hub.ids[sensor], kind="SENSOR", name=f"sensor {sensor[1:]}"),
        path=[alerts.Named(id=hub.ids[p], kind="PARK", name=f"place {p}") for p in path],
    )
    await hub.append(source=HUB, received_at=now(), events=[hub.event(opened)])
    values = {"quantity": "temperature", "unit": "Cel", "value": 80.0 + number, "code": "limit.above"}
    world.park.nodes[id_] = {"entity": "Alert", "retired": False, **values}
    world.park.edges |= {(id_, "CONCERNS", hub.ids[sensor]), (id_, "AT", hub.ids[place])}
    world.alerts.append(id_)
