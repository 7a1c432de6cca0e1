"""Where in a JSON document a value stands: `reading.values.0.v`, or `/reading/values/0/v` as in RFC 6901."""

from collections.abc import Sequence

from adapters.contract import Unreadable

Steps = tuple[str, ...]


def steps(path: str) -> Steps:
    """The path's keys; raises ValueError for one that leads nowhere. RFC 6901's `~1` is `/`, and `~0` is `~`."""
    if path.startswith("/"):
        return tuple(key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/"))
    found = tuple(path.split("."))
    if not all(found):
        raise ValueError(f"{path!r} is no path: write a.b.0 or /a/b/0; keys that hold a dot need the second form")
    return found


MISSING = object()


def at(document: object, path: Steps) -> object:
    """The value there, else MISSING."""
    for key in path:
        if isinstance(document, dict):
            document = document.get(key, MISSING)
        elif isinstance(document, list) and key.isdecimal() and len(key) < 10 and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def absent(document: object, path: Steps) -> Unreadable:
    """Says how far the path leads."""
    shown: Sequence[str] = path
    for depth in range(len(path)):
        if at(document, path[: depth + 1]) is MISSING:
            shown = path[: depth + 1]
            break
    parent = at(document, tuple(shown[:-1]))
    if isinstance(parent, dict):
        there = ", ".join(repr(key) for key in list(parent)[:8]) or "nothing"
        found = f"there is {there}"
    else:
        found = f"there is a {_kind(parent)}"
    return Unreadable(f"nothing stands at {'.'.join(shown)!r}: {found}", where=".".join(path))


def _kind(value: object) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "text", list: "list"}
    return names.get(type(value), "document")
