"""No answer leaves before what it shows is recorded; where nothing can be recorded, nothing personal leaves."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import Claim, Link
from hub.access.audit.audit import Audit
from hub.access.rights import Everything
from hub.clock import now
from hub.graph.embedded import Embedded
from hub.telemetry import Metrics
from hub.viewer import EVERYTHING, LOCAL_ADMINISTRATOR, SHOW_ALL, Grant, Mask, Viewer, Visibility
from hub.web.answers import Answer
from hub.web.execution import Execution
from hub.web.operation import Asker, Operation
from hub.web.releasing import Release
from hub.web.session import Session
from schema.context import Context
from schema.schema import schema
from tests.access.audit.keeping import Keeping, folder
from tests.schema.hub import TRUST, Hub, running
from tests.servers.postgres import Postgres
from tests.servers.process import ServerMissing

Run = Callable[[Coroutine[Any, Any, Any]], Any]
PEOPLE = "{ people { nodes { id name phone } } }"
LI, WANG = "li", "wang"


async def furnish(hub: Hub) -> None:
    """What the other tests have, and a firm with three people, one of whom has a certificate."""
    await hub.furnish()
    link = Link(relation="EMPLOYED_BY", target="firm")
    person = lambda id_, number: Claim(  # noqa: E731
        kind="Person", external_id=id_, values={"name": id_.title(), "phone": number}, links=(link,)
    )
    await hub.append(
        source="plan",
        claims=[
            Claim(kind="Organization", external_id="firm", values={"kind": "TENANT", "name": "Firm"}),
            person(LI, "13900000001"),
            person(WANG, "13900000002"),
            Claim(kind="Person", external_id="nameless", values={"roles": ["visitor"]}),
            Claim(
                kind="Qualification",
                external_id="li-aid",
                values={"skill": "first_aid", "certificate": "CERT-77"},
                links=(Link(relation="HELD_BY", target=LI),),
            ),
        ],
    )


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def hub(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    engine = Embedded(tmp_path_factory.mktemp("graph"), now)
    config = runner.run(engine.start())
    try:
        opened = running(tmp_path_factory.mktemp("state"), config, TRUST, furnish)
        yield runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))
    finally:
        runner.run(engine.stop())


@pytest.fixture
def run(runner: asyncio.Runner) -> Run:
    return runner.run


class Asking:
    """The web's execution over the park, with an audit."""

    def __init__(self, hub: Hub, audit: Audit, keeping: Keeping, mask: Mask = SHOW_ALL) -> None:
        self.audit = audit
        self.keeping = keeping
        self.people: dict[str, str] = {}  # who a subject is
        self.hub = hub

        def contexts(asker: Asker, _: Mask) -> Context:
            own = self.people.get
            return replace(hub.context(mask, audit=audit, person=lambda each: own(each.subject)), viewer=asker.viewer)

        self.execution = Execution(schema, contexts, Metrics(), Everything(), Release(audit))

    async def answer(self, document: str, viewer: Viewer = LOCAL_ADMINISTRATOR, **variables: Any) -> Answer:
        operation = Operation(document=document, variables=variables)
        return await self.execution.once(operation, Asker(viewer=viewer), "http")

    async def ask(self, document: str, viewer: Viewer = LOCAL_ADMINISTRATOR, **variables: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self.answer(document, viewer, **variables)).body)
        return found

    def subscribe(self, document: str, viewer: Viewer) -> Any:
        session = Session(Asker(viewer=viewer), now)
        return self.execution.events(Operation(document=document), session, "websocket")

    def records(self) -> list[Mapping[str, Any]]:
        return [json.loads(bytes(body)) for (body,) in self.keeping.rows("SELECT body FROM entry ORDER BY number")]

    async def recorded(self, count: int) -> list[Mapping[str, Any]]:
        """All, once there are so many."""
        async with asyncio.timeout(10):
            while len(found := self.records()) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def asking(hub: Hub, where: Path, mask: Mask = SHOW_ALL) -> AsyncIterator[Asking]:
    keeping = folder(where)
    audit = await keeping.open()
    await audit.settled()
    try:
        yield Asking(hub, audit, keeping, mask)
    finally:
        await audit.close()


def test_who_was_shown_is_in_the_database_when_the_answer_is_there(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            viewer = Viewer(subject="li-fang", roles=frozenset({"duty_officer"}), purpose="dispatch")
            answer = await hub_.ask("query Staff " + PEOPLE, viewer)
            (record,) = hub_.records()  # at once, without waiting
            people = {each["name"]: each for each in answer["data"]["people"]["nodes"]}
            assert people["Li"]["phone"] == "13900000001"
            shown = {people["Li"]["id"], people["Wang"]["id"]}
            assert set(record["personal"]) == {"Person.name", "Person.phone"}
            assert {*record["personal"]["Person.phone"]["shown"]} == shown
            assert record["types"]["Person"] == {"rows": 3, "fields": ["id", "name", "phone"]}
            assert record["viewer"] == {"subject": "li-fang", "roles": ["duty_officer"], "purpose": "dispatch"}
            assert (record["kind"], record["name"], record["roots"]) == ("query", "Staff", ["people"])

    run(main())


BY_EVERY_WAY = {
    "list": "{ people { nodes { phone } } }",
    "edges": "{ people { edges { node { phone } } } }",
    "one": "query($id: ID!) { person(id: $id) { phone } }",
    "node": "query($id: ID!) { node(id: $id) { ... on Person { phone } } }",
    "reference": 'query($id: ID!) { _entities(representations: [{__typename: "Person", id: $id}]) '
    "{ ... on Person { phone } } }",
    "relation": "{ organizations { nodes { people { nodes { phone } } } } }",
    "deep": "{ qualifications { nodes { person { employer { people { nodes { phone } } } } } } }",
    "alias": "{ a: people { nodes { p: phone } } }",
    "fragment": "{ people { nodes { ...F } } } fragment F on Person { phone }",
    "facts": 'query($id: ID!) { person(id: $id) { facts(fields: ["phone"]) { value } } }',
    "all facts": "query($id: ID!) { person(id: $id) { facts { field value } } }",
}


@pytest.mark.parametrize("way", BY_EVERY_WAY)
def test_a_phone_is_recorded_by_whatever_way_it_was_asked(run: Run, hub: Hub, tmp_path: Path, way: str) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            id_ = hub.ids[LI]
            variables = {"id": id_} if "$id" in BY_EVERY_WAY[way] else {}
            answer = await hub_.answer(BY_EVERY_WAY[way], **variables)
            assert b"13900000001" in answer.body, answer.body
            (record,) = hub_.records()
            assert id_ in record["personal"]["Person.phone"]["shown"]

    run(main())


def test_a_certificate_is_recorded_under_what_the_person_holds(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            await hub_.ask("{ qualifications { nodes { certificate } } }")
            (record,) = hub_.records()
            assert record["personal"] == {"Qualification.certificate": {"shown": [hub.ids["li-aid"]]}}

    run(main())


def test_what_is_shown_in_part_is_told_apart_and_what_is_hidden_is_not_named(
    run: Run, hub: Hub, tmp_path: Path
) -> None:
    mask = (
        Grant(
            scope=EVERYTHING,
            fields={"Person.phone": Visibility.MASK_LAST4, "Person.name": Visibility.HIDE},
        ),
    )

    async def main() -> None:
        async with asking(hub, tmp_path, mask) as hub_:
            answer = await hub_.answer(PEOPLE)
            assert b"****0001" in answer.body and b"139000" not in answer.body
            (record,) = hub_.records()
            assert {*record["personal"]["Person.phone"]["masked"]} == {hub.ids[LI], hub.ids[WANG]}
            assert "shown" not in record["personal"]["Person.phone"] and "Person.name" not in record["personal"]
            assert record["types"]["Person"]["masked"] == ["name", "phone"]

    run(main())


def test_what_is_nobodys_is_counted_and_not_waited_for(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            await hub_.ask("{ assets { nodes { id name provenance { source } } } }")
            (record,) = await hub_.recorded(1)
            assert "personal" not in record
            assert record["types"]["Asset"]["rows"] == 3
            assert not hub_.keeping.rows("SELECT 1 FROM subject")
            await hub_.ask("query A { assets { nodes { id } } } # a remark")
            await hub_.ask("query  A {\n assets { nodes { id } } }")
            _, first, second = await hub_.recorded(3)
            assert first["document"] == second["document"] != record["document"]

    run(main())


def test_a_change_is_recorded(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            await hub_.ask('mutation { acknowledgeAlert(id: "nothing", idempotencyKey: "k") { __typename } }')
            (record,) = await hub_.recorded(1)
            assert (record["kind"], record["roots"]) == ("mutation", ["acknowledgeAlert"])

    run(main())


ALERTS = "subscription { alerts { cursor alert { id code } } }"


def test_each_subscriber_of_a_shared_event_is_in_the_record(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            viewers = [Viewer(subject=name) for name in ("one", "two", "two")]
            streams = [hub_.subscribe(ALERTS, viewer) for viewer in viewers]
            first = [asyncio.create_task(anext(stream)) for stream in streams]
            await asyncio.sleep(0.3)
            await hub.open_alert("shared")
            answers = await asyncio.gather(*first)
            assert len({answer.body for answer in answers}) == 1
            records = await hub_.recorded(2)
            told = {each["viewer"]["subject"]: each.get("deliveries", 1) for each in records}
            assert told == {"one": 1, "two": 2}
            assert all((each["kind"], each["transport"]) == ("subscription", "websocket") for each in records)
            for stream in streams:
                await stream.aclose()

    run(main())


def test_two_hundred_at_once_are_all_recorded_before_they_are_answered(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            viewers = [Viewer(subject=f"viewer-{number}") for number in range(200)]

            async def one(viewer: Viewer) -> None:
                answer = await hub_.answer("query($id: ID!) { person(id: $id) { phone } }", viewer, id=hub.ids[LI])
                assert b"13900000001" in answer.body
                who = [each["viewer"]["subject"] for each in hub_.records()] if viewer.subject.endswith("7") else None
                assert who is None or viewer.subject in who

            await asyncio.gather(*map(one, viewers))
            assert {each["viewer"]["subject"] for each in hub_.records()} == {each.subject for each in viewers}
        assert hub_.keeping.verified().holds

    run(main())


ACCESSES = """query($p: ID!, $after: String) { accesses(person: $p, first: 2, after: $after) {
  totalCount pageInfo { hasNextPage endCursor } nodes { viewer { subject purpose } shown masked kind entry } } }"""


def test_who_saw_a_person_is_a_query_for_those_who_check(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        async with asking(hub, tmp_path) as hub_:
            li = hub.ids[LI]
            for name in ("one", "two", "two"):
                await hub_.ask("{ people { nodes { phone } } }", Viewer(subject=name, purpose="dispatch"))
            await hub_.ask("{ qualifications { nodes { certificate } } }", Viewer(subject="three"))
            await hub_.ask("query($id: ID!) { person(id: $id) { name } }", Viewer(subject="other"), id=hub.ids[WANG])
            pages, after = list[Any](), None
            while after is not False:
                page = (await hub_.ask(ACCESSES, p=li, after=after))["data"]["accesses"]
                assert page["totalCount"] == 4
                pages += page["nodes"]
                after = page["pageInfo"]["hasNextPage"] and page["pageInfo"]["endCursor"]
            assert [each["viewer"]["subject"] for each in pages] == ["three", "two", "two", "one"]
            assert [each["shown"] for each in pages] == [["Qualification.certificate"]] + [["Person.phone"]] * 3
            report = "query($p: ID!) { accessReport(person: $p) { viewer { subject } answers shown } }"
            seers = (await hub_.ask(report, p=li))["data"]["accessReport"]
            assert [(each["viewer"]["subject"], each["answers"]) for each in seers] == [
                ("three", 1),
                ("two", 2),
                ("one", 1),
            ]
            last = (await hub_.recorded(8))[-1]
            assert last["types"]["Access"] == {"rows": 4}  # looking is recorded too

    run(main())


def test_the_record_is_closed_to_all_but_auditors_and_the_person(run: Run, hub: Hub, tmp_path: Path) -> None:
    async def main() -> None:
        mask = (Grant(scope=EVERYTHING, types=frozenset({"Person"})),)
        async with asking(hub, tmp_path, mask) as hub_:
            hub_.people["li"] = hub.ids[LI]
            li, wang = Viewer(subject="li"), Viewer(subject="wang")
            for viewer in (li, wang):
                answer = await hub_.ask(ACCESSES, viewer, p=hub.ids[WANG])
                assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            assert "errors" in await hub_.ask("{ accessReport { answers } }", wang)
            await hub_.ask("{ people { nodes { phone } } }", Viewer(subject="one"))
            for document in (ACCESSES, "query($p: ID) { accessReport(person: $p) { viewer { subject } } }"):
                for person in (hub.ids[LI], None):  # themselves, by name or not
                    if person is not None or "$p: ID)" in document:
                        seen = await hub_.ask(document, li, p=person)
                        assert '"subject": "one"' in json.dumps(seen), seen

    run(main())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, where one may be mounted."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("a small disk needs `mount`, and the right to use it")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(where)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk may not be mounted here ({done.stderr.strip()}): run the tests as root")
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (65536, 512):
            with contextlib.suppress(OSError):
                while out.write(b"x" * size) == size:
                    pass
    return ballast


async def withheld(hub_: Asking) -> None:
    """Nothing personal, with the reason; everything else, flagged."""
    answer = await hub_.ask("{ people { nodes { id name phone roles } } assets { nodes { name } } }")
    assert answer["extensions"]["audit"] == "UNAVAILABLE"
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "AUDIT_UNAVAILABLE" and "Person.name, Person.phone" in error["message"]
    assert [(each["name"], each["phone"]) for each in answer["data"]["people"]["nodes"]] == [(None, None)] * 3
    assert len(answer["data"]["assets"]["nodes"]) == 3
    facts = await hub_.ask("query($id: ID!) { person(id: $id) { facts { field } } }", id=hub_.hub.ids[LI])
    assert not {"name", "phone"} & {each["field"] for each in facts["data"]["person"]["facts"]}
    bare = await hub_.ask("{ assets { nodes { name } } }")
    assert bare["extensions"]["audit"] == "UNAVAILABLE" and "errors" not in bare


def test_a_full_disk_keeps_back_what_is_personal_and_nothing_else(
    run: Run, hub: Hub, tmp_path: Path, small_disk: Path
) -> None:
    async def main() -> None:
        keeping = folder(tmp_path).at(folder=small_disk / "state")
        audit = await keeping.open()
        try:
            hub_ = Asking(hub, audit, keeping)
            shown = 0
            ballast = fill(small_disk)
            async with asyncio.timeout(30):
                while audit.failing is None:  # what SQLite has room for already is used up first
                    answer = await hub_.answer(PEOPLE)
                    shown += b"13900000001" in answer.body
                    assert (b"13900000001" in answer.body) != (b"AUDIT_UNAVAILABLE" in answer.body)
            assert audit.failing is not None and "free space" in audit.failing
            await withheld(hub_)
            ballast.unlink()
            async with asyncio.timeout(10):
                while audit.failing is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            answer = await hub_.ask(PEOPLE)
            assert "13900000001" in {each["phone"] for each in answer["data"]["people"]["nodes"]}
            assert "audit" not in answer["extensions"]
            assert sum("personal" in each for each in hub_.records()) == shown + 1
            kept = [each.get("withheld") for each in hub_.records()]  # what was answered meanwhile is recorded now
            assert kept.count(["Person.name", "Person.phone"]) >= 1
        finally:
            await audit.close()
        assert keeping.verified().holds

    run(main())


@pytest.mark.parametrize("how", ["no database", "no key"])
def test_what_is_broken_from_the_start_keeps_back_the_same(run: Run, hub: Hub, tmp_path: Path, how: str) -> None:
    async def main() -> None:
        keeping = folder(tmp_path)
        await (await keeping.open()).close()
        if how == "no key":
            keeping.config.key.write_text("no key", encoding="utf-8")
        else:
            (tmp_path / "state" / "audit.db").write_bytes(b"no database" * 1000)
        audit = await keeping.open()
        try:
            await withheld(Asking(hub, audit, keeping))
        finally:
            await audit.close()

    run(main())


def test_a_database_that_goes_away_and_comes_back(
    run: Run, hub: Hub, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A real PostgreSQL of the test's own, stopped in its tracks and let go on."""
    try:
        server = Postgres.start(tmp_path_factory.mktemp("postgres"))
    except ServerMissing as missing:
        pytest.skip(str(missing))

    async def main() -> None:
        keeping = folder(tmp_path).at(url=server.new_database())
        audit = await keeping.open()
        try:
            hub_ = Asking(hub, audit, keeping)
            assert "audit" not in (await hub_.ask(PEOPLE))["extensions"]
            (pid,) = [row[0] for row in keeping.rows("SELECT pid FROM pg_stat_activity WHERE state = 'idle' LIMIT 1")]
            os.kill(pid, signal.SIGSTOP)
            begun = time.monotonic()
            try:
                await withheld(hub_)
                assert time.monotonic() - begun < 12
            finally:
                os.kill(pid, signal.SIGCONT)
            async with asyncio.timeout(30):
                while "audit" in (await hub_.ask(PEOPLE))["extensions"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        finally:
            await audit.close()
        assert keeping.verified().holds

    try:
        run(main())
    finally:
        server.stop()
