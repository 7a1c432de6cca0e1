"""`causeway policy`: who may see what, why, and whether that is what was meant."""

from pathlib import Path
from typing import Annotated

import typer

from hub.access.policy import cases as table
from hub.access.policy.catalogue import declared
from hub.access.policy.explaining import Question, explain
from hub.access.policy.load import Loaded, load
from hub.cli import report
from hub.viewer import Action

PARK = Path("park.toml")
Config = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file; none there: the hub's own policies."),
]
Folder = Annotated[Path | None, typer.Option("--dir", help="A folder of policies, in place of the park file's.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
app = typer.Typer(
    no_args_is_help=True, help="Who may see what: list the rules, ask for one field, run a table of cases."
)


@app.command("list")
def listed(config: Config = PARK, folder: Folder = None, json: Json = False) -> None:
    """Every rule: what it does, where it stands, and why."""
    rules = sorted(loaded_from(folder_of(config, folder)).rules.values(), key=lambda rule: (str(rule.file), rule.line))
    rows = [
        {
            "id": rule.id,
            "effect": "permit" if rule.permits else "forbid",
            "mask": rule.mask.value if rule.permits else "",
            "scope": rule.scope,
            "where": rule.where,
            "zh": rule.zh,
            "en": rule.en,
        }
        for rule in rules
    ]
    report.lines([{"result": {"rows": rows}}], report.RULES, json=json)


@app.command("explain")
def explained(
    field: Annotated[str, typer.Argument(help="A type and its field, such as Person.phone.")],
    role: Annotated[str, typer.Option("--as", help="Who asks: a role.")],
    purpose: Annotated[str | None, typer.Option(help="What for; the role's own purpose where it is left out.")] = None,
    action: Annotated[Action, typer.Option(help="What is asked to be done.")] = Action.READ,
    when: Annotated[
        list[str] | None, typer.Option(help="What holds: incident, drill, on_duty, break_glass; may be repeated.")
    ] = None,
    config: Config = PARK,
    folder: Folder = None,
) -> None:
    """How one field is shown to a role, the rules that say so, and when it would be shown otherwise."""
    question = Question(role=role, purpose=purpose, action=action, field=field, flags=frozenset(when or ()))
    for line in explain(loaded_from(folder_of(config, folder)), question):
        report.out.print(line, markup=False)


@app.command("test")
def tested(
    file: Annotated[
        Path | None, typer.Argument(help="A table of cases; the park's own cases.csv, else the hub's.")
    ] = None,
    config: Config = PARK,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Run a table of cases; ends with 1 where the policies say otherwise than it."""
    place = folder_of(config, folder)
    loaded, chosen = loaded_from(place), file or table.cases_file(place)
    found = list(table.outcomes(loaded, table.cases(chosen), chosen))
    wrong = [
        {
            "line": outcome.case.line,
            "role": outcome.case.question.role,
            "field": outcome.case.question.field,
            "expected": outcome.case.expected,
            "found": outcome.found,
            "reason": outcome.case.reason,
        }
        for outcome in found
        if not outcome.holds
    ]
    passed = f"{len(found) - len(wrong)}/{len(found)}"
    report.lines([{"result": {"rows": wrong, "passed": passed}}], report.CASES, json=json)
    for name in loaded.uncovered:
        report.out.print(f"{name} is personal, and no policy names it", markup=False)
    if wrong or not found or loaded.uncovered:
        raise typer.Exit(1)


def folder_of(config: Path, folder: Path | None) -> Path | None:
    if folder is not None or not config.exists():
        return folder
    from hub import settings as park_file

    return park_file.load(config).policies


def loaded_from(folder: Path | None) -> Loaded:
    from hub.graph.selection import MASKABLE

    return load(folder, declared(MASKABLE))
