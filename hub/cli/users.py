"""`causeway users`: the people who may log in at the hub's own issuer."""

import sys
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
Name = Annotated[str, typer.Argument(help="The name that the person types.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="Such as duty_officer; may be given more than once.")]
Organization = Annotated[str | None, typer.Option(help="The id of the organization that the person is of.")]
Person = Annotated[
    str | None, typer.Option(help="The id of the person in the park: their shifts say when the account is on duty.")
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="A file whose first line is the password, - for the input; else it is asked for.")
]
app = typer.Typer(no_args_is_help=True, help="Accounts of the hub's own issuer: the people who may log in.")


@app.command()
def add(
    name: Name,
    config: Config = PARK,
    role: Roles = None,
    organization: Organization = None,
    person: Person = None,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Make an account. The password is asked for, or read from a file; never given on the command line."""
    settings = park_file.load(config)
    given = {"name": name, "roles": role or [], "organization": organization, "person": person}
    given["password"] = _password(password_file)
    report.lines(operate(settings, "add-user", given), report.PLAIN, json=json)


@app.command("list")
def listed(config: Config = PARK, json: Json = False) -> None:
    """The accounts, with roles and organization."""
    report.lines(operate(park_file.load(config), "users", {}), report.USERS, json=json)


@app.command()
def disable(name: Name, config: Config = PARK, json: Json = False) -> None:
    """Let nobody in by this account any more; its sessions and tokens end at once."""
    arguments = {"name": name, "enabled": False}
    report.lines(operate(park_file.load(config), "enable-user", arguments), report.PLAIN, json=json)


@app.command()
def enable(name: Name, config: Config = PARK, json: Json = False) -> None:
    """Let the person in again."""
    arguments = {"name": name, "enabled": True}
    report.lines(operate(park_file.load(config), "enable-user", arguments), report.PLAIN, json=json)


@app.command()
def password(name: Name, config: Config = PARK, password_file: PasswordFile = None, json: Json = False) -> None:
    """Set a new password; sessions and tokens that the old one opened end at once."""
    settings = park_file.load(config)
    arguments = {"name": name, "password": _password(password_file)}
    report.lines(operate(settings, "set-password", arguments), report.PLAIN, json=json)


@app.command()
def totp(
    name: Name,
    config: Config = PARK,
    off: Annotated[bool, typer.Option("--off", help="Log in without a code from now on.")] = False,
    json: Json = False,
) -> None:
    """Ask for a one-time code at login from now on; shows once what an authenticator takes."""
    arguments = {"name": name, "off": off}
    report.lines(operate(park_file.load(config), "set-totp", arguments), report.PLAIN, json=json)


@app.command()
def roles(
    name: Name,
    config: Config = PARK,
    role: Roles = None,
    organization: Annotated[str | None, typer.Option(help="Another organization's id; '' for none.")] = None,
    person: Annotated[str | None, typer.Option(help="Another person's id; '' for none.")] = None,
    json: Json = False,
) -> None:
    """Replace the account's roles. Tokens that say the old ones end at once; open pages get new ones by themselves."""
    arguments = {"name": name, "roles": role or [], "organization": organization, "person": person}
    report.lines(operate(park_file.load(config), "set-roles", arguments), report.PLAIN, json=json)


def _password(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{file}: the password cannot be read: {error}") from error
    return (text.splitlines() or [""])[0]
