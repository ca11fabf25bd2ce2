"""Executors that are killed, refused, or alone: what the next one, the customer and the operator see of it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from schemas.commands import LookupAction
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.executor.executing import Executor, Log, executor, new_command, wait_for
from tests.integration.executor.vendor import Stand, standing
from tests.processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.kafka]


@pytest.fixture
def vendor() -> Iterator[Stand]:
    with standing() as stand:
        yield stand


@pytest.fixture
def log(broker: EmbeddedKafka) -> Log:
    return Log(broker.bootstrap)


def test_killed_before_the_redirect(broker: EmbeddedKafka, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """An executor killed while the session is made leaves nothing behind: the next click works, at the next one."""
    command = new_command()
    log.command(command)
    with executor(broker.bootstrap, vendor, tmp_path / "log") as running:
        running.until_ready()
        vendor.holds = True
        with pytest.raises(httpx.HTTPError):
            running.press(command, 2.0)
        wait_for(lambda: vendor.bodies)
    vendor.holds = False
    with executor(broker.bootstrap, vendor, tmp_path / "log") as running:
        running.until_ready()
        assert running.press(command).status_code == 303
    assert len(vendor.bodies) == 2


def test_killed_before_the_answer(broker: EmbeddedKafka, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """A look-up in hand when its executor was killed is answered by the next one."""
    vendor.holds = True
    log.look_up(LookupAction.VERIFY)
    with executor(broker.bootstrap, vendor, tmp_path / "log"):
        wait_for(lambda: vendor.count(f"customers/{log.customer}"))
    assert log.observed() == []
    vendor.holds = False
    with executor(broker.bootstrap, vendor, tmp_path / "log"):
        assert wait_for(log.observed)


def test_a_refused_secret(broker: EmbeddedKafka, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """The process stays up and is not ready, says why, asks once, and shows customers a page."""
    vendor.accepts = False
    command = new_command()
    log.command(command)
    log.look_up(LookupAction.VERIFY)
    with executor(broker.bootstrap, vendor, tmp_path / "log", PARTNER_SECRETS=f"wrong-{uuid.uuid4()}") as running:
        said = wait_for(lambda: running.page("readyz"), lambda text: "refused" in text)
        assert "wrong-" not in said
        assert running.press(command).status_code == 503
        assert running.alive
    assert vendor.count("partners/authentication") == 1
    assert "wrong-" not in (tmp_path / "log").read_text()
    with executor(broker.bootstrap, vendor, tmp_path / "log") as running:
        vendor.accepts = True
        assert wait_for(log.observed)


def test_without_a_broker(vendor: Stand, tmp_path: Path) -> None:
    """It listens all the same: the button is shown, pressing it says to try again, and readiness says why."""
    with executor(f"127.0.0.1:{free_port()}", vendor, tmp_path / "log") as running:
        command = new_command()
        assert wait_for(lambda: _status(running, command)) == 200
        assert running.press(command).status_code == 503
        assert "cannot be read" in running.page("readyz")
        assert running.stop() in (0, 70)


def _status(running: Executor, command: str) -> int:
    try:
        return httpx.get(running.link(command)).status_code
    except httpx.HTTPError:
        return 0


def test_a_namesake_ends_the_older_one(broker: EmbeddedKafka, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """Of two under one TXPUSH_INSTANCE the older ends with 70 and says why in its last line; the younger goes on."""
    with executor(broker.bootstrap, vendor, tmp_path / "older") as older:
        older.until_ready()
        with executor(broker.bootstrap, vendor, tmp_path / "younger") as younger:
            assert older.ended(30.0) == 70
            line = older.said().splitlines()[-1]
            assert "another worker of txpush-executor has joined under the same TXPUSH_INSTANCE 'executor-0'; " in line
            assert line.endswith("exiting with 70, to be started again")
            younger.until_ready()
            log.look_up(LookupAction.VERIFY)
            assert wait_for(log.observed)
