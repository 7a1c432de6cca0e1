"""Writes docs/reference from the code; `--check` compares, and fails where a page is not what the code says."""

import dataclasses
import inspect
import re
import sys
import types
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from adapters import registry
from adapters.secret import Secret
from docs.policy_tables import policies
from graph_models.annotations import Indexed, Key, Privacy, Search, Unit
from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS
from graph_models.schemes import SCHEMES
from hub import errors as errors_module
from hub.errors import CausewayError, Code
from hub.ingest.imports.kinds import KINDS
from hub.settings import ParkFile

FOLDER = Path(__file__).parent / "reference"
NOTE = "This page is written by `python -m docs.generate`; change the code, not the page.\n"


def pages() -> Mapping[str, str]:
    return {
        "settings.md": settings(),
        "adapters.md": adapters(),
        "errors.md": errors(),
        "graph.md": graph(),
        "tables.md": tables(),
        "policies.md": policies(NOTE),
    }


def settings() -> str:
    lines = [
        "# The park file",
        "",
        NOTE,
        "One TOML file holds every setting. Durations are a number and ms, s, m, h or d.",
    ]
    lines += ["A secret is `{ env = … }`, `{ file = … }` or `{ credential = … }`, never plain text.", ""]
    lines += _section("", ParkFile)
    return "\n".join(lines) + "\n"


def _section(title: str, model: type[BaseModel], level: int = 2) -> Iterator[str]:
    comments = _comments(model)
    rows = []
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        inner = _models(field.annotation)
        if inner and inner[0] is not Secret:
            many = get_origin(field.annotation) in {tuple, list}
            path = f"{title.strip('[]')}.{name}".removeprefix(".")
            nested += [(f"[[{path}]]" if many else f"[{path}]", one) for one in inner]
        else:
            default = _default(field.default, field.default_factory)
            rows.append(f"| `{name}` | {_type(field.annotation)} | {default} | {comments.get(name, '')} |")
    if title:
        lead = "#" * level
        yield f"{lead} `{title}`"
        yield ""
    if rows:
        yield "| key | value | default | |"
        yield "|---|---|---|---|"
        yield from rows
        yield ""
    for path, inner_model in nested:
        yield from _section(path, inner_model, level)


def _comments(model: type[BaseModel]) -> Mapping[str, str]:
    """What the code says behind each field, of the model and those that it is made from."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if one is BaseModel or not issubclass(one, BaseModel):
            continue
        for line in inspect.getsource(one).splitlines():
            if said := re.match(r" {4}(\w+): .*?  # (.*)", line):
                found[said[1]] = said[2]
    return found


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def _type(annotation: object) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type):
        return {"timedelta": "duration", "str": "text", "bool": "true or false", "Path": "path"}.get(
            annotation.__name__, annotation.__name__.lower()
        )
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    parts = [a for a in get_args(annotation) if a is not types.NoneType and a is not Ellipsis]
    if get_origin(annotation) in {Union, types.UnionType}:
        return " or ".join(_type(p) for p in parts)
    if get_origin(annotation) in {tuple, list, frozenset}:
        return f"list of {_type(parts[0])}"
    if get_origin(annotation) is dict or get_origin(annotation) is Mapping:
        return "table"
    return " or ".join(f"`{p}`" if isinstance(p, str) else _type(p) for p in parts) or str(annotation)


def _default(default: Any, factory: object) -> str:
    if factory is not None:
        return ""
    if default is PydanticUndefined:
        return "**needed**"
    if default is None or default == ():
        return ""
    if isinstance(default, timedelta):
        return f"{default.days} d" if default.days else f"{default.total_seconds():g} s"
    return f"`{default.value if isinstance(default, Enum) else default}`"


def adapters() -> str:
    lines = ["# Adapters", "", NOTE]
    for definition in map(registry.find, sorted(registry.BUILT_IN)):
        lines += [f"## `{definition.name}`", "", f"{definition.summary} Version {definition.version};"]
        lines += ["polled each `every`." if definition.polls else "a stream.", "", "Under `[source.config]`:", ""]
        lines += _section("", definition.config)
    return "\n".join(lines) + "\n"


def errors() -> str:
    lines = ["# Error codes", "", NOTE, "Every GraphQL error carries one of these in `extensions.code`.", ""]
    lines += ["| code | met when | a retry helps |", "|---|---|---|"]
    meanings = {Code.INTERNAL: "anything else; the text stays in the hub's log"} | {
        kind.code: meaning for kind, meaning in _tree() if kind.public
    }
    retried = {kind.code for kind, _ in _tree() if kind.public and kind.retry}
    for code in Code:
        said = meanings.get(code, "not raised yet")
        lines.append(f"| `{code}` | {said} | {'yes' if code in retried else 'no'} |")
    return "\n".join(lines) + "\n"


def _tree() -> Iterator[tuple[type[CausewayError], str]]:
    """The errors as the module draws them; of two with one code the first drawn comes last, so that it stands."""
    drawn = [line[4:] for line in (inspect.getdoc(errors_module) or "").splitlines() if line[:3] in {"├──", "└──"}]
    for name, _, meaning in (line.partition(" ") for line in reversed(drawn)):
        yield getattr(errors_module, name), meaning.strip()


def graph() -> str:
    lines = ["# The graph", "", NOTE, "## Nodes", ""]
    for entity in ENTITIES:
        lines += [
            f"### {entity.__name__}",
            "",
            inspect.getdoc(entity) or "",
            "",
            "| property | type | notes |",
            "|---|---|---|",
        ]
        hints = get_type_hints(entity, include_extras=True)
        for field in dataclasses.fields(entity):
            lines.append(f"| `{field.name}` | {_plain(hints[field.name])} | {', '.join(_notes(hints[field.name]))} |")
        lines.append("")
    lines += ["## Relations", "", "| relation | from | to | meaning |", "|---|---|---|---|"]
    for r in RELATIONS:
        lines.append(f"| `{r.name}` | {', '.join(r.start)} | {', '.join(r.end)} | {r.meaning} |")
    lines += ["", "## Identifier schemes", "", "| scheme | unique within | what it is |", "|---|---|---|"]
    lines += [f"| `{s.name}` | {s.scope.value.lower()} | {s.meaning} |" for s in SCHEMES]
    return "\n".join(lines) + "\n"


def _plain(hint: object) -> str:
    base = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    parts = [p for p in get_args(base) if p is not types.NoneType] or [base]
    return ", ".join(getattr(p, "__name__", str(p)) for p in parts)


def _notes(hint: object) -> Iterator[str]:
    for note in getattr(hint, "__metadata__", ()):
        match note:
            case Unit(code):
                yield f"unit {code}"
            case Key():
                yield "key"
            case Indexed():
                yield "indexed"
            case Search():
                yield "found by search"
            case Privacy():
                yield "personal: sealed"


def tables() -> str:
    lines = ["# Tables that a park enters", "", NOTE]
    lines += ["`causeway import KIND FILE` takes each; [bring-in-your-park.md](../bring-in-your-park.md) shows how."]
    lines += ["A header may be any of the words of its row, in any case; those with * are due.", ""]
    for kind in KINDS.values():
        maps = f" Also GeoJSON: {', '.join(kind.shapes)}." if kind.shapes else ""
        lines += [f"## `{kind.name}` · {kind.title_zh}", "", f"{kind.title}.{maps}", ""]
        lines += ["| header | 表头 | also | |", "|---|---|---|---|"]
        for column in kind.all_columns:
            mark = " *" if column.due else ""
            also = ", ".join(column.also)
            lines.append(f"| `{column.name}`{mark} | {column.zh} | {also} | {column.meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    stale = []
    for name, text in pages().items():
        path = FOLDER / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(
            f"docs/reference: {', '.join(stale)} is not what the code says; run python -m docs.generate",
            file=sys.stderr,
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
