"""The WebSocket and the streams: who may open them, how long they last, and who else's they become."""

import time
from collections.abc import Iterator

import httpx

from tests.attacks.attempt import (
    ALERTS,
    COUNT,
    Attempt,
    answered,
    closed_with,
    greeted,
    hear,
    must,
    not_opened,
    opened,
    refused,
    say,
    subscribed,
)
from tests.attacks.park import Park


def _listens(park: Park) -> None:
    subscribed(park, park.commander())


def _without_token(park: Park) -> str:
    with opened(park) as socket:
        say(socket, type="connection_init")
        return closed_with(socket, 4401, 4403)


def _before_init(park: Park) -> str:
    with opened(park) as socket:
        say(socket, id="1", type="subscribe", payload={"query": ALERTS})
        return closed_with(socket, 4401)


def _init_twice(park: Park) -> str:
    with greeted(park, park.commander()) as socket:
        say(socket, type="connection_init", payload={"authorization": f"Bearer {park.commander()}"})
        return closed_with(socket, 4429)


def _same_id(park: Park) -> str:
    with greeted(park, park.commander()) as socket:
        for _ in range(2):
            say(socket, id="1", type="subscribe", payload={"query": ALERTS})
        return closed_with(socket, 4409)


def _binary(park: Park) -> str:
    with greeted(park, park.commander()) as socket:
        socket.send(b"\x00\x01")
        return closed_with(socket, 4400, 1003, 1007)


def _no_json(park: Park) -> str:
    with greeted(park, park.commander()) as socket:
        socket.send("{")
        return closed_with(socket, 4400)


def _foreign_page(park: Park) -> str:
    return not_opened(park, origin="https://evil.example")


def _own_page(park: Park) -> None:
    with opened(park, origin=park.url) as socket:
        say(socket, type="connection_init", payload={"authorization": f"Bearer {park.commander()}"})
        assert hear(socket)["type"] == "connection_ack"


def _foreign_post(park: Park) -> str:
    return refused(park.post(park.commander(), {"query": COUNT}, origin="https://evil.example"), 403)


def _own_post(park: Park) -> None:
    answered(park.post(park.commander(), {"query": COUNT}, origin=park.url).json())


def _in_address(park: Park) -> str:
    with opened(park, query=f"?access_token={park.commander()}") as socket:
        say(socket, type="connection_init")
        return closed_with(socket, 4400, 4401, 4403)


def _renewed_by(park: Park, token: str) -> str:
    with greeted(park, park.commander()) as socket:
        say(socket, type="ping", payload={"authorization": f"Bearer {token}"})
        return closed_with(socket, 4401, 4403)


def _another_subject(park: Park) -> str:
    return _renewed_by(park, park.issuer.token(sub="zhao"))


def _expired(park: Park) -> str:
    return _renewed_by(park, park.issuer.token(exp=int(time.time()) - 5))


def _renews(park: Park) -> None:
    with greeted(park, park.issuer.token(exp=int(time.time()) + 3)) as socket:
        say(socket, type="ping", payload={"authorization": f"Bearer {park.commander()}"})
        assert hear(socket)["type"] == "pong"
        time.sleep(4)
        say(socket, type="ping")
        assert hear(socket)["type"] == "pong"


def _outlives(park: Park) -> str:
    """A socket whose token ends closes within a second or so."""
    ends = int(time.time()) + 3
    with greeted(park, park.issuer.token(exp=ends)) as socket:
        say(socket, id="1", type="subscribe", payload={"query": ALERTS})
        how = closed_with(socket, 4401, seconds=10)
        must(time.time() < ends + 3, "it closed late")
        return how


def _stream_outlives(park: Park) -> str:
    ends = int(time.time()) + 3
    headers = {"authorization": f"Bearer {park.issuer.token(exp=ends)}", "accept": "text/event-stream"}
    with httpx.stream("POST", f"{park.url}/graphql", json={"query": ALERTS}, headers=headers, timeout=15) as answer:
        must(answer.status_code == 200, answer.status_code)
        for _ in answer.iter_raw():
            must(time.time() < ends + 3, "it goes on")
    return "the stream ended"


def _narrow(park: Park) -> str:
    """Who becomes a tenant of nothing gets no more of what a commander got."""
    with greeted(park, park.commander()) as socket:
        say(socket, type="ping", payload={"authorization": f"Bearer {park.issuer.token(roles=[])}"})
        assert hear(socket)["type"] == "pong"
        say(socket, id="1", type="subscribe", payload={"query": COUNT})
        message = hear(socket)
        text = str(message)
        must("'totalCount': 2" not in text, text)
        return "sees nothing any more"


def _too_many(park: Park) -> str:
    with greeted(park, park.commander()) as socket:
        for number in range(101):
            say(socket, id=str(number), type="subscribe", payload={"query": ALERTS})
        message = hear(socket)
        must(message["type"] == "error" and "RATE_LIMITED" in str(message), message)
        return "RATE_LIMITED"


def _trace(park: Park) -> str:
    return refused(httpx.request("TRACE", f"{park.url}/graphql", timeout=20), 400, 401, 405)


_ALL = (
    ("no token in connection_init", _without_token, _listens),
    ("a subscription before connection_init", _before_init, _listens),
    ("connection_init twice", _init_twice, _listens),
    ("one id twice", _same_id, _listens),
    ("a binary message", _binary, _listens),
    ("a message that is not JSON", _no_json, _listens),
    ("a WebSocket from another site's page", _foreign_page, _own_page),
    ("a request from another site's page", _foreign_post, _own_post),
    ("a token in a WebSocket's address", _in_address, _listens),
    ("renewal by another person's token", _another_subject, _renews),
    ("renewal by an expired token", _expired, _renews),
    ("a socket that outlives its token", _outlives, _renews),
    ("an event stream that outlives its token", _stream_outlives, _listens),
    ("rights that a renewal took away", _narrow, _renews),
    ("a hundred and one operations on one socket", _too_many, _listens),
    ("TRACE", _trace, _own_post),
)


def attempts() -> Iterator[Attempt]:
    for name, attack, companion in _ALL:
        yield Attempt(name=f"transport: {name}", tries="over the wire", attack=attack, companion=companion)
