"""Documents that cost too much, tell too much, or are no documents: with a right token."""

from collections.abc import Iterator
from functools import partial

import httpx

from tests.attacks.attempt import COUNT, Attempt, answered, must, refused, refused_by_code
from tests.attacks.park import Park

_LEVELS = 40


def _answers(park: Park) -> None:
    assert answered(park.ask(park.commander(), COUNT))["organizations"]["totalCount"] == 2


def _document(park: Park, query: str, *codes: str) -> str:
    return refused_by_code(park.ask(park.commander(), query), *codes)


def _body(park: Park, content: bytes, status: int, kind: str = "application/json") -> str:
    headers = {"authorization": f"Bearer {park.commander()}", "content-type": kind}
    return refused(httpx.post(f"{park.url}/graphql", content=content, headers=headers, timeout=30), status)


def _by_get(park: Park) -> str:
    headers = {"authorization": f"Bearer {park.commander()}"}
    return refused(
        httpx.get(f"{park.url}/graphql", params={"query": COUNT}, headers=headers, timeout=20), 400, 403, 405
    )


def _echo(park: Park) -> str:
    """A forged representation must not come back as if it were true."""
    query = (
        'query($id: ID!) { _entities(representations: [{__typename: "Asset", id: $id, name: "forged", kind: "CAMERA"}])'
        " { ... on Asset { id name } } }"
    )
    body = park.post(park.commander(), {"query": query, "variables": {"id": "01890000-0000-7000-8000-000000000000"}})
    must("forged" not in body.text, body.text)
    must(not any((body.json().get("data") or {}).get("_entities") or []), body.text)
    return "null"


def _entity(park: Park) -> None:
    query = 'query($id: ID!) { _entities(representations: [{__typename: "Asset", id: $id}]) { ... on Asset { name } } }'
    assert answered(park.ask(park.commander(), query, id=park.ids["tank-a"]))["_entities"][0]["name"] == "tank of a"


def _no_entity(park: Park) -> str:
    body = park.ask(park.commander(), '{ _entities(representations: [{__typename: "Query", id: "1"}]) { __typename } }')
    must("KeyError" not in str(body) and "Traceback" not in str(body), body)
    must(not any((body.get("data") or {}).get("_entities") or []), body)
    return "null" if not body.get("errors") else str(body["errors"][0]["extensions"]["code"])


def _many_entities(park: Park) -> str:
    one = {"__typename": "Asset", "id": "01890000-0000-7000-8000-000000000000"}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"
    body = park.ask(park.commander(), query, r=[one] * 5000)
    if body.get("errors"):
        return str(body["errors"][0]["extensions"]["code"])
    must(not any(body["data"]["_entities"]), "a forged representation was resolved")
    return "null, read together"


def _suggestion(park: Park) -> str:
    body = park.ask(park.commander(), "{ organisations { totalCount } }")
    refused_by_code(body, "BAD_REQUEST")
    must("organizations" not in str(body), body)
    return "says only that there is no such field"


def _inside(park: Park, query: str, **variables: object) -> str:
    answer = park.post(park.commander(), {"query": query, "variables": variables})
    for word in (
        "Traceback",
        "neo4j",
        "Cypher",
        "sqlite",
        "sqlalchemy",
        "MATCH (",
        "hub/",
        "site-packages",
        "KeyError",
    ):
        must(word not in answer.text, answer.text)
    body = answer.json()
    must(body.get("errors") or not any(_flat(body.get("data"))), answer.text)
    return str(body["errors"][0]["extensions"]["code"]) if body.get("errors") else "nothing found"


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _flat(part)
    elif isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


_INJECTION = "' OR 1=1 RETURN n //"
_BY_ID = "query($id: ID!) { place(id: $id) { id name } }"
_BY_TEXT = "query($t: String!) { places(filter: {search: $t}) { totalCount nodes { id } } }"
_BY_PAGE = "query($t: String!) { places(after: $t) { nodes { id } } }"


def attempts() -> Iterator[Attempt]:
    deep = "{ places { nodes " + "{ parts { nodes " * _LEVELS + "{ id }" + " } }" * _LEVELS + " } }"
    aliases = "{ " + " ".join(f"a{n}: places {{ totalCount }}" for n in range(2000)) + " }"
    twins = "{ places { nodes { " + "name " * 3000 + "} } }"
    wide = "{ places(first: 1000) { nodes { parts(first: 1000) { nodes { parts(first: 1000) { nodes { id } } } } } } }"
    loop = "{ places { nodes { ...f } } } fragment f on Place { parts { nodes { ...f } } }"
    directives = "{ places { totalCount " + "@include(if: true) " * 3000 + "} }"
    costly = ("COST_EXCEEDED", "BAD_REQUEST")
    for name, query in (
        ("forty levels deep", deep),
        ("two thousand aliases", aliases),
        ("three thousand times one field", twins),
        ("a thousand times a thousand times a thousand rows", wide),
        ("a fragment that spreads itself", loop),
        ("three thousand directives", directives),
    ):
        yield _attempt(name, "asks for more than one may", partial(_costly, query=query, codes=costly))
    yield _attempt(
        "a document of a megabyte", "is too long to read", partial(_body, content=b" " * 1_100_000, status=413)
    )
    yield _attempt("not JSON", "sends a broken body", partial(_body, content=b"{", status=400))
    yield _attempt("a list of operations", "batches", partial(_body, content=b"[{}]", status=400))
    yield _attempt(
        "a form from another page",
        "as a browser sends it unasked",
        partial(_body, content=b"query={a}", status=415, kind="text/plain"),
    )
    yield _attempt(
        "a multipart upload",
        "as a browser sends it unasked",
        partial(_body, content=b"--x--", status=415, kind="multipart/form-data; boundary=x"),
    )
    yield _attempt("by GET", "a link that asks", _by_get)
    yield _attempt("forged state of an entity", "wants it echoed", _echo, _entity)
    yield _attempt("an entity that is none", "asks for Query", _no_entity, _entity)
    yield _attempt("five thousand forged entities", "wants each read alone", _many_entities, _entity)
    whole = "{ __schema { types { name } } }"
    yield _attempt("the whole schema, where that is off", "asks for it", partial(_costly, query=whole, codes=costly))
    yield _attempt("a hidden field by suggestion", "misspells", _suggestion)
    for name, query, given in (
        ("an id", _BY_ID, {"id": _INJECTION}),
        ("a search text", _BY_TEXT, {"t": _INJECTION}),
        ("a page's cursor", _BY_PAGE, {"t": _INJECTION}),
    ):
        yield _attempt(f"Cypher in {name}", "injects", partial(_with, query=query, given=given))
    yield _attempt("an order that is none", "injects a property", partial(_inside_order))
    yield _attempt(
        "unknown variables and wrong types", "asks badly", partial(_with, query=_BY_ID, given={"id": {"a": 1}})
    )


def _attempt(name, tries, attack, companion=_answers) -> Attempt:  # type: ignore[no-untyped-def]
    return Attempt(name=f"document: {name}", tries=tries, attack=attack, companion=companion)


def _costly(park: Park, query: str, codes: tuple[str, ...]) -> str:
    return _document(park, query, *codes)


def _with(park: Park, query: str, given: dict[str, object]) -> str:
    return _inside(park, query, **given)


def _inside_order(park: Park) -> str:
    return _inside(park, "{ places(orderBy: n.phone) { nodes { id } } }")
