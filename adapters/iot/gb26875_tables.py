"""GB/T 26875.3-2011's code tables as data: systems, components, state bits, operations, analogue values.

Source: the standard's clause 8.2.1 (tables 4 to 9) as two public transcriptions give it, which agree where a code
stands below (github.com/ActorLancer/GB-T-26875.3.2011-rs, GB26875文档.md; github.com/shootingfans/codec_gb26875_3_2011,
constant/); system 23, which they give differently, is from memory. 128 to 255 are a maker's own. Not compared with a
printed copy.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

SYSTEMS: Mapping[int, str] = MappingProxyType(
    {
        0: "通用",
        1: "火灾报警系统",
        10: "消防联动控制器",
        11: "消火栓系统",
        12: "自动喷水灭火系统",
        13: "气体灭火系统",
        14: "水喷雾灭火系统（泵启动方式）",
        15: "水喷雾灭火系统（压力容器启动方式）",
        16: "泡沫灭火系统",
        17: "干粉灭火系统",
        18: "防烟排烟系统",
        19: "防火门及卷帘系统",
        20: "消防电梯",
        21: "消防应急广播",
        22: "消防应急照明和疏散指示系统",
        23: "消防电源",
        24: "消防电话",
    }
)

COMPONENTS: Mapping[int, str] = MappingProxyType(
    {
        0: "通用",
        1: "火灾报警控制器",
        10: "可燃气体探测器",
        11: "点型可燃气体探测器",
        12: "独立式可燃气体探测器",
        13: "线型可燃气体探测器",
        16: "电气火灾监控报警器",
        17: "剩余电流式电气火灾监控探测器",
        18: "测温式电气火灾监控探测器",
        21: "探测回路",
        22: "火灾显示盘",
        23: "手动火灾报警按钮",
        24: "消火栓按钮",
        25: "火灾探测器",
        30: "感温火灾探测器",
        31: "点型感温火灾探测器",
        32: "点型感温火灾探测器（S型）",
        33: "点型感温火灾探测器（R型）",
        34: "线型感温火灾探测器",
        35: "线型感温火灾探测器（S型）",
        36: "线型感温火灾探测器（R型）",
        37: "光纤感温火灾探测器",
        40: "感烟火灾探测器",
        41: "点型离子感烟火灾探测器",
        42: "点型光电感烟火灾探测器",
        43: "线型光束感烟火灾探测器",
        44: "吸气式感烟火灾探测器",
        50: "复合式火灾探测器",
        51: "复合式感烟感温火灾探测器",
        52: "复合式感光感温火灾探测器",
        53: "复合式感光感烟火灾探测器",
        61: "紫外火焰探测器",
        62: "红外火焰探测器",
        69: "感光火灾探测器",
        74: "气体探测器",
        78: "图像摄像方式火灾探测器",
        79: "感声火灾探测器",
        81: "气体灭火控制器",
        82: "消防电气控制装置",
        83: "消防控制室图形显示装置",
        84: "模块",
        85: "输入模块",
        86: "输出模块",
        87: "输入/输出模块",
        88: "中继模块",
        91: "消防水泵",
        92: "消防水箱",
        95: "喷淋泵",
        96: "水流指示器",
        97: "信号阀",
        98: "报警阀",
        99: "压力开关",
        101: "阀驱动装置",
        102: "防火门",
        103: "防火阀",
        104: "通风空调",
        105: "泡沫液泵",
        106: "管网电磁阀",
        111: "防烟排烟风机",
        113: "排烟防火阀",
        114: "常闭送风口",
        115: "排烟口",
        116: "电控挡烟垂壁",
        117: "防火卷帘控制器",
        118: "防火门监控器",
        121: "报警装置",
    }
)

PANELS = frozenset({1, 16, 81, 83, 117, 118})
SENSORS = frozenset({0, *range(10, 15), 17, 18, 21, *range(23, 80), 96, 99, *range(128, 256)})
"""Components that others report to, and those that sense; all else is equipment. A maker's own code is taken for a
sensor: most of what a panel reports on is."""

COMPONENT_BITS: Mapping[int, str] = MappingProxyType(
    {
        1: "fire_alarm",
        2: "fault",
        3: "shielded",
        4: "supervised",
        5: "started",
        6: "feedback",
        7: "delayed",
        8: "power_fault",
    }
)
"""8.2.1.2. Bit 0 says that it runs as usual (1) or is under test (0); panels often leave it 0."""

SYSTEM_BITS: Mapping[int, str] = MappingProxyType(
    {
        **{bit: name for bit, name in COMPONENT_BITS.items() if bit < 8},
        8: "main_power_fault",
        9: "backup_power_fault",
        10: "bus_fault",
        11: "manual_mode",
        12: "configuration_changed",
        13: "reset",
    }
)
"""8.2.1.1."""

DEVICE_BITS: Mapping[int, str] = MappingProxyType(
    {
        1: "fire_alarm",
        2: "fault",
        3: "main_power_fault",
        4: "backup_power_fault",
        5: "center_link_fault",
        6: "line_fault",
    }
)
"""8.2.1.8: of the transmission device itself."""

OPERATIONS: Mapping[int, str] = MappingProxyType(
    {
        0: "operated_reset",
        1: "operated_silence",
        2: "operated_manual_alarm",
        3: "operated_alarm_cleared",
        4: "operated_self_test",
        5: "operated_confirmed",
        6: "operated_test",
    }
)
"""8.2.1.4 and 8.2.1.9, where bit 5 is the answer of whoever is on duty (查岗应答)."""


class Analogue(NamedTuple):
    quantity: str
    unit: str  # UCUM
    step: float  # of one count


ANALOGUES: Mapping[int, Analogue] = MappingProxyType(
    {
        1: Analogue("event_count", "1", 1.0),
        2: Analogue("height", "m", 0.01),
        3: Analogue("temperature", "Cel", 0.1),
        4: Analogue("pressure", "MPa", 0.1),
        5: Analogue("pressure", "kPa", 0.1),
        6: Analogue("gas_concentration", "%", 0.1),  # of the lower explosive limit
        7: Analogue("duration", "s", 1.0),
        8: Analogue("voltage", "V", 0.1),
        9: Analogue("current", "A", 0.1),
        10: Analogue("flow", "L/s", 0.1),
        11: Analogue("air_flow", "m3/min", 0.1),
        12: Analogue("wind_speed", "m/s", 1.0),
    }
)
"""8.2.1.3."""


def kind_of(component: int) -> str:
    return "PANEL" if component in PANELS else "SENSOR" if component in SENSORS else "EQUIPMENT"
