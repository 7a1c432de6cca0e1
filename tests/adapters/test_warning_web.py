"""How pages of warnings are fetched: nothing twice, each failure by its name, and a later message that ends another."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from adapters.contract import (
    Batch,
    CertificateRefused,
    Claim,
    CredentialsRefused,
    HealthState,
    Source,
    SourceError,
    Unreachable,
)
from adapters.counterpart import closing
from adapters.government.cap import ADAPTER, Cap, CapConfig
from tests.adapters.cap_server import entry, feed, message
from tests.servers.certificates import Certificates
from tests.servers.pages import Pages


@pytest.fixture
def server() -> Iterator[Pages]:
    pages = Pages()
    pages.start()
    yield pages
    pages.stop()


def cap(url: str, **more: object) -> Cap:
    made = ADAPTER.factory(Source(id="s"), CapConfig.model_validate({"url": url, "timeout_seconds": 2.0, **more}))
    assert isinstance(made, Cap)
    return made


async def poll(adapter: Cap, cursor: str | None = None) -> list[Batch]:
    async with closing(adapter.read(cursor)) as batches:
        return [batch async for batch in batches]


def polls(adapter: Cap, *between: Callable[[], object]) -> list[list[Batch]]:
    """One poll, and one after each of `between`, with the cursor of the one before."""

    async def run() -> list[list[Batch]]:
        async with adapter:
            done = [await poll(adapter)]
            for step in between:
                step()
                done.append(await poll(adapter, done[-1][-1].cursor))
            return done

    return asyncio.run(run())


def claims(batches: Sequence[Batch]) -> dict[str, Claim]:
    return {r.external_id: r for batch in batches for r in batch.records if isinstance(r, Claim)}


def check(adapter: Cap) -> str:
    async def run() -> str:
        async with adapter:
            health = await adapter.check()
            return f"{health.state.value} {health.text}"

    return asyncio.run(run())


def test_what_has_not_changed_is_not_sent_again(server: Pages) -> None:
    link = server.put("/a.cap", message("a"))
    url = server.put("/feed", feed([entry("e", link=link)]))
    first, second, third = polls(cap(url), lambda: None, lambda: server.put("/feed", feed([entry("f", link=link)])))
    assert claims(first).keys() == claims(second).keys() == claims(third).keys() == {"a"}
    assert [status for path, _, status in server.asked if path == "/feed"] == [200, 304, 200]
    assert [path for path, _, _ in server.asked].count("/a.cap") == 2, "once an entry, not once a poll"


def test_a_message_that_cannot_be_had_is_stood_for_by_its_entry_until_it_can(server: Pages) -> None:
    url = server.put("/feed", feed([entry("e", link=f"{server.url}/a.cap"), entry("ok", content=message("b"))]))
    first, second = polls(cap(url), lambda: server.put("/a.cap", message("a")))
    assert claims(first).keys() == {"e", "b"}
    assert claims(first)["e"].values["flags"] == ("from_feed_entry",)
    assert "404" in first[-1].faults[0].reason
    assert claims(second)["e"].gone and claims(second)["a"].values["headline"] == "Storm"
    assert not second[0].faults


def test_a_message_that_is_cut_on_its_way_is_asked_for_again(server: Pages) -> None:
    link = server.put("/a.cap", message("a"), cut=True)
    url = server.put("/feed", feed([entry("e", link=link)]))
    first, second = polls(cap(url), lambda: server.put("/a.cap", message("a")))
    assert not first[0].unreadable and "was cut" in first[0].faults[0].reason
    assert claims(second)["a"].values["headline"] == "Storm"


def test_a_server_of_messages_that_is_silent_holds_up_neither_the_others_nor_the_poll(server: Pages) -> None:
    """Forty links to a server that takes connections and says nothing, each of which would wait for 3 timeouts."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        entries = [entry(f"e{n}", link=f"{silent_url}/{n}") for n in range(40)]
        url = server.put("/feed", feed([*entries, entry("here", content=message("a"))]))

        async def run() -> tuple[float, float, list[Batch]]:
            began = time.perf_counter()
            async with cap(url, timeout_seconds=0.4) as adapter, closing(adapter.read(None)) as batches:
                taken = [await anext(batches)]
                first = time.perf_counter() - began
                taken += [batch async for batch in batches]
            return first, time.perf_counter() - began, taken

        first, all_of_it, batches = asyncio.run(run())
    assert claims(batches[:1]).keys() == {"a"} and first < 0.4
    assert len(claims(batches)) == 41 and all_of_it < 5
    assert any("others did not answer" in fault.reason for fault in batches[-1].faults)


def test_a_feed_leads_nowhere_else(server: Pages) -> None:
    other = Pages()
    other.start()
    link = other.put("/a.cap", message("a")).replace("127.0.0.1", "localhost")
    url = server.put("/feed", feed([entry("e", link=link)]))
    (first,) = polls(cap(url))
    assert claims(first).keys() == {"e"} and "name it in `hosts`" in first[0].faults[0].reason
    assert not other.asked
    (second,) = polls(cap(url, hosts=["localhost"]))
    assert claims(second).keys() == {"a"}
    other.stop()


def test_a_password_goes_to_its_own_server_alone(tmp_path: Path) -> None:
    (tmp_path / "right").write_text("right", encoding="utf-8")
    guarded, other = Pages(account=("hub", "right")), Pages()
    guarded.start()
    other.start()
    link = other.put("/a.cap", message("a"))
    url = guarded.put("/feed", feed([entry("e", link=link)]))
    secret = {"username": "hub", "password": {"file": str(tmp_path / "right")}}
    (batches,) = polls(cap(url, **secret))
    assert claims(batches).keys() == {"a"}
    assert all("Authorization" not in headers for _, headers, _ in other.asked)
    guarded.stop()
    other.stop()


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        ({"status": 500}, Unreachable, "500"),
        ({"status": 503}, Unreachable, "503"),
        ({"status": 429}, Unreachable, "429"),
        ({"status": 401}, CredentialsRefused, "mend them"),
        ({"status": 403}, CredentialsRefused, "`headers`"),
        ({"status": 404}, SourceError, "is the address right"),
        ({"cut": True}, Unreachable, "was cut"),
        ({"status": 302, "headers": {"Location": "http://example.org/feed"}}, SourceError, "`hosts`"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, SourceError, "`hosts`"),
        ({"status": 302, "headers": {"Location": "/feed"}}, SourceError, "more than 5 times"),
    ],
)
def test_each_failure_has_its_name(
    server: Pages, answer: dict[str, object], error: type[SourceError], told: str
) -> None:
    url = server.put("/feed", feed([]), **answer)
    with pytest.raises(error, match=told):
        polls(cap(url))
    with pytest.raises(error, match=told):
        check(cap(url))


def test_a_redirect_on_the_same_host_is_followed(server: Pages) -> None:
    server.put("/new", feed([entry("e", content=message("a"))]))
    url = server.put("/old", b"", status=301, headers={"Location": "/new"})
    (batches,) = polls(cap(url))
    assert claims(batches).keys() == {"a"}


def test_a_server_that_is_away_and_comes_back(server: Pages) -> None:
    url = server.put("/feed", feed([entry("e", content=message("a"))]))

    async def run() -> None:
        async with cap(url) as adapter:
            assert claims(await poll(adapter)).keys() == {"a"}
            server.stop()
            with pytest.raises(Unreachable, match=r"nobody answers|was cut"):
                await poll(adapter)
            server.start()
            assert claims(await poll(adapter)).keys() == {"a"}

    asyncio.run(run())


def test_a_certificate_that_is_not_accepted_is_called_so(tmp_path: Path) -> None:
    made = Certificates.make(tmp_path / "certificates", "127.0.0.1")
    server = Pages(certificate=(made.server, made.server_key))
    server.start()
    url = server.put("/feed", feed([]))
    with pytest.raises(CertificateRefused, match="ca_file"):
        check(cap(url))
    assert check(cap(url, ca_file=str(made.authority))).startswith(HealthState.OK)
    with pytest.raises(CertificateRefused):
        check(cap(url.replace("127.0.0.1", "localhost"), ca_file=str(made.authority)))
    with pytest.raises(CertificateRefused, match="cannot be read"):
        check(cap(url, ca_file=str(tmp_path / "none.pem")))
    server.stop()


def test_a_page_that_is_no_feed_is_told_at_each_poll_and_kept_once(server: Pages) -> None:
    url = server.put("/feed", b"<html><body>Maintenance</body></html>")
    first, second, third = polls(
        cap(url), lambda: None, lambda: server.put("/feed", feed([entry("e", content=message("a"))]))
    )
    assert [letter.reason for letter in first[0].unreadable] == [
        "the document <html> holds no CAP alert and is no feed"
    ]
    assert not second[0].unreadable and "still cannot be read" in second[0].faults[0].reason
    assert claims(third).keys() == {"a"} and not third[0].faults
    server.put("/feed", b"<html/>")
    assert check(cap(url)).startswith(HealthState.DEGRADED)


def test_a_page_past_the_limit_is_cut_and_kept_as_a_dead_letter(server: Pages) -> None:
    url = server.put("/feed", feed([entry("e", content=message("a", headline="x" * 9000))]))
    (batches,) = polls(cap(url, max_bytes=4096))
    (letter,) = batches[0].unreadable
    assert "more than 4096 bytes" in letter.reason and len(letter.raw.data) == 4097


def test_more_messages_than_may_be_are_told(server: Pages) -> None:
    url = server.put("/feed", feed([entry(f"e{n}", content=message(f"m{n}")) for n in range(7)]))
    (batches,) = polls(cap(url, max_messages=5))
    assert len(claims(batches)) == 5 and "raise max_messages" in batches[0].faults[0].reason


def test_the_event_loop_is_never_held(server: Pages) -> None:
    """20 MB of messages; what is measured is how late a beat of 10 ms comes."""
    url = server.put(
        "/feed", feed([entry(f"e{n}", content=message(f"m{n}", headline="x" * 9000)) for n in range(2000)])
    )
    late: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            late.append(time.perf_counter() - began - 0.01)

    async def run() -> int:
        beating = asyncio.create_task(beat())
        async with cap(url, max_bytes=32 << 20) as adapter:
            read = sum(len(batch.records) for batch in await poll(adapter))
        beating.cancel()
        return read

    assert asyncio.run(run()) == 2000
    late.sort()
    assert late[-3] < 0.1, f"the latest beats: {late[-5:]}"  # two of a machine that others use are let pass


EARLIER = "test@example.org,a,2026-07-01T14:00:00+08:00"


def later(name: str, kind: str, **more: str) -> bytes:
    return message(name, msgType=kind, sent="2026-07-01T15:00:00+08:00", references=EARLIER, **more)


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_a_later_message_ends_the_earlier_whose_words_stay(server: Pages, kind: str) -> None:
    both = feed([entry("l", content=later("b", kind)), entry("e", content=message("a"))])
    url = server.put("/feed", feed([entry("e", content=message("a"))]))
    first, second = polls(cap(url), lambda: server.put("/feed", both))
    before, after = claims(first)["a"], claims(second)["a"]
    assert after.values == {**before.values, "ended_at": "2026-07-01T15:00:00+08:00"}
    assert claims(second)["b"].links[0].target == "a" and "ended_at" not in claims(second)["b"].values


def test_an_ending_outlasts_the_feed_and_a_restart(server: Pages) -> None:
    url = server.put("/feed", feed([entry("l", content=later("b", "Cancel"))]))
    (first,) = polls(cap(url))
    link = server.put("/c.cap", message("c"))
    server.put("/feed", feed([entry("e", content=message("a")), entry("c", link=link)]))

    async def restarted() -> list[Batch]:
        async with cap(url) as adapter:
            return await poll(adapter, first[-1].cursor)

    told = [r for batch in asyncio.run(restarted()) for r in batch.records if isinstance(r, Claim)]
    said = [claim.values.get("ended_at") for claim in told if claim.external_id == "a"]
    assert said and set(said) == {"2026-07-01T15:00:00+08:00"}, "not even for a moment does it hold again"


@pytest.mark.parametrize(
    "other",
    [
        later("b", "Update", status="Exercise"),
        later("b", "Ack"),
        message("b", msgType="Update", sent="2026-07-01T13:00:00+08:00", references=EARLIER),
    ],
)
def test_an_exercise_an_acknowledgement_and_an_older_message_end_nothing(server: Pages, other: bytes) -> None:
    url = server.put("/feed", feed([entry("l", content=other), entry("e", content=message("a"))]))
    (batches,) = polls(cap(url))
    assert "ended_at" not in claims(batches)["a"].values


def test_of_two_that_name_each_other_the_later_stands(server: Pages) -> None:
    earlier = message("a", msgType="Update", references="test@example.org,b,2026-07-01T15:00:00+08:00")
    url = server.put("/feed", feed([entry("l", content=later("b", "Update")), entry("e", content=earlier)]))
    (batches,) = polls(cap(url))
    assert "ended_at" in claims(batches)["a"].values and "ended_at" not in claims(batches)["b"].values
