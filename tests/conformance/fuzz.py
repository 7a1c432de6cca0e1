"""schemathesis' fuzzing of the GraphQL schema against a real hub: whatever is asked, nothing breaks inside.

A field of Query or Mutation passes where no generated operation of it was answered by a status of 5xx, by an error with
the code INTERNAL, or not at all.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.attacks.park import attacked
from tests.conformance.check import Check, Missing

ROOT = Path(__file__).resolve().parents[2]
ST = ROOT / ".envs" / "conformance" / "bin" / "st"
HOOKS = Path(__file__).with_name("hooks")
SECONDS = 60
"""About as long as it goes on."""
EXAMPLES = 8
"""Of each field."""


def checks(folder: Path, *, seconds: int = SECONDS, examples: int = EXAMPLES) -> Iterator[Check]:
    if not ST.exists():
        raise Missing("it needs .envs/conformance: make .envs/conformance/stamp")
    report = folder / "fuzz.xml"
    with attacked(folder / "park", introspection=True) as park:
        command = [
            *(str(ST), "run", f"{park.url}/graphql", "-H", f"Authorization: Bearer {park.commander()}"),
            *("--phases", "fuzzing", "--mode", "all", "--checks", "nothing_breaks_inside", "--max-time", str(seconds)),
            *("--max-examples", str(examples), "--continue-on-failure", "--no-shrink", "--seed", "1"),
            *("--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "15"),
            *("--report", "junit", "--report-junit-path", str(report)),
        ]
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PYTHONPATH": str(HOOKS), "SCHEMATHESIS_HOOKS": "fuzzed", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=seconds + 240,
            check=False,
        )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("skipped") is not None:
            continue
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        yield Check(
            name=str(case.get("name")),
            wrong=None if wrong is None else " ".join(f"{wrong.get('message')} {wrong.text}".split())[:1500],
        )
