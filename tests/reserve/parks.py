"""Parks as entries of a log: what places, ways, lots and duty there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.contract import Claim, Link, Value
from hub.journal.records import ClaimEntry, Entry, EventEntry
from hub.reserve.stock import Stock
from hub.topology import Topology

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


def at(hours: float) -> str:
    """So many hours from now, as the log holds times."""
    return (NOW + timedelta(hours=hours)).isoformat(timespec="microseconds")


@dataclass
class Park:
    """Ids are the external ids."""

    topology: Topology = field(default_factory=lambda: Topology({}))
    stock: Stock = field(default_factory=lambda: Stock({}))
    entries: list[Entry] = field(default_factory=list)

    def apply(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.topology.apply(entry)
        self.stock.apply(entry)

    def say(
        self,
        kind: str,
        id_: str,
        values: Mapping[str, Value] | None = None,
        links: Sequence[tuple[str, str]] = (),
        *,
        gone: bool = False,
    ) -> None:
        claim = Claim(
            kind=kind,
            external_id=id_,
            values=dict(values or {}),
            links=tuple(Link(relation=r, target=t) for r, t in links),
            gone=gone,
        )
        self.apply(
            ClaimEntry(
                seq=len(self.entries) + 1,
                batch=0,
                recorded_at=LONG_AGO + timedelta(seconds=len(self.entries)),
                source="survey",
                entity=id_,
                claim=claim,
                targets={link: link[1] for link in links},
            )
        )

    def merge(self, entity: str, alias: str, *, split: bool = False) -> None:
        self.apply(
            EventEntry(
                seq=len(self.entries) + 1,
                batch=0,
                recorded_at=LONG_AGO,
                type="entity.split" if split else "entity.merged",
                version=1,
                stream=f"entity:{entity}",
                stream_version=1,
                data={"entity": entity, "alias": alias},
                actor="someone",
                reason=None,
                cause=None,
            )
        )

    def place(self, id_: str, kind: str = "BUILDING", part_of: str | None = None, beside: Sequence[str] = ()) -> None:
        links = [("PART_OF", part_of)] if part_of else []
        self.say("Place", id_, {"kind": kind}, [*links, *(("ADJACENT_TO", other) for other in beside)])

    def route(self, id_: str, ends: tuple[str, str], length: float | None, **more: Value) -> None:
        values = {"length": length, **more} if length is not None else more
        self.say("Route", id_, values, [("CONNECTS", end) for end in ends])

    def item(self, code: str = "1010101", unit: str = "{piece}") -> None:
        self.say("SupplyItem", f"item {code}", {"code": code, "unit": unit})

    def lot(self, id_: str, place: str, quantity: float | None, sharing: str | None = "OWN", **more: Value) -> None:
        values: dict[str, Value] = {"item_code": "1010101", "unit": "{piece}", "quantity": quantity}
        if sharing is not None:
            values["sharing"] = sharing
        self.say("SupplyLot", id_, values | more, [("STORED_IN", place)])

    def duty(self, person: str, place: str | None, starts: float = -1, ends: float = 7, name: str = "") -> None:
        links = [("SERVED_BY", person)] + ([("POSTED_AT", place)] if place else [])
        self.say("Shift", name or f"duty of {person}", {"starts_at": at(starts), "ends_at": at(ends)}, links)

    def skill(self, person: str, skill: str = "first_aid", expires: float | None = None) -> None:
        values: dict[str, Value] = {"skill": skill}
        if expires is not None:
            values["expires_at"] = at(expires)
        self.say("Qualification", f"{skill} of {person}", values, [("HELD_BY", person)])
