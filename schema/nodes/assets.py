"""Assets: sensors, cameras, recorders, panels, equipment; and what each of these is beside an asset."""

from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_models.entities import AssetKind
from hub.graph.selection import Row
from schema.connections import First
from schema.nodes.facts import FACTS, PROVENANCE, Fact, Provenance, facts_of, provenance_of
from schema.nodes.node import Node
from schema.nodes.people import Organization
from schema.nodes.places import Place
from schema.nodes.positions import POSITION, Position, position_of
from schema.nodes.sensors import Sensor
from schema.pages import ALERTS, ASSETS, HAZARDS, Alerts, Assets, Hazards
from schema.rows import Asked, is_row_of, of_the_graph, related, side, watched

Watched = Annotated[
    Place | Annotated["Asset", strawberry.lazy("schema.nodes.assets")],
    strawberry.union(name="Watched", description="What a sensor or camera watches."),
]


@of_the_graph
def _monitors(row: Parent[Row], info: Asked, first: First = 50) -> list[Watched]:
    return watched(row, info, first)  # type: ignore[return-value]


@of_the_graph
def _sensor(row: Parent[Row], info: Asked) -> Sensor | None:
    return side(row, info, AssetKind.SENSOR)  # type: ignore[return-value]


@of_the_graph
def _camera(row: Parent[Row], info: Asked) -> Annotated["Camera", strawberry.lazy("schema.nodes.assets")] | None:
    return side(row, info, AssetKind.CAMERA)  # type: ignore[return-value]


@of_the_graph
def _recorder(row: Parent[Row], info: Asked) -> Annotated["Recorder", strawberry.lazy("schema.nodes.assets")] | None:
    return side(row, info, AssetKind.RECORDER)  # type: ignore[return-value]


@of_the_graph
def _panel(row: Parent[Row], info: Asked) -> Annotated["Panel", strawberry.lazy("schema.nodes.assets")] | None:
    return side(row, info, AssetKind.PANEL)  # type: ignore[return-value]


@of_the_graph
def _equipment(row: Parent[Row], info: Asked) -> Annotated["Equipment", strawberry.lazy("schema.nodes.assets")] | None:
    return side(row, info, AssetKind.EQUIPMENT)  # type: ignore[return-value]


@strawberry.federation.type(keys=["id"], description="A thing that is looked after.")
class Asset(Node):
    kind: AssetKind = strawberry.field(description="What it is.")
    name: str | None = strawberry.field(description="What people call it.")
    manufacturer: str | None = strawberry.field(description="Who made it.")
    model: str | None = strawberry.field(description="The maker's name for its kind.")
    serial_number: str | None = strawberry.field(description="The maker's number of this very one.")
    firmware: str | None = strawberry.field(description="The version of its firmware.")
    device_type: str | None = strawberry.field(description="What its maker or standard calls this sort of device.")
    channel: str | None = strawberry.field(
        description="A camera's channel at its recorder, a detector's loop and address at its panel."
    )
    online: bool | None = strawberry.field(description="Whether the system that manages it reaches it.")
    storage_capacity: float | None = strawberry.field(description="A recorder's storage, in bytes.")
    storage_free: float | None = strawberry.field(description="What of it is free, in bytes.")
    latitude: float | None = strawberry.field(description="Degrees north, WGS-84.")
    longitude: float | None = strawberry.field(description="Degrees east, WGS-84.")
    position: Position | None = strawberry.field(resolver=position_of, description=POSITION)
    retired: bool = strawberry.field(description="No source tells of it any more.")
    place: Place | None = strawberry.field(resolver=related, description="Where it stands.")
    owner: Organization | None = strawberry.field(resolver=related, description="Whose it is.")
    monitors: list[Watched] = strawberry.field(resolver=_monitors, description="What it watches, places first.")
    monitored_by: Assets = strawberry.field(resolver=ASSETS.related(), description="What watches it.")
    alerts: Alerts = strawberry.field(resolver=ALERTS.related(), description="Alerts about it.")
    hazards: Hazards = strawberry.field(
        resolver=HAZARDS.related(), description="Hazards of the register that threaten it."
    )
    sensor: Sensor | None = strawberry.field(resolver=_sensor, description="What it measures, where it is a sensor.")
    camera: Annotated["Camera", strawberry.lazy("schema.nodes.assets")] | None = strawberry.field(
        resolver=_camera, description="What it sees, where it is a camera."
    )
    recorder: Annotated["Recorder", strawberry.lazy("schema.nodes.assets")] | None = strawberry.field(
        resolver=_recorder, description="What it keeps, where it is a recorder."
    )
    panel: Annotated["Panel", strawberry.lazy("schema.nodes.assets")] | None = strawberry.field(
        resolver=_panel, description="What reports to it, where it is a fire panel."
    )
    equipment: Annotated["Equipment", strawberry.lazy("schema.nodes.assets")] | None = strawberry.field(
        resolver=_equipment, description="What it is, where it is equipment."
    )
    facts: list[Fact] = strawberry.field(resolver=facts_of, description=FACTS)
    provenance: list[Provenance] = strawberry.field(resolver=provenance_of, description=PROVENANCE)

    is_type_of = is_row_of("Asset")

    @classmethod
    def resolve_reference(cls, info: Asked, id: strawberry.ID) -> Any:  # noqa: A002  federation's own name
        raise NotImplementedError("references are resolved together, by schema.schema")


@strawberry.type(description="What a camera is beside an asset.")
class Camera:
    channel: str | None = strawberry.field(description="Its channel at its recorder.")
    recorded_by: Asset | None = strawberry.field(resolver=related, description="The recorder that keeps its pictures.")
    monitors: list[Watched] = strawberry.field(resolver=_monitors, description="What it sees, places first.")


@strawberry.type(description="What a recorder is beside an asset.")
class Recorder:
    cameras: Assets = strawberry.field(resolver=ASSETS.related(), description="The cameras that it records.")
    storage_capacity: float | None = strawberry.field(description="Its storage, in bytes.")
    storage_free: float | None = strawberry.field(description="What of it is free, in bytes.")


@strawberry.type(description="What a fire panel is beside an asset.")
class Panel:
    detectors: Assets = strawberry.field(resolver=ASSETS.related(), description="What reports to it.")


@strawberry.type(description="What other equipment is beside an asset.")
class Equipment:
    device_type: str | None = strawberry.field(description="What its maker or standard calls this sort of device.")
    reports_to: Asset | None = strawberry.field(resolver=related, description="The panel that it reports to.")
