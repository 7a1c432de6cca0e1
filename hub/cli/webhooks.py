"""`causeway webhooks`: who is told of what happens, what they took, and what they did not."""

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
Name = Annotated[str, typer.Argument(help="The webhook's name in the park file.")]
app = typer.Typer(no_args_is_help=True, help="Webhooks: who is told of what happens, what they took and did not.")


@app.command("list")
def listed(config: Config = PARK, json: Json = False) -> None:
    """Each webhook: how far behind the log it is, its dead letters, and what it waits for."""
    report.lines(operate(park_file.load(config), "webhooks", {}), report.WEBHOOKS, json=json)


@app.command("log")
def logged(
    name: Annotated[str | None, typer.Argument(help="Of this webhook alone.")] = None,
    config: Config = PARK,
    dead: Annotated[bool, typer.Option("--dead", help="The dead letters: what was given up.")] = False,
    json: Json = False,
) -> None:
    """The latest attempts to deliver, the newest last."""
    settings = park_file.load(config)
    if dead:
        report.lines(operate(settings, "webhook-dead-letters", {"name": name}), report.UNDELIVERED, json=json)
        return
    report.lines(operate(settings, "webhook-log", {"name": name}), report.ATTEMPTS, json=json)


@app.command()
def retry(
    name: Name,
    number: Annotated[int | None, typer.Argument(help="One dead letter; all without it.")] = None,
    config: Config = PARK,
    json: Json = False,
) -> None:
    """Send what waits at once, and the dead letters once more, as its role may see them now."""
    arguments = {"name": name, "id": number}
    report.lines(operate(park_file.load(config), "webhook-retry", arguments), report.RETRIED, json=json)


@app.command()
def test(name: Name, config: Config = PARK, json: Json = False) -> None:
    """Send one signed message of the type webhook.test."""
    report.lines(operate(park_file.load(config), "webhook-test", {"name": name}), report.PLAIN, json=json)
