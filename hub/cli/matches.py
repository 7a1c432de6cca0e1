"""`causeway matches`: what may be one thing, and an operator's word on it."""

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
Match = Annotated[str, typer.Argument(help="The match's id; list shows it.")]
Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]
app = typer.Typer(no_args_is_help=True, help="What may be one thing: look, then say that it is, or that it is not.")


@app.command("list")
def listed(config: Config = PARK, json: Json = False) -> None:
    """What waits for a word, the oldest first."""
    report.lines(operate(park_file.load(config), "matches", {}), report.MATCHES, json=json)


@app.command()
def accept(
    match: Match,
    config: Config = PARK,
    reason: Reason = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Also if it joins more records than are joined without being asked.")
    ] = False,
    json: Json = False,
) -> None:
    """Both sides are one thing; each source's word is kept, so that they can be parted again."""
    arguments = {"id": match, "accept": True, "reason": reason, "wide": wide}
    report.lines(operate(park_file.load(config), "decide-match", arguments), report.PLAIN, json=json)


@app.command()
def refuse(match: Match, config: Config = PARK, reason: Reason = None, json: Json = False) -> None:
    """The two sides stay two, and are not proposed again."""
    arguments = {"id": match, "accept": False, "reason": reason}
    report.lines(operate(park_file.load(config), "decide-match", arguments), report.PLAIN, json=json)
