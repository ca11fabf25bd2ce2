"""The executor as a process: links over HTTP, look-ups over Kafka, and a stand-in for the vendor."""

import json
from collections.abc import Iterator

import httpx
import pytest

from schemas.commands import LookupAction
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.executor.executing import CANARIES, TOKEN, Executor, Log, executor, new_command, wait_for
from tests.integration.executor.vendor import LINK, Stand, standing

pytestmark = pytest.mark.kafka


@pytest.fixture
def log(broker: EmbeddedKafka) -> Log:
    return Log(broker.bootstrap)


@pytest.fixture(scope="module")
def shared(broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Executor, Stand]]:
    """An executor for the tests that do it no harm; at its end it stops in good order and has said nothing secret."""
    path = tmp_path_factory.mktemp("executor") / "log"
    with standing() as stand, executor(broker.bootstrap, stand, path) as running:
        running.until_ready()
        yield running, stand
        metrics = running.page("metrics")
        assert running.stop() == 0
        asked, ended = (line.partition(" INFO ")[2] for line in path.read_text().splitlines()[-2:])
        assert asked.startswith("streams.exits SIGTERM: stopping within ")
        assert ended == "streams.exits ended in order"
        said = path.read_text() + metrics
        assert [canary for canary in CANARIES if canary in said] == []
        assert "/fix/" not in said


def test_a_click_leads_to_the_vendor(shared: tuple[Executor, Stand], log: Log) -> None:
    """The button is shown without asking anybody; pressed, it leads to a session that was made for the command."""
    (running, stand), command = shared, new_command()
    log.command(command)
    before = len(stand.bodies)
    page = httpx.get(running.link(command), headers={"accept-language": "es"})
    assert (page.status_code, page.headers["content-language"], len(stand.bodies)) == (200, "es", before)
    answer = running.press(command)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(LINK)
    body = stand.bodies[-1]
    assert (body["customerId"], body["institutionLoginId"]) == (log.customer, "7100000007")
    assert body["webhook"] == f"https://hooks.example.com/{TOKEN}/connect"
    assert body["webhookData"] == {"command_id": command}
    assert body["redirectUri"].startswith("https://fix.example.com/fix/")
    assert body["redirectUri"].endswith("/done")
    assert running.press(command).headers["location"] == answer.headers["location"]
    assert len(stand.bodies) == before + 1


def test_an_end_is_seen_by_the_next_click(shared: tuple[Executor, Stand], log: Log) -> None:
    """What is committed before the click counts, however short before."""
    (running, _), command = shared, new_command()
    log.command(command)
    assert running.press(command).status_code == 303
    log.command(command, 1, "complete")
    assert running.press(command).status_code == 410
    assert "Your connection works" in httpx.get(running.link(command)).text


def test_a_command_that_was_not_committed(shared: tuple[Executor, Stand], log: Log) -> None:
    """An aborted transaction has never happened: no link of its leads on, and none of its ends counts."""
    (running, _), aborted, open_one = shared, new_command(), new_command()
    log.command(aborted, commit=False)
    log.command(open_one)
    log.command(open_one, 1, "complete", commit=False)
    assert running.press(aborted).status_code == 404
    assert running.press(open_one).status_code == 303


@pytest.mark.parametrize("action", LookupAction)
def test_a_look_up_is_answered(shared: tuple[Executor, Stand], log: Log, action: LookupAction) -> None:
    """With what decisions need of the account, and nothing else."""
    log.look_up(action)
    (observed,) = wait_for(log.observed)
    assert observed["accountId"] == "5900000001"
    assert observed["institutionLoginId"] == "7100000007"
    assert "canary" not in json.dumps(observed)
    assert shared[0].is_ready()


@pytest.mark.slow
def test_a_busy_vendor_is_asked_again(shared: tuple[Executor, Stand], log: Log) -> None:
    """The look-up waits and is answered in the end."""
    shared[1].busy = 5
    log.look_up(LookupAction.LOCATE)
    assert wait_for(log.observed)
