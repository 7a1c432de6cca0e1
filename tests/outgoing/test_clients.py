"""The example client for curl against a real hub: it is told live, and resumes by the id that it kept."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.federation.park import ask
from tests.outgoing.conftest import Outgoing

WATCH = Path(__file__).resolve().parents[2] / "examples" / "clients" / "watch.sh"


@contextmanager
def watching(outgoing: Outgoing, kept: Path) -> Iterator[Iterator[str]]:
    """The ids of the incidents that it tells of."""
    environment = {**os.environ, "URL": outgoing.park.url, "TOKEN": outgoing.park.token("command")}
    process = subprocess.Popen(
        [str(WATCH), str(kept)], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        yield (json.loads(line)["data"]["incidents"]["incident"]["id"] for line in process.stdout)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
        process.stdout.close()


def test_curl_resumes_right_after_what_it_was_told(outgoing: Outgoing, tmp_path: Path) -> None:
    kept = tmp_path / "last"
    before = outgoing.open("k0", "hall-a")["id"]
    head = ask(f"{outgoing.park.url}/graphql", outgoing.park.token("command"), "{ incidents(first: 1) { readAt } }")
    kept.write_text(head["data"]["incidents"]["readAt"], encoding="utf-8")
    first = outgoing.open("k1", "hall-a")["id"]
    with watching(outgoing, kept) as told:
        assert next(told) == first
    second = outgoing.open("k2", "hall-a")["id"]
    with watching(outgoing, kept) as told:
        assert next(told) == second
    assert before not in (first, second)
