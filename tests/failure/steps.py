"""Steps that the failure tests share: the session begins, all that was sent has arrived."""

import time
from collections.abc import Callable

from tests.failure.held import Held
from tests.failure.load import Publisher
from tests.failure.park import Park
from tests.failure.subscriber import Subscriber

STALLED_SECONDS = 30  # without any progress; a busy machine may take long over a backlog
Publishers = Callable[..., Publisher]


def hear_first_message(park: Park, publishers: Publishers) -> None:
    """From here on the broker keeps what the hub has not acknowledged."""
    probe = publishers(park.broker, sensors=0, name="probe")

    def heard() -> bool:
        probe.publish("timed-probe")
        time.sleep(0.2)
        return park.figure("causeway_appended_total", source="broker", kind="reading") > 0

    park.until(heard, "the first message to be stored")


def everything_arrived(park: Park, publishers: Publishers) -> None:
    """What a session sent before a message comes before it."""
    last = publishers(park.broker, sensors=0, name="last")
    last.publish("timed-last")
    last.taken()
    latest = '{ assets(filter: {search: "timed-last"}) { nodes { name sensor { latest { value } } } } }'

    def arrived() -> bool:
        nodes = park.query(latest)["assets"]["nodes"]
        return any(n["name"] == "timed-last" and n["sensor"]["latest"] for n in nodes)

    figures = park.progress()
    while True:
        try:
            park.until(arrived, "all that the broker held to be stored", STALLED_SECONDS)
            return
        except AssertionError as late:
            before, figures = figures, park.progress()
            if figures == before:
                raise AssertionError(f"nothing moves any more: {figures}") from late


def has_every_alert(subscriber: Subscriber, park: Park) -> bool:
    """The engine has read the whole log, and the subscriber the whole feed."""
    behind = park.part("warning")["behind"]
    return behind == 0 and subscriber.events == Held.by(park).alert_events(subscriber.begin)
