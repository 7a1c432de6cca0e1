"""The shape that the code keeps: layers, one clock, few catch-alls, no name of another distribution."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hub", "schema", "adapters", "graph_models")
CATCH_ALL = (
    "hub/ingest/supervisor",
    "hub/ingest/session",  # the supervisor over one opening of an adapter: a bug in discover must not cost the readings
    "hub/warning/engine",
    "hub/warning/decider",  # the engine over one entry: one that the rules stumble over must not silence the rest
    "hub/web/",
    "hub/control.py",
    "hub/cli/",
    "hub/journal/writer.py",  # a thread of its own: the error goes to whoever waits for the commit
    "hub/access/audit/writer.py",  # likewise
)


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_imports_keep_the_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([str(linter), "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_every_module_of_the_hub_stands_in_a_layer() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in layer.replace("|", ":").split(":")}
    inside = {p.stem if p.suffix else p.name for p in (ROOT / "hub").iterdir() if p.name != "__init__.py"}
    inside = {f"hub.{name}" for name in inside if not name.startswith("__")}
    assert inside - named == set(), "these modules of hub stand in no layer of pyproject.toml"


def test_no_other_distribution_owns_our_top_level_names() -> None:
    owners = packages_distributions()
    for package in (*PACKAGES, "migrations"):
        assert set(owners.get(package, ["causeway"])) == {"causeway"}, f"{package} is also in {owners[package]}"


def test_the_machine_clock_is_read_in_one_place() -> None:
    for path in modules():
        if path.name == "clock.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in {"utcnow", "now", "today"}:
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert owner not in {"datetime", "date"}, f"{path.relative_to(ROOT)}:{node.lineno} reads the clock"


def test_exceptions_are_caught_whole_in_few_places() -> None:
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(CATCH_ALL):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = node.type.id if isinstance(node.type, ast.Name) else None
                bare = node.type is None or caught in {"Exception", "BaseException"}
                assert not bare or any(isinstance(inner, ast.Raise) for inner in ast.walk(node)), (
                    f"{name}:{node.lineno} swallows every error"
                )


def test_modules_open_with_their_job_and_stay_readable() -> None:
    for path in modules():
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            continue
        name = path.relative_to(ROOT).as_posix()
        assert ast.get_docstring(ast.parse(text)), f"{name} does not say its job"
        assert text.count("\n") <= 450, f"{name} has grown past what one can hold in mind"


def test_no_test_folder_is_a_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
