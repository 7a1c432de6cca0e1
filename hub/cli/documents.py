"""`causeway documents`: whether the operations of a manifest can be run on this hub."""

from pathlib import Path
from typing import Annotated

import typer

from hub.cli import report

app = typer.Typer(no_args_is_help=True, help="Trusted documents: operations that are registered before they are asked.")
PARK = Path("park.toml")


@app.command("check")
def checked(
    manifest: Annotated[Path, typer.Argument(help="Apollo's persisted query manifest, or JSON of id → document.")],
    config: Annotated[
        Path,
        typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file; none there: the usual limits."),
    ] = PARK,
) -> None:
    """Validate each document against the schema and the limits; an exit code of 1 where one cannot be run."""
    from hub.facing import limits_of
    from hub.settings import load
    from hub.web import documents
    from hub.web.limits import Limits
    from hub.web.preparing import Preparing
    from schema.schema import schema

    limits = limits_of(load(config).web) if config.exists() else Limits()
    preparing = Preparing(schema._schema, limits, introspection=True)
    held = documents.read(manifest)
    wrong = {id_: problems for id_, text in held.items() if (problems := preparing.problems(text))}
    for id_, problems in wrong.items():
        for problem in problems:
            report.out.print(f"{id_}: {problem}", markup=False)
    report.out.print(f"{len(held) - len(wrong)} of {len(held)} documents can be run", markup=False)
    if wrong:
        raise typer.Exit(1)
