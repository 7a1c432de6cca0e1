"""The policies' folder, read and checked whole: what is wrong is told with file, line and what to write instead.

A folder holds `*.cedar`, `roles.toml` and `sets.toml`; for what it lacks, what ships with the hub stands.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cedarpy
from pydantic import BaseModel, ConfigDict, ValidationError

from hub.access.policy import roles as roles_file
from hub.access.policy.catalogue import Catalogue, FieldSet
from hub.access.policy.engine import Engine, schema
from hub.access.policy.roles import Roles, Words
from hub.access.policy.text import Statement, line_of, statements, syntax_error
from hub.errors import SettingsError, nearest
from hub.viewer import Action, Visibility

SHIPPED = Path(__file__).parent / "shipped"

SCOPES = (
    "everything",
    "shared",
    "own_organization",
    "threatened_places",
    "jurisdiction",
    "agreements",
    "people_on_duty",
)
"""The row scopes that `@scope` may name."""

_MASKS = tuple(v.value for v in Visibility if v is not Visibility.HIDE)
_ANNOTATIONS = ("id", "scope", "mask", "zh", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One policy. `policy` is Cedar's own id of it. A permit has a `scope` and a `mask`; a forbid closes."""

    id: str
    policy: str
    permits: bool
    scope: str = ""
    mask: Visibility = Visibility.HIDE
    zh: str = ""
    en: str = ""
    file: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.file.name}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Policies that were read without an error. `rules` are by Cedar's own id; `version` changes with any of it.
    `named`: the fields that a policy names one by one."""

    roles: Roles
    catalogue: Catalogue
    rules: Mapping[str, Rule]
    engine: Engine
    version: str
    named: frozenset[str]

    @property
    def uncovered(self) -> list[str]:
        """Personal fields that no policy names and no set holds: nobody has decided about them."""
        return [
            f.name for f in self.catalogue.fields.values() if f.personal and not f.sets and f.name not in self.named
        ]


def files(folder: Path | None) -> list[Path]:
    """The files that are in force together, the policies first."""
    own = sorted(folder.glob("*.cedar")) if folder is not None else []
    data = [folder / name if folder and (folder / name).exists() else SHIPPED / name for name in _DATA]
    return [*(own or sorted(SHIPPED.glob("*.cedar"))), *data]


_DATA = ("roles.toml", "sets.toml")


def load(folder: Path | None, catalogue: Catalogue) -> Loaded:
    """Raises SettingsError with all that is wrong in one file or in the policies. `folder` None: those shipped."""
    if folder is not None and not folder.is_dir():
        raise SettingsError(f"{folder}: no such folder of policies; make it, or leave `[policies] dir` out")
    *policies, roles_path, sets_path = files(folder)
    roles = roles_file.load(roles_path)
    known = catalogue.with_sets(_sets(sets_path), str(sets_path))
    texts = {path: roles_file.read(path) for path in policies}
    reader = _Reader(roles, known)
    for path, text in texts.items():
        reader.add(path, text)
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    if not reader.rules:
        raise SettingsError(f"{policies[0].parent}: no policy stands there, so nobody could see anything")
    digest = hashlib.sha256()
    for part in (*texts.values(), roles.model_dump_json(), repr(sorted(known.fields.items(), key=lambda f: f[0]))):
        digest.update(part.encode())
    return Loaded(
        roles=roles,
        catalogue=known,
        rules={rule.policy: rule for rule in reader.rules},
        engine=Engine("\n".join(reader.texts), roles, known, reader.named),
        version=digest.hexdigest()[:16],
        named=frozenset(reader.named),
    )


class _Set(Words):
    fields: tuple[str, ...]


class _Sets(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sets: Mapping[str, _Set] = {}


def _sets(path: Path) -> Mapping[str, FieldSet]:
    try:
        given = _Sets.model_validate(tomllib.loads(roles_file.read(path)))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError("\n".join(lines)) from error
    return {name: FieldSet(zh=one.zh, en=one.en, fields=one.fields) for name, one in given.sets.items()}


def _only_ids(text: str) -> bool:
    """Whether the policy speaks of fields that are ids, each by its name."""
    named = re.findall(r'\b(Field|Set|Type)::"([^"]*)"', text)
    return bool(named) and all(kind == "Field" and name.endswith(".id") for kind, name in named)


class _Reader:
    """Collects rules and problems over all files."""

    def __init__(self, roles: Roles, catalogue: Catalogue) -> None:
        self.rules: list[Rule] = []
        self.texts: list[str] = []
        self.problems: list[str] = []
        self.named: set[str] = set()  # the fields that a policy names
        self._schema = cedarpy.Schema.from_str(schema(roles))
        self._known: Mapping[str, tuple[str, ...]] = {
            "Role": tuple(roles.roles),
            "Group": tuple(roles.groups),
            "Purpose": tuple(roles.purposes),
            "Type": catalogue.types,
            "Set": tuple(catalogue.sets),
            "Field": tuple(catalogue.fields),
            "Action": tuple(action.value for action in Action),
            "Viewer": (),
        }

    def add(self, path: Path, text: str) -> None:
        for statement in statements(text):
            if (broken := syntax_error(statement)) is not None:
                self.problems.append(f"{path}:{broken[0]}: {broken[1]}")
                continue
            found = json.loads(cedarpy.policies_to_json_str(statement.text))
            if found["templates"]:
                self.problems.append(
                    f"{path}:{statement.line}: a template with ?principal or ?resource is never linked"
                )
                continue
            (policy,) = found["staticPolicies"].values()
            problems = [f"{path}:{line}: {said}" for line, said in self._wrong(statement, policy)]
            self.problems += problems
            if not problems:
                self.rules.append(self._rule(path, statement, policy))
                self.texts.append(statement.text)

    def _rule(self, path: Path, statement: Statement, policy: Mapping[str, Any]) -> Rule:
        said = policy["annotations"]
        permits = policy["effect"] == "permit"
        return Rule(
            id=said["id"],
            policy=f"policy{len(self.rules)}",
            permits=permits,
            scope=said["scope"] if permits else "",
            mask=Visibility(said["mask"]) if permits else Visibility.HIDE,
            zh=said.get("zh", ""),
            en=said.get("en", ""),
            file=path,
            line=statement.line,
        )

    def _wrong(self, statement: Statement, policy: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
        said: Mapping[str, str | None] = policy["annotations"]
        permits = policy["effect"] == "permit"
        yield from self._wrong_annotations(statement, said, permits=permits)
        unknown = list(self._unknown(statement, policy))
        yield from unknown
        if not unknown:
            for error in cedarpy.validate_policies(statement.text, self._schema).errors:
                reason = error.error.removeprefix("for policy `policy0`, ")
                quoted = [part for part in reason.split("`")[1::2] if part]
                yield line_of(statement, *quoted), reason

    def _wrong_annotations(
        self, statement: Statement, said: Mapping[str, str | None], *, permits: bool
    ) -> Iterator[tuple[int, str]]:
        for name in said:
            if name not in _ANNOTATIONS:
                yield line_of(statement, f"@{name}"), f"there is no annotation @{name}; {nearest(name, _ANNOTATIONS)}"
        own = said.get("id")
        if not own:
            yield statement.line, 'every policy needs a name of its own: @id("…")'
        elif any(rule.id == own for rule in self.rules):
            first = next(rule for rule in self.rules if rule.id == own)
            yield line_of(statement, "@id"), f"the name {own!r} is taken by {first.where}"
        for annotation, allowed in (("scope", SCOPES), ("mask", _MASKS)):
            value = said.get(annotation)
            if not permits and annotation in said:
                yield line_of(statement, f"@{annotation}"), f"a forbid has no @{annotation}: it always closes the field"
            elif permits and value is None:
                yield statement.line, f'a permit says @{annotation}("…"): one of {", ".join(allowed)}'
            elif permits and value == Visibility.PSEUDONYM and not _only_ids(statement.text):
                yield line_of(statement, "@mask"), 'PSEUDONYM is for ids named one by one, such as Field::"Person.id"'
            elif permits and value not in allowed:
                yield (
                    line_of(statement, f"@{annotation}"),
                    f"@{annotation} cannot be {value!r}; {nearest(str(value), allowed)}",
                )

    def _unknown(self, statement: Statement, given: object) -> Iterator[tuple[int, str]]:
        """Entities that the policy names and that are not there; Cedar's own check stops at their kind."""
        if isinstance(given, Mapping):
            if given.keys() == {"type", "id"}:
                kind, name = str(given["type"]), str(given["id"])
                known = self._known.get(kind)
                if kind == "Field":
                    self.named.add(name)
                if kind == "Viewer":
                    yield line_of(statement, "Viewer::"), "a policy names roles, never a single viewer"
                elif known is None:
                    yield line_of(statement, f"{kind}::"), f"there is no kind {kind!r}; {nearest(kind, self._known)}"
                elif name not in known:
                    yield (
                        line_of(statement, f'{kind}::"{name}"'),
                        f'there is no {kind}::"{name}"; {nearest(name, known)}',
                    )
                return
            for inner in given.values():
                yield from self._unknown(statement, inner)
        elif isinstance(given, list):
            for inner in given:
                yield from self._unknown(statement, inner)
