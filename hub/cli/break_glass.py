"""`causeway break-glass`: the sealed form, for when nobody can log in."""

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
app = typer.Typer(
    no_args_is_help=True, help="Personal data for some minutes when nobody can log in: codes in sealed envelopes."
)


@app.command()
def codes(
    config: Config = PARK, count: Annotated[int, typer.Option(help="How many, up to 100.")] = 10, json: Json = False
) -> None:
    """Make new codes, shown this once: print them, seal each, lock them away. All earlier ones are void."""
    report.lines(operate(park_file.load(config), "break-glass-codes", {"count": count}), report.CODES, json=json)


@app.command("open")
def opened(
    reason: Annotated[str, typer.Option(help="Why personal data is needed now, in a sentence.")],
    case: Annotated[str, typer.Option(help="The number in the park's own books.")],
    minutes: Annotated[int, typer.Option(help="How long.")] = 15,
    config: Config = PARK,
    json: Json = False,
) -> None:
    """Use the code of one envelope: asks for it, and prints a token that is good for so many minutes."""
    code = typer.prompt("Code", hide_input=True, err=True)
    arguments = {"code": code, "reason": reason, "case": case, "minutes": minutes}
    report.lines(operate(park_file.load(config), "break-glass-open", arguments), report.PLAIN, json=json)
