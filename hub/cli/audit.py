"""`causeway audit`: does the record of who saw what hold, and who saw whom."""

from pathlib import Path
from typing import Annotated

import typer

from hub import settings as park_file
from hub.cli import report
from hub.cli.operate import operate

PARK = Path("park.toml")
Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Person = Annotated[str, typer.Argument(help="The person's id, as a query shows it.")]
Since = Annotated[str | None, typer.Option(help="A time (2026-05-01T08:00+08:00), or how long ago (7d).")]
First = Annotated[int, typer.Option(help="At most so many rows, the newest.")]
app = typer.Typer(no_args_is_help=True, help="The record of who was shown what: does it hold, and who saw whom.")


@app.command()
def verify(
    config: Config = PARK,
    key: Annotated[
        list[str] | None,
        typer.Option(help="A public key that is trusted, or a PEM file of it; several after a change of keys."),
    ] = None,
    json: Json = False,
) -> None:
    """Walk every chain and name each row that was changed, deleted, reordered or cut off."""
    found = report.lines(operate(park_file.load(config), "audit-verify", {"keys": key or []}), report.BROKEN, json=json)
    if found.get("rows"):
        raise typer.Exit(1)


@app.command("list")
def listed(config: Config = PARK, since: Since = None, first: First = 100, json: Json = False) -> None:
    """The newest entries."""
    arguments = {"since": since, "first": first}
    report.lines(operate(park_file.load(config), "audit-list", arguments), report.ACCESSES, json=json)


@app.command("who-saw")
def who_saw(person: Person, config: Config = PARK, since: Since = None, json: Json = False) -> None:
    """Who was shown something personal of a person, and what."""
    arguments = {"person": person, "since": since}
    report.lines(operate(park_file.load(config), "audit-who-saw", arguments), report.ACCESSES, json=json)


@app.command("report")
def person_report(person: Person, config: Config = PARK, since: Since = None, json: Json = False) -> None:
    """A person's own report: who was shown what of them, for which purpose, how often, from when to when."""
    arguments = {"person": person, "since": since}
    report.lines(operate(park_file.load(config), "audit-report", arguments), report.SEERS, json=json)


@app.command()
def key(config: Config = PARK, json: Json = False) -> None:
    """The public key of the hub's checkpoints; keep it where the database's owner cannot change it."""
    report.lines(operate(park_file.load(config), "audit-key", {}), report.PLAIN, json=json)
