"""`causeway privacy`: what a privacy officer shows to whoever asks."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hub.access.personal import register as registered
from hub.cli.policy import Folder, folder_of, loaded_from

app = typer.Typer(no_args_is_help=True)


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


class Form(StrEnum):
    MARKDOWN = "md"
    CSV = "csv"


@app.callback()
def _group() -> None:
    """Personal data: the register of what is processed, why and for how long."""


@app.command()
def register(
    config: Annotated[
        Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file, for its own policies.")
    ] = Path("park.toml"),
    folder: Folder = None,
    lang: Annotated[Language, typer.Option(help="Of the words.")] = Language.ZH,
    form: Annotated[Form, typer.Option("--format", help="Markdown, or CSV for a spreadsheet.")] = Form.MARKDOWN,
) -> None:
    """Print the register of processing, from the declarations and the policies in force."""
    loaded = loaded_from(folder_of(config, folder))
    write = registered.markdown if form is Form.MARKDOWN else registered.comma_separated
    typer.echo(write(loaded, lang.value), nl=False)
