"""`causeway supplies`: names of stock without a code, and tenants' lists that wait for a person's word."""

from pathlib import Path
from typing import Annotated

import typer

from hub import settings as park_file
from hub.cli import report
from hub.cli.operate import operate
from hub.errors import BadRequest

PARK = Path("park.toml")
Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=COLUMN", help="Against what is proposed; FIELD= for none.")
]
app = typer.Typer(
    no_args_is_help=True, help="Stock: give names the code of the reserve standard, and confirm tenants' lists."
)


@app.command()
def unmapped(config: Config = PARK, json: Json = False) -> None:
    """The names of lots that have no code yet, those of most lots first, with the item that is most like each."""
    report.lines(operate(park_file.load(config), "unmapped", {}), report.UNMAPPED, json=json)


@app.command(name="map")
def map_(
    text: Annotated[str, typer.Argument(help="The name, as the lots have it.")],
    code: Annotated[str, typer.Argument(help="The item's code; - takes back what was said.")],
    config: Config = PARK,
    contains: Annotated[bool, typer.Option("--contains", help="Every name in which TEXT stands.")] = False,
    json: Json = False,
) -> None:
    """Say which item a name is: for all lots of all sources that have it, now and from now on."""
    arguments = {"text": text, "code": code, "contains": contains}
    report.lines(operate(park_file.load(config), "map-item", arguments), report.PLAIN, json=json)


@app.command()
def lists(
    source: Annotated[str, typer.Argument(help="A source of tenants' lists.")],
    config: Config = PARK,
    changes: Set = None,
    json: Json = False,
) -> None:
    """A source's lists: what each column is taken for, and what every row would become."""
    arguments: dict[str, object] = {"source": source, "set": _changes(changes)}
    report.lines(operate(park_file.load(config), "stock-lists", arguments), report.LISTS, json=json)


@app.command()
def confirm(
    source: Annotated[str, typer.Argument(help="A source of tenants' lists.")],
    file: Annotated[str, typer.Argument(help="The list, as `lists` names it.")],
    config: Config = PARK,
    changes: Set = None,
    json: Json = False,
) -> None:
    """Say that a list's columns are what `lists` proposes: every list with this header is read so from now on."""
    arguments: dict[str, object] = {"source": source, "file": file, "set": _changes(changes)}
    report.lines(operate(park_file.load(config), "confirm-list", arguments), report.PLAIN, json=json)


def _changes(given: list[str] | None) -> dict[str, str]:
    changes = {}
    for one in given or []:
        name, equals, column = one.partition("=")
        if not equals:
            raise BadRequest(f"--set {one}: write FIELD=COLUMN, such as --set quantity=库存")
        changes[name.strip()] = column.strip()
    return changes
