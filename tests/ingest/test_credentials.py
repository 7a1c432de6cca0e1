"""A source that refuses its credentials is not asked again and again: devices lock such accounts."""

import asyncio
from datetime import timedelta
from pathlib import Path

from adapters.contract import CredentialsRefused, HealthState
from adapters.nvr.isapi import ADAPTER
from adapters.nvr.isapi_config import IsapiConfig
from hub.clock import now
from hub.ingest.intake import Intake
from hub.ingest.source import SourceSpec
from hub.ingest.supervisor import Pace, Supervisor
from tests.adapters.isapi_peer import PASSWORD, Recorder
from tests.ingest.scripted import QUANTITIES, Script, Scripted, journal, running, spec_of, until


class Closed(Scripted):
    """Refuses while its script has no word for it."""

    def _alive(self) -> None:
        self.script.handed_out += 1
        if self.script.gone:
            raise CredentialsRefused("script:1 refuses the user 'hub': mend user or password")


def state(supervisor: Supervisor) -> HealthState:
    return supervisor.statuses()[0].state


def test_it_is_asked_again_when_an_operator_says_so(tmp_path: Path) -> None:
    async def play() -> None:
        script = Script(gone=True)
        async with journal(tmp_path) as log, running(log, spec_of(script, made=Closed)) as supervisor:
            await until(lambda: state(supervisor) is HealthState.UNAVAILABLE, "refused")
            assert "mend user or password. It is asked again after 30 min" in supervisor.statuses()[0].text
            await asyncio.sleep(0.5)  # five times the longest wait after other failures
            assert script.handed_out == 1
            supervisor.retry("scripted")
            await until(lambda: script.handed_out == 2, "asked again")
            await asyncio.sleep(0.3)
            assert script.handed_out == 2, "and refused again, with as long a wait"
            script.gone = False
            supervisor.retry("scripted")
            script.say("a 20")
            await until(lambda: state(supervisor) is HealthState.OK, "OK")

    asyncio.run(play())


def test_a_recorder_is_asked_again_when_its_password_changes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.start()
    password = tmp_path / "password"
    password.write_text("guessed", encoding="utf-8")
    config = IsapiConfig.model_validate({**recorder.config(), "password": {"file": str(password)}})
    spec = SourceSpec(id="recorder", definition=ADAPTER, config=config, expect_within=timedelta(minutes=1))

    async def play() -> None:
        async with journal(tmp_path) as log:
            pace = Pace(first=0.02, most=0.1, drain=2.0, look=0.05)
            supervisor = Supervisor([spec], Intake(log, QUANTITIES), log, now, pace=pace)
            running = asyncio.create_task(supervisor.run())
            try:
                await until(lambda: state(supervisor) is HealthState.UNAVAILABLE, "refused")
                await asyncio.sleep(0.5)
                assert supervisor.statuses()[0].counts.failures == 1
                password.write_text(PASSWORD, encoding="utf-8")
                await until(lambda: supervisor.statuses()[0].counts.claims > 0, "read")
            finally:
                await supervisor.stop()
                await running

    try:
        asyncio.run(play())
    finally:
        recorder.stop()
