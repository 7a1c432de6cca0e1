"""Writes docs/reference from the code; `--check` compares, and fails where a page is not what the code says."""

import dataclasses
import inspect
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from adapters import registry
from adapters.secret import Secret
from graph_models.annotations import Indexed, Key, Privacy, Search, Unit
from graph_models.entities import ENTITIES
from graph_models.relations import RELATIONS
from graph_models.schemes import SCHEMES
from hub.errors import CausewayError, Code
from hub.settings import ParkFile

FOLDER = Path(__file__).parent / "reference"
NOTE = "This page is written by `python -m docs.generate`; change the code, not the page.\n"


def pages() -> Mapping[str, str]:
    return {
        "settings.md": settings(),
        "adapters.md": adapters(),
        "errors.md": errors(),
        "graph.md": graph(),
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
    rows = []
    nested: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        inner = _models(field.annotation)
        if inner and inner[0] is not Secret:
            many = get_origin(field.annotation) is tuple
            path = f"{title}.{name}".removeprefix(".")
            nested.append((f"[[{path}]]" if many else f"[{path}]", inner[0]))
        else:
            rows.append(f"| `{name}` | {_type(field.annotation)} | {_default(field.default, field.default_factory)} |")
    if title:
        lead = "#" * level
        yield f"{lead} `{title}`"
        yield ""
    if rows:
        yield "| key | value | default |"
        yield "|---|---|---|"
        yield from rows
        yield ""
    for path, inner_model in nested:
        yield from _section(path, inner_model, level)


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def _type(annotation: object) -> str:
    if isinstance(annotation, type):
        return {"timedelta": "duration", "str": "text", "bool": "true or false", "Path": "path"}.get(
            annotation.__name__, annotation.__name__.lower()
        )
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
    if hasattr(default, "total_seconds"):
        return f"{default.total_seconds():g} s"
    return f"`{default}`"


def adapters() -> str:
    lines = ["# Adapters", "", NOTE]
    for definition in map(registry.find, registry.names()):
        lines += [f"## `{definition.name}`", "", f"{definition.summary} Version {definition.version};"]
        lines += ["polled each `every`." if definition.polls else "a stream.", "", "Under `[source.config]`:", ""]
        lines += _section("", definition.config)
    return "\n".join(lines) + "\n"


def errors() -> str:
    lines = ["# Error codes", "", NOTE, "Every GraphQL error carries one of these in `extensions.code`.", ""]
    lines += ["| code | met when | a retry helps |", "|---|---|---|"]
    meanings = _tree()
    known = {c.code: c for c in _descendants(CausewayError) if c.public}
    for code in Code:
        kind = known.get(code)
        meaning = meanings.get(kind.__name__, "") if kind else "not raised yet" if code is not Code.INTERNAL else ""
        meaning = meaning or "anything else; the text stays in the hub's log"
        lines.append(f"| `{code}` | {meaning} | {'yes' if kind and kind.retry else 'no'} |")
    return "\n".join(lines) + "\n"


def _tree() -> dict[str, str]:
    import hub.errors

    drawn = (line for line in (inspect.getdoc(hub.errors) or "").splitlines() if line[:3] in {"├──", "└──"})
    return {name: meaning.strip() for name, _, meaning in (line[4:].partition(" ") for line in drawn)}


def _descendants(root: type[CausewayError]) -> Iterator[type[CausewayError]]:
    for child in root.__subclasses__():
        yield child
        yield from _descendants(child)


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
