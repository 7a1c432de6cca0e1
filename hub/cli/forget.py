"""`causeway forget`: erases a person's data, after a look at what that is."""

from pathlib import Path
from typing import Annotated

import typer

from hub import settings as park_file
from hub.cli import report
from hub.cli.operate import operate
from hub.errors import BadRequest


def forget(
    person: Annotated[str, typer.Argument(help="The park's code of the person, an id, or SOURCE/EXTERNAL-ID.")],
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file.", show_default=True)
    ] = Path("park.toml"),
    reason: Annotated[str, typer.Option(help="Who asked, or which rule; kept in clear: no names in it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is held and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    readmit: Annotated[
        bool, typer.Option("--readmit", help="Let sources tell of an erased person again; what was erased stays so.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")] = False,
) -> None:
    """Erase a person's data for good: log, graph, keys, dead letters. It cannot be undone."""
    settings = park_file.load(config)
    if not dry_run and not reason.strip():
        raise BadRequest("give --reason: who asked for it, or which rule; no names in it")
    if readmit:
        report.lines(operate(settings, "readmit", {"person": person, "reason": reason}), report.PLAIN, json=json)
        return
    if dry_run or not (yes or json):
        report.lines(operate(settings, "forget", {"person": person, "dry_run": True}), report.FOOTPRINT, json=json)
    if dry_run:
        return
    if not yes and (json or not typer.confirm("Erase all of this for good?")):
        raise BadRequest("nothing was erased: say --yes")
    report.lines(operate(settings, "forget", {"person": person, "reason": reason}), report.PLAIN, json=json)
