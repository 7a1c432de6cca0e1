"""The demo's registers, all invented: hazards, hazardous goods, and the equipment that a survey of the park found."""

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from layout import buildings, zones
from people import ORGANIZATIONS

SEED = 20263
HAZARDS, GOODS, EQUIPMENT = 120, 300, 9100
Row = Mapping[str, object]
_HAZARDS = (
    ("电气线路老化 Ageing wiring", "electrical", 3, 4),
    ("锂电池集中充电 Charging of lithium batteries", "fire", 4, 5),
    ("货物堵塞疏散通道 Goods in an escape route", "evacuation", 4, 4),
    ("地下室排水不足 Poor drainage of the basement", "flood", 2, 3),
    ("高货架失稳 Unstable high racks", "collapse", 2, 4),
)
_GOODS = (
    ("锂离子电池 Lithium ion batteries", "9", "3480", "kg", 2000),
    ("稀释剂 Paint thinner", "3", "1263", "L", 400),
    ("乙炔 Acetylene", "2.1", "1001", "kg", 60),
    ("氧气 Oxygen", "2.2", "1072", "kg", 120),
    ("硫酸电解液 Battery acid", "8", "2796", "L", 300),
)
_EQUIPMENT = (
    ("干粉灭火器 Dry powder extinguisher", "MFZ/ABC4"),
    ("室内消火栓 Indoor hydrant", "SN65"),
    ("应急照明灯 Emergency light", "ZFZD-E3W"),
    ("疏散指示标志 Exit sign", "BLZD-1L"),
    ("防火门 Fire door", "FM-1221"),
    ("手动报警按钮 Manual call point", "J-SAP-8401"),
)


def hazards(today: datetime) -> Iterator[Row]:
    chance = random.Random(SEED)
    for number in range(1, HAZARDS + 1):
        name, kind, likelihood, consequence = chance.choice(_HAZARDS)
        reviewed = today - timedelta(days=chance.randint(1, 200))
        yield {
            "code": f"HZ-{number:03}",
            "name": name,
            "kind": kind,
            "likelihood": likelihood,
            "consequence": consequence,
            "place": chance.choice(zones()),
            "reviewed": f"{reviewed:%Y-%m-%d}",
            "review_due": f"{reviewed + timedelta(days=180):%Y-%m-%d}",
        }


def goods(today: datetime) -> Iterator[Row]:
    chance = random.Random(SEED + 1)
    for number in range(1, GOODS + 1):
        name, hazard_class, un_number, unit, most = chance.choice(_GOODS)
        yield {
            "code": f"HG-{number:03}",
            "name": name,
            "hazard_class": hazard_class,
            "un_number": un_number,
            "amount": chance.randint(most // 10, most),
            "unit": unit,
            "place": chance.choice(zones()),
            "owner": f"ORG-{chance.randint(5, ORGANIZATIONS):03}",
            "counted": f"{today - timedelta(days=chance.randint(0, 60)):%Y-%m-%d}",
        }


def occupancy() -> Iterator[Row]:
    chance = random.Random(SEED + 2)
    for building in buildings():
        yield {"place": building.code, "count": chance.randint(20, 420)}


def equipment() -> Iterator[Row]:
    """What the survey found, zone by zone."""
    chance = random.Random(SEED + 3)
    where = zones()
    for number in range(1, EQUIPMENT + 1):
        name, model = _EQUIPMENT[number % len(_EQUIPMENT)]
        zone = where[number % len(where)]
        yield {
            "code": f"EQ-{number:05}",
            "name": f"{name} {zone}",
            "device_type": name,
            "manufacturer": "示范消防 Demo Fire",
            "model": model,
            "serial_number": f"{chance.randrange(16**10):010X}",
            "place": zone,
        }
