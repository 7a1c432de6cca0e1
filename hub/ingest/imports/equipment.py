"""Equipment and devices as a survey of the park finds them: what they are, where they stand, what they watch.

A row with `device` speaks of a thing that a source reports, also before it first does: where a camera or a detector
stands is seldom known to its recorder or panel.
"""

from adapters.contract import Claim, Identifier, Link, Value
from graph_models.entities import AssetKind
from graph_models.schemes import SOURCE_REFERENCE
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import IDENTIFIERS, POSITION, BadRow, Circumstances, Column, Kind, words
from hub.ingest.imports.naming import external_id

_KINDS = words(
    {
        AssetKind.EQUIPMENT: ("设备", "器材", "设施"),
        AssetKind.SENSOR: ("传感器", "探测器"),
        AssetKind.CAMERA: ("摄像机", "摄像头"),
        AssetKind.RECORDER: ("录像机", "NVR"),
        AssetKind.PANEL: ("火灾报警控制器", "控制器"),
    }
)
COLUMNS = (
    Column(name="code", zh="编码", due=True, also=("编号", "设备编号"), meaning="What the park calls it"),
    Column(name="name", zh="名称", feeds=("name",), also=("设备名称",), meaning="As people say it"),
    Column(name="kind", zh="类别", feeds=("kind",), meaning="EQUIPMENT (设备), SENSOR, CAMERA, RECORDER or PANEL"),
    Column(name="device_type", zh="类型", feeds=("device_type",), also=("设备类型",), meaning="Such as 干粉灭火器"),
    Column(
        name="place",
        zh="位置",
        feeds=("LOCATED_IN",),
        also=("安装位置", "地点"),
        meaning="The code of the place where it stands",
    ),
    Column(
        name="monitors",
        zh="监视区域",
        feeds=("MONITORS",),
        also=("监控区域",),
        meaning="Codes, with ; between, of the places that it watches",
    ),
    Column(
        name="device",
        zh="数据源设备",
        feeds=(IDENTIFIERS,),
        also=("接入设备",),
        meaning="SOURCE/NAME of the device that a source reports, such as recorder-gate/channel/1",
    ),
    Column(name="manufacturer", zh="厂家", feeds=("manufacturer",), also=("生产厂家",), meaning="Who made it"),
    Column(name="model", zh="型号", feeds=("model",), also=("规格型号",), meaning="The maker's name for its kind"),
    Column(
        name="serial_number",
        zh="出厂编号",
        feeds=("serial_number", IDENTIFIERS),
        also=("序列号",),
        meaning="With the manufacturer it tells this one from all others",
    ),
    Column(
        name="asset_tag",
        zh="资产编号",
        feeds=(IDENTIFIERS,),
        also=("资产标签",),
        meaning="The park operator's inventory number",
    ),
    Column(name="owner", zh="所有者", feeds=("OWNED_BY",), also=("所属企业",), meaning="The code of an organization"),
    Column(name="latitude", zh="纬度", feeds=(POSITION,), also=("lat",), meaning="In degrees"),
    Column(name="longitude", zh="经度", feeds=(POSITION,), also=("lon", "lng"), meaning="In degrees"),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    return external_id("Asset", cells.code())


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    device, serial, maker = cells.text("device"), cells.text("serial_number"), cells.text("manufacturer")
    kind = cells.word("kind", _KINDS)
    values: dict[str, Value] = {
        "kind": kind or (None if device else AssetKind.EQUIPMENT.value),
        "name": cells.text("name"),
        "device_type": cells.text("device_type"),
        "manufacturer": maker,
        "model": cells.text("model"),
        "serial_number": serial,
    }
    if values["kind"] is None:
        raise BadRow("the kind is empty: say what the device is, such as SENSOR or CAMERA")
    place, owner = cells.maybe_code("place"), cells.maybe_code("owner")
    links = [] if place is None else [Link(relation="LOCATED_IN", target=external_id("Place", place))]
    links += [Link(relation="MONITORS", target=external_id("Place", each)) for each in cells.codes("monitors")]
    if owner is not None:
        links.append(Link(relation="OWNED_BY", target=external_id("Organization", owner)))
    identifiers = [] if device is None else [Identifier(scheme=SOURCE_REFERENCE, value=_device(device))]
    if serial is not None and maker is not None:
        identifiers.append(Identifier(scheme="serial_number", value=f"{maker}/{serial}"))
    if (tag := cells.text("asset_tag")) is not None:
        identifiers.append(Identifier(scheme="asset_tag", value=tag))
    return Claim(
        kind="Asset",
        external_id=called(cells, circumstances),
        identifiers=tuple(identifiers),
        values=values,
        links=tuple(links),
        position=cells.position(circumstances),
    )


def _device(text: str) -> str:
    source, slash, name = text.partition("/")
    if not slash or not source or not name:
        raise BadRow(f"the device {text[:60]!r} is not SOURCE/NAME, such as recorder-gate/channel/1")
    return text


EQUIPMENT = Kind(
    name="equipment",
    entity="Asset",
    title="Equipment and devices: what they are, where they stand, what they watch",
    title_zh="设备设施",
    columns=COLUMNS,
    called=called,
    claim=claim,
    examples={
        "en": (
            (
                "E-001",
                "Extinguisher at the door",
                "EQUIPMENT",
                "Dry powder extinguisher 4 kg",
                "B1",
                "",
                "",
                "ACME",
                "MFZ/ABC4",
                "20260117",
                "T-4711",
                "T-017",
                "29.5631",
                "106.5518",
            ),
            (
                "E-002",
                "Camera at the gate",
                "CAMERA",
                "",
                "B1",
                "B1;B2",
                "recorder-gate/channel/1",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
            ),
        ),
        "zh": (
            (
                "E-001",
                "门口灭火器",
                "设备",
                "4 kg 干粉灭火器",
                "B1",
                "",
                "",
                "ACME",
                "MFZ/ABC4",
                "20260117",
                "T-4711",
                "T-017",
                "29.5631",
                "106.5518",
            ),
            (
                "E-002",
                "大门摄像机",
                "摄像机",
                "",
                "B1",
                "B1；B2",
                "recorder-gate/channel/1",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
            ),
        ),
    },
)
