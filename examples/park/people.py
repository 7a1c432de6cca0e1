"""Who is in the demo's park, all invented: 900 organizations, 400 people, their certificates and this week's roster."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from layout import zones

SEED = 20262
ORGANIZATIONS = 900
PEOPLE = 400
OPERATOR = "ORG-001"
FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志红梅峰浩宇欣怡梓涵子轩雨桐"
TRADES = ("五金", "汽配", "摩配", "机电", "轴承", "工具", "电商", "物流", "模具", "紧固件")
FORMS = ("有限公司", "商行", "经营部", "科技有限公司")
SKILLS = (
    ("first_aid", "急救员 First aid", 730),
    ("fire_facility_operator", "消防设施操作员 Fire facility operator", 1095),
    ("electrician", "电工作业 Electrician", 1095),
    ("forklift", "叉车司机 Forklift driver", 1460),
    ("confined_space", "有限空间作业 Confined space", 365),
)
SHIFTS = (("08:00", "16:00"), ("16:00", "00:00"), ("00:00", "08:00"))  # three a day, the second past midnight
POSTS = 60  # on duty at any time, one at each building
STAFF = 240  # of the people, the operator's own
Row = Mapping[str, object]
_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015, without I O S V Z


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    code: str
    name: str
    kind: str
    credit_code: str
    zones: Sequence[str]


def credit_code(body: str) -> str:
    """A unified social credit code: 17 characters and the check character of GB 32100-2015."""
    total = sum(_DIGITS.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + _DIGITS[-total % 31]


def organizations() -> Sequence[Organization]:
    chance = random.Random(SEED)
    where = zones()
    found = [
        Organization(
            code=OPERATOR,
            name="示范园区管理有限公司 Demo Park Management",
            kind="OPERATOR",
            credit_code=credit_code("9150010700000001X"),
            zones=(),
        )
    ]
    others = (("GOVERNMENT", "示范区应急管理局"), ("RESCUE", "示范区消防救援站"), ("PROPERTY", "示范物业服务有限公司"))
    for number in range(2, ORGANIZATIONS + 1):
        if number <= len(others) + 1:
            kind, name = others[number - 2]
            mine: Sequence[str] = ()
        else:
            kind = "TENANT"
            name = f"{chance.choice(TRADES)}{number}号{chance.choice(FORMS)}"
            mine = (where[(number * 7) % len(where)],)
        found.append(
            Organization(
                code=f"ORG-{number:03}",
                name=name,
                kind=kind,
                credit_code=credit_code(f"91500107{number:09d}"),
                zones=mine,
            )
        )
    return found


def organization_rows() -> Iterator[Row]:
    for each in organizations():
        yield {
            "code": each.code,
            "kind": each.kind,
            "name": each.name,
            "unified_social_credit_code": each.credit_code,
            "occupies": ";".join(each.zones),
        }


def people() -> Iterator[Row]:
    chance = random.Random(SEED + 1)
    roles = ("值班员 Duty officer", "保安 Guard", "微型消防站队员 Micro fire station", "安全员 Safety officer")
    for number in range(1, PEOPLE + 1):
        name = chance.choice(FAMILY) + "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))
        employer = OPERATOR if number <= STAFF else f"ORG-{chance.randint(5, ORGANIZATIONS):03}"
        yield {
            "code": f"P-{number:03}",
            "name": name,
            "phone": f"138{chance.randint(10_000_000, 99_999_999)}",
            "roles": roles[number % len(roles)] if number <= STAFF else "租户安全员 Tenant's safety officer",
            "employer": employer,
        }


def certificates(today: datetime) -> Iterator[Row]:
    """One or two each; every twentieth has run out."""
    chance = random.Random(SEED + 2)
    for number in range(1, PEOPLE + 1):
        for skill, name, days in chance.sample(SKILLS, chance.choice((1, 2))):
            age = chance.randint(10, days - 10) if chance.random() > 0.05 else days + 30
            issued = today - timedelta(days=age)
            yield {
                "person": f"P-{number:03}",
                "skill": skill,
                "name": name,
                "certificate": f"CQ{number:04}{len(skill):02}{days:04}",
                "issuer": "示范区应急管理局",
                "issued": f"{issued:%Y-%m-%d}",
                "expires": f"{issued + timedelta(days=days):%Y-%m-%d}",
            }


def roster(today: datetime) -> Iterator[Row]:
    """Yesterday to the day after tomorrow: 60 people in each of three shifts, one at each building."""
    for day in range(-1, 3):
        date = today + timedelta(days=day)
        for turn, (start, end) in enumerate(SHIFTS):
            for post in range(POSTS):
                person = 1 + (post + POSTS * turn + 40 * (day + 1)) % STAFF
                yield {
                    "person": f"P-{person:03}",
                    "role": "值班 On duty",
                    "place": f"B{1 + post}",
                    "date": f"{date:%Y-%m-%d}",
                    "start": start,
                    "end": end,
                }
