"""Executors that are killed, refused, or alone: what the next one, the customer and the operator see of it."""

import asyncio
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from schemas.commands import LookupAction
from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.executing import Log, Running, executor, new_command, wait_for
from tests.integration.vendor import Stand, standing
from tests.integration.whole.parts import free_port

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A broker with the topics of the contract."""
    with EmbeddedKafka() as kafka:
        asyncio.run(topics.apply(kafka.bootstrap, topics.EMBEDDED))
        yield kafka.bootstrap


@pytest.fixture
def vendor() -> Iterator[Stand]:
    with standing() as stand:
        yield stand


@pytest.fixture
def log(broker: str) -> Log:
    return Log(broker)


def test_killed_before_the_redirect(broker: str, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """An executor killed while the session is made leaves nothing behind: the next click works, at the next one."""
    command = new_command()
    log.command(command)
    with executor(broker, vendor, tmp_path / "log") as running:
        wait_for(running.is_ready)
        vendor.holds = True
        with pytest.raises(httpx.HTTPError):
            running.press(command, 2.0)
        wait_for(lambda: vendor.bodies)
    vendor.holds = False
    with executor(broker, vendor, tmp_path / "log") as running:
        wait_for(running.is_ready)
        assert running.press(command).status_code == 303
    assert len(vendor.bodies) == 2


def test_killed_before_the_answer(broker: str, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """A look-up in hand when its executor was killed is answered by the next one."""
    vendor.holds = True
    log.look_up(LookupAction.VERIFY)
    with executor(broker, vendor, tmp_path / "log"):
        wait_for(lambda: vendor.count(f"customers/{log.customer}"))
    assert log.observed() == []
    vendor.holds = False
    with executor(broker, vendor, tmp_path / "log"):
        assert wait_for(log.observed)


def test_a_refused_secret(broker: str, vendor: Stand, log: Log, tmp_path: Path) -> None:
    """The process stays up and is not ready, says why, asks once, and shows customers a page."""
    vendor.accepts = False
    command = new_command()
    log.command(command)
    log.look_up(LookupAction.VERIFY)
    with executor(broker, vendor, tmp_path / "log", f"wrong-{uuid.uuid4()}") as running:
        said = wait_for(lambda: running.admin_page("readyz").text, lambda text: "refused" in text)
        assert "wrong-" not in said
        assert running.press(command).status_code == 503
        assert running.process.poll() is None
    assert vendor.count("partners/authentication") == 1
    assert "wrong-" not in (tmp_path / "log").read_text()
    with executor(broker, vendor, tmp_path / "log") as running:
        vendor.accepts = True
        assert wait_for(log.observed)


def test_without_a_broker(vendor: Stand, tmp_path: Path) -> None:
    """It listens all the same: the button is shown, pressing it says to try again, and readiness says why."""
    with executor(f"127.0.0.1:{free_port()}", vendor, tmp_path / "log") as running:
        command = new_command()
        assert wait_for(lambda: _status(running, command)) == 200
        assert running.press(command).status_code == 503
        assert "cannot be read" in running.admin_page("readyz").text
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(15) in (0, 70)


def _status(running: Running, command: str) -> int:
    try:
        return httpx.get(running.link(command)).status_code
    except httpx.HTTPError:
        return 0
