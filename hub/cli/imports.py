"""`causeway import`: a command for each kind of table, made from the list of kinds, and the vendor's register maps."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from hub import settings as park_file
from hub.cli import report
from hub.cli.operate import operate
from hub.errors import BadRequest
from hub.ingest.imports.kind import Kind
from hub.ingest.imports.kinds import KINDS, kind_named

PARK = Path("park.toml")
Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="CAUSEWAY_CONFIG", help="The park file.", show_default=True)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Language = Annotated[
    Literal["zh", "en"], typer.Option("--language", help="Of a template: its headers and its examples.")
]
app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=True,
    help="Bring in what a park already has; every import shows first what it would change.",
    epilog="Files are CSV (UTF-8, GB 18030) or Excel; places and routes also GeoJSON. "
    "An empty template: causeway import --template KIND.",
)


@app.callback()
def begin(
    template: Annotated[
        str | None, typer.Option("--template", metavar="KIND", help=f"Write KIND.csv ({', '.join(KINDS)}) and stop.")
    ] = None,
    language: Language = "en",
) -> None:
    if template is not None:
        kind = kind_named(template)
        _write_template(kind, Path(f"{kind.name}.csv"), language)


def _command(kind: Kind) -> Callable[..., None]:
    def run(
        file: Annotated[Path, typer.Argument(help="CSV or Excel; --template writes one.", dir_okay=False)],
        config: Config = PARK,
        yes: Annotated[bool, typer.Option("--yes", "-y", help="Store without asking.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and stop.")] = False,
        template: Annotated[
            bool, typer.Option("--template", help="Write an example to FILE (.csv or .xlsx) and stop.")
        ] = False,
        language: Language = "en",
        coordinates: Annotated[
            str, typer.Option(help="Of the file: WGS-84, GCJ-02 or BD-09; stored is WGS-84.")
        ] = "WGS-84",
        retire_missing: Annotated[
            bool, typer.Option("--retire-missing", help="What was entered before and is not in FILE is gone.")
        ] = False,
        confirm_retirement: Annotated[
            bool, typer.Option("--confirm-retirement", help="However much of it that is.")
        ] = False,
        json: Json = False,
    ) -> None:
        if template:
            _write_template(kind, file, language)
            return
        settings = park_file.load(config)
        arguments: dict[str, object] = {
            "kind": kind.name,
            "upload": _sent(settings, file),
            "file": file.name,
            "coordinates": coordinates,
            "retire_missing": retire_missing,
            "confirm_retirement": confirm_retirement,
        }
        _import(settings, arguments, yes=yes, dry_run=dry_run, json=json)

    run.__doc__ = f"{kind.title} ({kind.title_zh}): shows what is new, changed and rejected, then asks."
    return run


for _kind in KINDS.values():
    app.command(_kind.name)(_command(_kind))


def _import(
    settings: park_file.Settings, arguments: Mapping[str, object], *, yes: bool, dry_run: bool, json: bool
) -> None:
    shown = _look_and_store(settings, arguments, yes=yes, dry_run=dry_run, json=json)
    if shown.get("rejected") and (dry_run or not shown.get("changes")):
        raise typer.Exit(1)


def _look_and_store(
    settings: park_file.Settings, arguments: Mapping[str, object], *, yes: bool, dry_run: bool, json: bool
) -> Mapping[str, object]:
    """What the preview said. Ends the command where a person says no."""
    if yes and not dry_run:
        return report.lines(operate(settings, "import-table", arguments), report.PREVIEW, json=json)
    shown = report.lines(operate(settings, "preview-table", arguments), report.PREVIEW, json=json)
    if not dry_run and shown.get("changes"):
        if not typer.confirm("Store these?", default=False):
            raise typer.Exit(1)
        seen = {**arguments, "version": shown.get("version")}
        report.lines(operate(settings, "import-table", seen), report.PLAIN, json=json)
    return shown


@app.command("park")
def import_park(
    folder: Annotated[Path, typer.Argument(help="It holds a table a kind, such as people.csv.", file_okay=False)],
    config: Config = PARK,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Store without asking.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the first table that would change something, and stop.")
    ] = False,
    coordinates: Annotated[
        str, typer.Option(help="Of the files: WGS-84, GCJ-02 or BD-09; stored is WGS-84.")
    ] = "WGS-84",
    json: Json = False,
) -> None:
    """All tables of a folder, each called by its kind (places.geojson, people.csv, roster.xlsx), in their order."""
    found = [(kind, file) for kind in KINDS for file in _tables(folder, kind)]
    if not found:
        names = ", ".join(f"{kind}.csv" for kind in KINDS)
        raise BadRequest(f"{folder}: no table is called by a kind; name them {names}, or .xlsx, or .geojson")
    settings = park_file.load(config)
    rejected = 0
    for kind, file in found:
        if not json:
            report.out.print(f"{kind}: {file.name}", markup=False)
        arguments = {"kind": kind, "upload": _sent(settings, file), "file": file.name, "coordinates": coordinates}
        shown = _look_and_store(settings, arguments, yes=yes, dry_run=dry_run, json=json)
        rejected += int(str(shown.get("rejected") or 0))
        if dry_run and shown.get("changes"):
            break  # what comes after may name what this one would enter
    if rejected:
        raise typer.Exit(1)


def _tables(folder: Path, kind: str) -> list[Path]:
    """At most one: of two it would not be plain which holds. Raises BadRequest."""
    found = [
        folder / f"{kind}{suffix}" for suffix in (".geojson", ".csv", ".xlsx") if (folder / f"{kind}{suffix}").exists()
    ]
    if len(found) > 1:
        raise BadRequest(f"{folder}: both {found[0].name} and {found[1].name} are there; leave one")
    return found


def _write_template(kind: Kind, file: Path, language: Literal["zh", "en"]) -> None:
    from hub.ingest.imports import templates

    write = templates.as_workbook if file.suffix.lower() == ".xlsx" else templates.as_csv
    try:
        file.write_bytes(write(kind, language))
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from error
    report.out.print(f"{file}: an example; change it, then causeway import {kind.name} {file}", markup=False)


def _sent(settings: park_file.Settings, file: Path) -> str:
    """Whom the operator's commands run as may write the state folder, as the hub does."""
    from hub.parts import uploads_of

    try:
        return asyncio.run(uploads_of(settings).send(file)).id
    except OSError as error:
        raise BadRequest(f"{file}: {error.strerror}") from error


@app.command("modbus-map")
def import_modbus_map(
    file: Annotated[Path, typer.Argument(help="A register map as CSV (device, poll and ref rows).", exists=True)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, or a file a device into this folder.")
    ] = None,
) -> None:
    """Turn a vendor's register list into the map that a Modbus source takes; doubts go to standard error."""
    from adapters.iot import register_maps

    try:
        vendors = register_maps.read_vendor_maps(file.read_text(encoding="utf-8", errors="replace"))
    except ValueError as error:
        raise BadRequest(f"{file}: {error}") from error
    for vendor in vendors:
        for warning in vendor.warnings:
            print(f"{file.name}: {warning}", file=sys.stderr)
        text = f"# {vendor.device}, from {file.name}\n{register_maps.to_toml(vendor.map)}"
        if output is None:
            print(text)
            continue
        target = output / f"{vendor.device}.toml" if output.is_dir() else output
        target.write_text(text, encoding="utf-8")
        print(f"{target}: {len(vendor.map.registers)} registers; name it by map_files", file=sys.stderr)
