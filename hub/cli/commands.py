"""What a person can type; each command is a few lines over `hub.operations`, `hub.app` and `hub.cli.report`.

A command imports what it alone needs: the whole hub takes over a second, which `--help` need not cost.
"""

import asyncio
import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from adapters import registry
from hub import settings as park_file
from hub.cli import (
    audit,
    break_glass,
    clients,
    documents,
    imports,
    matches,
    policy,
    privacy,
    report,
    supplies,
    users,
    webhooks,
)
from hub.cli.forget import forget
from hub.cli.operate import operate, refuse_while_running
from hub.errors import BadRequest
from hub.telemetry import configure_logs

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Joins a park's sensors, cameras, stock and warnings into one graph with one GraphQL API and live alerts.",
    epilog="Start with `causeway check`, then `causeway serve`. Every command takes --help.",
)
adapters_app = typer.Typer(
    no_args_is_help=True, help="What sources the hub can read, and whether an adapter keeps the contract."
)
dead_letters_app = typer.Typer(no_args_is_help=True, help="Payloads that could not be read: look, mend, replay.")
app.add_typer(adapters_app, name="adapters")
app.add_typer(dead_letters_app, name="dead-letters")
app.add_typer(imports.app, name="import")
app.add_typer(supplies.app, name="supplies")
app.add_typer(matches.app, name="matches")
app.add_typer(users.app, name="users")
app.add_typer(clients.app, name="clients")
app.add_typer(policy.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(documents.app, name="documents")
app.add_typer(webhooks.app, name="webhooks")
app.command()(forget)
app.add_typer(break_glass.app, name="break-glass")
app.add_typer(privacy.app, name="privacy")

Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
PARK = Path("park.toml")


@app.command()
def serve(
    config: Config = PARK, log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO"
) -> None:
    """Run the hub: read all sources, keep the journal, raise alerts, answer GraphQL. SIGTERM ends it cleanly."""
    from hub.app import serve as serve_hub

    configure_logs(log_level.upper())
    asyncio.run(serve_hub(park_file.load(config)))


@app.command()
def check(config: Config = PARK, json: Json = False) -> None:
    """Check the park file, then reach every source, the journal and the graph, and say what to mend."""
    from hub.cli import check as checks

    settings = park_file.load(config)
    findings = asyncio.run(checks.check(settings))
    report.findings(findings, json=json)
    if any(not f.ok for f in findings):
        raise typer.Exit(1)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the script; fail if anything did not hold.")] = False,
) -> None:
    """Run a whole small park on this machine: real protocol servers, a scripted emergency, live alerts."""
    script = Path(__file__).resolve().parents[2] / "examples" / "park" / "demo.py"
    if not script.exists():
        raise BadRequest("the demo's park is not here; run it from a clone of the repository (make demo)")
    sys.argv = [str(script), *(["--once"] if once else [])]
    runpy.run_path(str(script), run_name="__main__")


@app.command()
def sources(
    config: Config = PARK,
    confirm_retirement: Annotated[
        str | None, typer.Option(help="Let this source's next snapshot retire all that it no longer names.")
    ] = None,
    retry: Annotated[
        str | None, typer.Option(help="Ask this source again at once, which refused its credentials.")
    ] = None,
    json: Json = False,
) -> None:
    """Show each source's state, lag and last batch."""
    if retry:
        report.lines(operate(park_file.load(config), "retry-source", {"source": retry}), report.PLAIN, json=json)
        return
    if confirm_retirement:
        settings = park_file.load(config)
        report.lines(operate(settings, "confirm-retirement", {"source": confirm_retirement}), report.PLAIN, json=json)
        return
    report.lines(operate(park_file.load(config), "sources", {}), report.SOURCES, json=json)


@app.command()
def rebuild(config: Config = PARK, json: Json = False) -> None:
    """Write the graph anew from the journal, beside the present one, which is swept once the new one stands."""
    report.lines(operate(park_file.load(config), "rebuild", {}), report.PLAIN, json=json)


@app.command()
def replay(
    config: Config = PARK,
    check: Annotated[bool, typer.Option("--check", help="Compare; without it nothing is done.")] = False,
    json: Json = False,
) -> None:
    """Run the warning rules over the journal again and compare with the alerts that were recorded."""
    if not check:
        raise BadRequest("replay only compares: causeway replay --check")
    result = report.lines(operate(park_file.load(config), "replay", {}), report.REPLAY, json=json)
    if result.get("rows"):
        raise typer.Exit(1)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup; with --keys a new file.")],
    config: Config = PARK,
    keys: Annotated[bool, typer.Option("--keys", help="Copy the key store instead; keep it apart.")] = False,
    json: Json = False,
) -> None:
    """Copy journal, audit and accounts while the hub runs. Keys are never in it: copy them apart with --keys, and the
    park key too."""
    target = str(folder.resolve())
    settings = park_file.load(config)
    found = (
        operate(settings, "backup-keys", {"file": target}) if keys else operate(settings, "backup", {"folder": target})
    )
    report.lines(found, report.PLAIN, json=json)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.", exists=True, file_okay=False)],
    config: Config = PARK,
    force: Annotated[bool, typer.Option("--force", help="Set aside the journal that is there.")] = False,
    keys: Annotated[list[Path] | None, typer.Option(help="A copy of the key store, made by backup --keys.")] = None,
) -> None:
    """Put a backup in place of the journal, and its audit and accounts where these are missing. A new epoch begins:
    clients' cursors are refused and they start anew; everyone signs in again."""
    from hub.restoring import restored

    settings = park_file.load(config)
    refuse_while_running(settings, "restore")
    report.restored(restored(settings, folder, force=force, key_copies=keys or ()), settings.file)


@adapters_app.command("list")
def adapters_list(json: Json = False) -> None:
    """The adapters that are installed, with what each reads."""
    report.adapters(registry.describe(), json=json)


@adapters_app.command("test")
def adapters_test(name: Annotated[str, typer.Argument(help="An adapter's name.")]) -> None:
    """Run the contract's tests against an adapter and its counterpart (`causeway.adapters.counterparts`)."""
    from hub.ingest.contract import run_contract

    raise typer.Exit(run_contract(name))


@dead_letters_app.command("list")
def dead_letters_list(
    config: Config = PARK,
    source: Annotated[str | None, typer.Option(help="Of this source alone.")] = None,
    json: Json = False,
) -> None:
    """The payloads that could not be read, oldest first, with the reason."""
    arguments = {"source": source} if source else {}
    report.lines(operate(park_file.load(config), "dead-letters", arguments), report.DEAD_LETTERS, json=json)


@dead_letters_app.command("show")
def dead_letters_show(number: int, config: Config = PARK, json: Json = False) -> None:
    """One payload, as it came."""
    report.lines(operate(park_file.load(config), "dead-letter", {"id": number}), report.PLAIN, json=json)


@dead_letters_app.command("replay")
def dead_letters_replay(
    numbers: Annotated[list[int] | None, typer.Argument(help="Which; all of the source where none is named.")] = None,
    config: Config = PARK,
    source: Annotated[str | None, typer.Option(help="Of this source alone.")] = None,
    json: Json = False,
) -> None:
    """Read them again with the present adapter and settings; those that can now be read are stored."""
    arguments = {"ids": numbers or [], "source": source}
    report.lines(operate(park_file.load(config), "replay-dead-letters", arguments), report.STILL_UNREADABLE, json=json)
