"""The register of processing (GDPR article 30, PIPL article 55): each personal field, why it is held, in which form and
for how long, and whom the policies in force show it to. Written from the declarations, so that it cannot drift."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_type_hints

from graph_models.annotations import Search
from graph_models.entities import ENTITIES, kept_of
from hub.access.policy.explaining import Question, decision, result
from hub.access.policy.load import Loaded

Language = Literal["zh", "en"]
_HEADINGS: Mapping[Language, tuple[str, ...]] = {
    "zh": ("字段", "目的", "保存形式", "来源停止提供后的保存天数", "可见角色（目的：方式）"),
    "en": ("Field", "Purposes", "Form", "Days kept after its sources no longer tell of it", "Shown to (purpose: how)"),
}
_TITLE: Mapping[Language, str] = {"zh": "个人信息处理登记册", "en": "Register of processing"}
_FORM: Mapping[Language, tuple[str, str]] = {
    "zh": ("加密；图中另存明文供检索", "加密"),
    "en": ("sealed; plain in the graph too, to be searched", "sealed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`shown` are roles with a purpose and how policies show it then, outside of incidents and drills."""

    field: str
    purposes: tuple[str, ...]
    searched: bool
    days: int
    shown: Sequence[tuple[str, str, str]]


def rows(loaded: Loaded) -> Iterator[Row]:
    """One for each personal field, in the order of the declarations."""
    for entity in ENTITIES:
        notes = {name: getattr(hint, "__metadata__", ()) for name, hint in _hints(entity).items()}
        for name, kept in kept_of(entity).items():
            field = f"{entity.__name__}.{name}"
            yield Row(
                field=field,
                purposes=kept.purposes,
                searched=any(isinstance(note, Search) for note in notes[name]),
                days=kept.days,
                shown=list(_shown(loaded, field)),
            )


def _hints(entity: type) -> Mapping[str, object]:
    return get_type_hints(entity, include_extras=True)


def _shown(loaded: Loaded, field: str) -> Iterator[tuple[str, str, str]]:
    for name, role in loaded.roles.roles.items():
        for purpose in role.purposes:
            _, found = decision(loaded, Question(role=name, field=field, purpose=purpose))
            if (how := result(found)) != "nothing":
                yield name, purpose, how


def markdown(loaded: Loaded, language: Language) -> str:
    lines = [f"# {_TITLE[language]}", "", _line(_HEADINGS[language]), "|---" * len(_HEADINGS[language]) + "|"]
    lines += [_line([cell.replace("|", "\\|") for cell in _cells(row, loaded, language)]) for row in rows(loaded)]
    return "\n".join(lines) + "\n"


def comma_separated(loaded: Loaded, language: Language) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADINGS[language])
    writer.writerows(_cells(row, loaded, language) for row in rows(loaded))
    return out.getvalue()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row, loaded: Loaded, language: Language) -> list[str]:
    roles, purposes = loaded.roles.roles, loaded.roles.purposes

    def word(name: str) -> str:
        known = purposes.get(name)
        return name if known is None else getattr(known, language)

    shown = [f"{getattr(roles[name], language)} ({word(purpose)}: {how})" for name, purpose, how in row.shown]
    why = "；" if language == "zh" else "; "
    form = _FORM[language][0 if row.searched else 1]
    return [row.field, why.join(map(word, row.purposes)), form, str(row.days), why.join(shown)]
