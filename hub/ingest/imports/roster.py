"""Who is on duty when and where: days and hours of the park, also past midnight."""

from datetime import UTC, datetime, timedelta

from adapters.contract import Claim, Link, Value
from hub.ingest.imports import moments
from hub.ingest.imports.cells import Cells
from hub.ingest.imports.kind import BadRow, Circumstances, Column, Kind
from hub.ingest.imports.naming import external_id
from hub.ingest.imports.people import person_code

LONGEST = timedelta(hours=72)
COLUMNS = (
    Column(
        name="person",
        zh="工号",
        due=True,
        feeds=("SERVED_BY",),
        personal=True,
        also=("人员", "值班人员"),
        meaning="The person's code",
    ),
    Column(
        name="date",
        zh="日期",
        feeds=("starts_at",),
        also=("值班日期",),
        meaning="The day on which the shift begins; may stand in `start` instead",
    ),
    Column(
        name="start",
        zh="开始",
        due=True,
        feeds=("starts_at",),
        also=("开始时间", "上班时间"),
        meaning="A time of the park, such as 20:00 or 晚上8点, or a date with a time",
    ),
    Column(
        name="end",
        zh="结束",
        due=True,
        feeds=("ends_at",),
        also=("结束时间", "下班时间"),
        meaning="At or before `start`: on the next day; 24:00 is midnight",
    ),
    Column(name="role", zh="岗位", feeds=("role",), also=("角色", "职责"), meaning="What for, such as 值班长"),
    Column(
        name="place",
        zh="地点",
        feeds=("POSTED_AT",),
        also=("值班地点", "岗点"),
        meaning="The code of the place where it is served",
    ),
)


def called(cells: Cells, circumstances: Circumstances) -> str:
    starts, _ = _span(cells, circumstances)
    return external_id("Shift", f"{person_code(cells, 'person')}/{starts.strftime('%Y%m%dT%H%M%SZ')}")


def claim(cells: Cells, circumstances: Circumstances) -> Claim:
    person = person_code(cells, "person")
    starts, ends = _span(cells, circumstances)
    place = cells.maybe_code("place")
    links = [Link(relation="SERVED_BY", target=external_id("Person", person))]
    if place is not None:
        links.append(Link(relation="POSTED_AT", target=external_id("Place", place)))
    values: dict[str, Value] = {
        "role": cells.text("role"),
        "starts_at": moments.text(starts),
        "ends_at": moments.text(ends),
    }
    return Claim(
        kind="Shift",
        external_id=called(cells, circumstances),
        values=values,
        links=tuple(links),
    )


def _span(cells: Cells, circumstances: Circumstances) -> tuple[datetime, datetime]:
    """In UTC; the end is the first moment after the shift."""
    zone, day = circumstances.timezone, cells.day("date")
    start_text, end_text = cells.due("start"), cells.due("end")
    column = "start"
    try:
        if day is None:
            day, start_text = moments.read_date(start_text)
            if not start_text:
                raise ValueError("the time is missing behind the date")
        begin = moments.read_time(_without_day(start_text))
        starts = moments.at(day, begin, zone)
        column = "end"
        try:
            end_day, end_text = moments.read_date(end_text)
        except ValueError:
            until = moments.read_time(end_text)
            end_day = day if until > begin else day + timedelta(days=1)
        else:
            until = moments.read_time(end_text)
        ends = moments.at(end_day, until, zone)
    except (ValueError, OverflowError) as error:
        raise BadRow(f"the {column} cannot be read: {error}") from error
    if not timedelta(0) < ends - starts <= LONGEST:
        raise BadRow(f"the shift would last {(ends - starts) / timedelta(hours=1):g} h; it may last up to 72 h")
    return starts.astimezone(UTC), ends.astimezone(UTC)


def _without_day(text: str) -> str:
    """A spreadsheet gives a time cell with its first day (1899-12-30) before it."""
    try:
        return moments.read_date(text)[1] or text
    except ValueError:
        return text


ROSTER = Kind(
    name="roster",
    entity="Shift",
    title="Duty rosters: who is on duty when and where",
    title_zh="值班表",
    columns=COLUMNS,
    called=called,
    claim=claim,
    unique="person and start",
    examples={
        "en": (
            ("G-07", "2026-05-01", "08:00", "20:00", "guard", "B1"),
            ("G-08", "2026-05-01", "20:00", "08:00", "guard", "B1"),
        ),
        "zh": (
            ("G-07", "2026年5月1日", "8:00", "20:00", "保安", "B1"),
            ("G-08", "2026年5月1日", "晚上8点", "8:00", "保安", "B1"),
        ),
    },
)
