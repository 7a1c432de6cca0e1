"""The reference page of roles and what each is shown, drawn from the policies that ship with the hub."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from hub.access.policy.catalogue import RECORDS, declared
from hub.access.policy.compiling import ViewerClass, decide
from hub.access.policy.engine import FLAGS
from hub.access.policy.load import Loaded, load
from hub.graph.selection import MASKABLE
from hub.viewer import Action, Visibility

_SCOPES = {
    "everything": "all",
    "shared": "shared",
    "own_organization": "own",
    "threatened_places": "near",
    "jurisdiction": "area",
    "agreements": "agreed",
    "people_on_duty": "on duty",
}
_MASKS = {
    Visibility.SHOW: "",
    Visibility.MASK_LAST4: " last 4",
    Visibility.MASK_ALL: " masked",
    Visibility.PSEUDONYM: " pseudonym",
}


def policies(note: str) -> str:
    loaded = load(None, declared(MASKABLE))
    lines = ["# Roles, and what each is shown", "", note]
    lines += ["The policies that ship with the hub; [policies.md](../policies.md) says how a park writes its own.", ""]
    lines += ["## Roles", "", "| role | 角色 | acts for | may act for | |", "|---|---|---|---|---|"]
    for name, role in loaded.roles.roles.items():
        purposes = ", ".join(role.purposes)
        lines.append(f"| `{name}` | {role.zh} | {role.purpose} | {purposes} | {role.description_en} |")
    lines += ["", "## Purposes", "", "| purpose | 目的 | |", "|---|---|---|"]
    lines += [f"| `{name}` | {said.zh} | {said.en} |" for name, said in loaded.roles.purposes.items()]
    lines += ["", "## Fields", "", _LEGEND, ""]
    lines += _fields(loaded)
    lines += ["## Personal fields, by purpose and what holds", "", _PERSONAL, ""]
    lines += _personal(loaded)
    lines += ["", "## What the hub keeps beside the graph", "", "| | |", "|---|---|"]
    lines += [f"| `{name}` | {said} |" for name, said in RECORDS.items()]
    return "\n".join(lines) + "\n"


_LEGEND = """\
What `read` shows a role that acts for its own purpose at quiet times. all: every row; own: rows of the viewer's own
organization; near: rows in places whose alerts concern it; area: rows in its jurisdiction; agreed: rows that others
agreed to share with it, of the agreement's types and for its purposes; on duty: people who are on duty now, with their
shifts and skills; shared: every row, of lots those that their
terms show. last 4 and masked: in part, and that there is a value. An empty cell is closed."""
_PERSONAL = "Where it differs from the line above it; a field, purpose or role that is not here is closed."


def _cell(shown: Mapping[str, Visibility]) -> str:
    return ", ".join(f"{_SCOPES[scope]}{_MASKS[mask]}" for scope, mask in shown.items())


def _column(loaded: Loaded, role: str, purpose: str, flags: frozenset[str]) -> dict[str, str]:
    who = ViewerClass(roles=loaded.roles.acting({role}, purpose), purpose=purpose, flags=flags)
    fields = tuple(loaded.catalogue.fields)
    return {d.field: _cell(d.shown) for d in decide(loaded, who, Action.READ, fields)}


def _fields(loaded: Loaded) -> Iterator[str]:
    """A table a type; fields that every role is shown alike stand in one row."""
    roles = loaded.roles.roles
    columns = [_column(loaded, name, role.purpose, frozenset()) for name, role in roles.items()]
    for kind in loaded.catalogue.types:
        rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for field in loaded.catalogue.of(kind):
            mark = " (personal)" if field.personal else ""
            rows[tuple(column[field.name] for column in columns)].append(f"`{field.name.partition('.')[2]}`{mark}")
        yield from (f"### {kind}", "")
        yield "| fields | " + " | ".join(name.replace("_", " ") for name in roles) + " |"
        yield "|---|" + "---|" * len(roles)
        for cells, names in rows.items():
            yield f"| {', '.join(names)} | {' | '.join(cells)} |"
        yield ""


def _personal(loaded: Loaded) -> Iterator[str]:
    personal = [field.name for field in loaded.catalogue.fields.values() if field.personal]
    yield "| role | purpose | while | " + " | ".join(f"`{name}`" for name in personal) + " |"
    yield "|---|---|---|" + "---|" * len(personal)
    for name, role in loaded.roles.roles.items():
        for purpose in role.purposes:
            quiet: list[str] | None = None
            for flag in (None, *FLAGS):
                found = _column(loaded, name, purpose, frozenset({flag} if flag else ()))
                cells = [found[field] for field in personal]
                if any(cells) and cells != quiet:
                    yield f"| {name} | {purpose} | {flag or ''} | {' | '.join(cells)} |"
                quiet = cells if flag is None else quiet
