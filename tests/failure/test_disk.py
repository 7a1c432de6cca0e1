"""What the disk has: everything before its acknowledgement; and what happens when there is no room."""

import contextlib
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.failure.conftest import Parks
from tests.failure.held import Held, nothing_lost_nothing_double
from tests.failure.load import Publisher
from tests.failure.park import Park
from tests.failure.steps import Publishers, everything_arrived, hear_first_message
from tests.failure.trace import orders
from tests.servers.mosquitto import Mosquitto

MEGABYTE = 1 << 20


@pytest.mark.timeout(180)
def test_each_message_is_on_disk_before_the_broker_is_told_so(
    parks: Parks, broker: Mosquitto, publishers: Publishers, tmp_path: Path
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: `apt-get install strace`")
    park: Park = parks(broker=broker.port)
    hub = park.start()
    hear_first_message(park, publishers)
    trace = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,write,send,sendto,sendmsg,read,recv,recvfrom,recvmsg"
    watching = subprocess.Popen(
        [strace, "-f", "-yy", "-x", "-s", "4096", "-qq", "-e", calls, "-o", str(trace), "-p", str(hub.pid)],
        stderr=subprocess.PIPE,
    )
    try:
        time.sleep(1)
        if watching.poll() is not None:
            assert watching.stderr is not None
            pytest.skip(f"strace may not attach here: {watching.stderr.read().decode()[-200:]}")
        sender = publishers(broker.port, sensors=0, name="sender")
        for _ in range(40):
            sender.publish("timed-traced")
            time.sleep(0.03)
        sender.taken()
        park.until(lambda: len(Held.by(park).numbers("timed-traced")) == 40, "all to be stored", 60)
        time.sleep(0.5)
    finally:
        watching.terminate()
        watching.wait(10)
    order = orders(trace.read_text(errors="replace").splitlines(), broker.port)
    assert len(order) == 40, f"{len(order)} acknowledgements were seen in the trace"
    early = [one for one in order if not one.on_disk]
    assert not early, f"{len(early)} of {len(order)} were acknowledged before they were on disk: {early[:3]}"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None:
        pytest.skip("a small disk needs `mount`, and the right to use it")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk may not be mounted here ({done.stderr.strip()}): run the tests as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.timeout(180)
def test_a_full_disk_stops_acknowledging_and_goes_on_when_there_is_room(
    parks: Parks, broker: Mosquitto, publishers: Publishers, small_disk: Path
) -> None:
    park: Park = parks(broker=broker.port, graph="bolt://127.0.0.1:1")  # a graph would not fit on this disk
    park.state_name = str(small_disk / "var")
    ballast = small_disk / "ballast"
    park.launch()
    park.until(lambda: park.part("journal")["state"] == "OK", "the hub to answer")
    hear_first_message(park, publishers)
    load = publishers(broker.port).start()
    _fill(ballast)
    _full_and_free_again(park, load, lambda: ballast.unlink())
    load.stop()
    park.until(lambda: _all_stored(park, load), "all that was sent to be stored", 60)
    assert nothing_lost_nothing_double(Held.by(park), load.sent, crashes=0) == 0
    assert park.stop() == 0


@pytest.mark.timeout(180)
def test_a_file_that_may_not_grow_stops_acknowledging_and_goes_on_after(
    parks: Parks, broker: Mosquitto, publishers: Publishers
) -> None:
    park: Park = parks(broker=broker.port)
    hub = park.start()
    hear_first_message(park, publishers)
    load = publishers(broker.port).start()
    wal = park.state / "journal.db-wal"
    resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + 200_000, resource.RLIM_INFINITY))
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    _full_and_free_again(park, load, lambda: resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, unlimited))
    load.stop()
    everything_arrived(park, publishers)
    assert nothing_lost_nothing_double(Held.by(park), load.sent, crashes=0) == 0


def _fill(ballast: Path) -> None:
    """Takes all the room that there is."""
    with ballast.open("wb", buffering=0) as out:
        for size in (MEGABYTE, 4096):
            with contextlib.suppress(OSError):
                while out.write(b"x" * size) == size:
                    pass


def _full_and_free_again(park: Park, load: Publisher, free: Callable[[], object]) -> None:
    park.until(lambda: park.ready()[0] == 503, "/readyz to say that nothing can be stored", 60)
    report = park.ready()[1]
    assert report["state"] == "DOWN"
    assert "nothing was acknowledged" in report["parts"]["journal"]["text"], report
    told: str = park.until(lambda: _if_of_the_disk(park.source("broker")["text"]), "its health")
    assert "free space" in told or "look at disk" in told, told
    head = park.figure("causeway_journal_head")
    sent = load.total
    time.sleep(2)
    assert load.total > sent
    assert park.figure("causeway_journal_head") == head
    free()
    park.until(lambda: park.part("journal")["state"] == "OK", "the journal to be written again", 30)
    assert park.ready()[0] == 200


def _if_of_the_disk(text: str) -> str:
    return text if "disk" in text else ""


def _all_stored(park: Park, load: Publisher) -> bool:
    held = Held.by(park)
    return all(len(set(held.numbers(sensor))) >= last for sensor, last in load.sent.items())
