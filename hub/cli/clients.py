"""`causeway clients`: the applications that may ask the hub's own issuer for tokens."""

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
Id = Annotated[str, typer.Argument(help="The client's id.")]
Many = list[str] | None
app = typer.Typer(no_args_is_help=True, help="Applications that may ask the hub's own issuer for tokens.")


@app.command()
def add(
    id: Id,  # noqa: A002
    config: Config = PARK,
    name: Annotated[str | None, typer.Option(help="What people see when it asks for their consent.")] = None,
    redirect: Annotated[Many, typer.Option(help="An address that a login returns to; compared exactly.")] = None,
    scope: Annotated[Many, typer.Option(help="Such as purpose:operations; may be given more than once.")] = None,
    grant: Annotated[Many, typer.Option(help="code, refresh, credentials, device; else what fits.")] = None,
    native: Annotated[bool, typer.Option("--native", help="A program on people's own machines.")] = False,
    confidential: Annotated[bool, typer.Option("--confidential", help="A server that can keep a secret.")] = False,
    introspects: Annotated[bool, typer.Option("--introspects", help="May ask what any token is.")] = False,
    role: Annotated[Many, typer.Option(help="A role of its own tokens, by client credentials.")] = None,
    organization: Annotated[str | None, typer.Option(help="The id of its organization, likewise.")] = None,
    json: Json = False,
) -> None:
    """Register an application. A confidential one's secret is shown once."""
    arguments = {
        "id": id,
        "name": name,
        "redirect_uris": redirect or [],
        "scopes": scope or [],
        "grants": grant or [],
        "native": native,
        "confidential": confidential,
        "introspects": introspects,
        "roles": role or [],
        "organization": organization,
    }
    report.lines(operate(park_file.load(config), "add-client", arguments), report.PLAIN, json=json)


@app.command("list")
def listed(config: Config = PARK, json: Json = False) -> None:
    """The applications, with what each may ask for."""
    report.lines(operate(park_file.load(config), "clients", {}), report.CLIENTS, json=json)


@app.command()
def secret(id: Id, config: Config = PARK, json: Json = False) -> None:  # noqa: A002
    """Give a confidential client a new secret, shown once; the old one ends at once."""
    report.lines(operate(park_file.load(config), "renew-client-secret", {"id": id}), report.PLAIN, json=json)


@app.command()
def remove(id: Id, config: Config = PARK, json: Json = False) -> None:  # noqa: A002
    """Remove an application, and all that it was given."""
    report.lines(operate(park_file.load(config), "remove-client", {"id": id}), report.PLAIN, json=json)
