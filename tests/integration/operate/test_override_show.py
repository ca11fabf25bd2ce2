"""`txpush override show` on a real broker: what waits, what an agent has taken, and who is known at all."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner, Result

from schemas.cloudevents import to_headers, to_value
from schemas.events import AccountSnapshot, Event, EventType, Source
from schemas.times import rfc3339, to_epoch_ms
from streams.cli import txpush
from streams.clock import WallClock
from streams.kafka.embedded import EmbeddedKafka
from streams.kafka.topics import EVENTS
from tests.processes import CLI, Program, running, settings_for
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

SIGNED = ["--by", "ann", "--reason", "asked the customer"]
CUSTOMER, LOGIN, ACCOUNT, BANK = "7000000042", "7100000007", "5900000001", "102105"
OF_LOGIN = ["--customer", CUSTOMER, "--login", LOGIN]


@pytest.fixture(autouse=True)
def _settings(broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings_for(broker.bootstrap).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def agent(broker: EmbeddedKafka, tmp_path: Path) -> Iterator[None]:
    """An agent that has read what is in the log, of an account at 185 among others."""
    asyncio.run(failing(broker.bootstrap))
    settings = settings_for(broker.bootstrap, INSTANCE="agent-0")
    with running(Program((*CLI, "agent"), settings, tmp_path / "agent.log")):
        yield


async def failing(bootstrap: str) -> None:
    """Write a notification of an account that stands at 185."""
    at = WallClock().now()
    snapshot = AccountSnapshot(
        customer_id=CUSTOMER,
        account_id=ACCOUNT,
        institution_id=BANK,
        institution_login_id=LOGIN,
        aggregation_status_code=185,
        aggregation_attempt_date=at - timedelta(minutes=1),
    )
    event = Event("failing:0", EventType.ACCOUNT_MODIFIED, Source.BRIDGE, at, snapshot, None, CUSTOMER)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        value, key = to_value(event.data), CUSTOMER.encode()
        await producer.send_and_wait(EVENTS, value, key, None, to_epoch_ms(at), to_headers(event))


def typed(*words: str) -> Result:
    """Run a command line that ends with 0."""
    done = CliRunner().invoke(txpush, list(words))
    assert done.exit_code == 0, done.output
    return done


def shown(*words: str) -> list[dict[str, Any]]:
    """Give what is shown."""
    return [json.loads(line) for line in typed("override", "show", *words).stdout.splitlines()]


def brief(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Give what is in force, who decided it, and whether it waits."""
    return [(one["action"], one["institution_login_id"], one["who"], one["waits_at"] is not None) for one in found]


def test_an_override_is_shown_before_and_after_it_is_read(request: pytest.FixtureRequest) -> None:
    """What is written waits until an agent has read it; then it is told from the agent's books, with who and why."""
    assert typed("override", "show").stderr.startswith("no override is in force for every customer\n")
    stranger = typed("override", "mark-otp", *OF_LOGIN, "--yes", *SIGNED)
    assert stranger.stderr == f"nothing is known of customer {CUSTOMER} yet: see that the id is right\n"
    typed("override", "silence", "--all", "--until", "12h", "--yes", *SIGNED)
    wide, marked = sorted(shown("--customer", CUSTOMER), key=lambda one: one["action"], reverse=True)
    assert (wide["action"], wide["who"], wide["waits_at"]) == ("silence", "ann", 1)
    assert (marked["action"], marked["institution_login_id"], marked["waits_at"]) == ("mark_otp", LOGIN, 0)

    request.getfixturevalue("agent")
    wait_until(lambda: [one["waits_at"] for one in shown("--customer", CUSTOMER)], lambda waits: set(waits) == {None})
    wait_until(lambda: typed("override", "silence", *OF_LOGIN, "--yes", *SIGNED).stderr, lambda warned: warned == "")
    typed("override", "mark-otp", *OF_LOGIN, *SIGNED)
    taken = [("silence", None, "ann", False), ("silence", LOGIN, "ann", False), ("mark_otp", LOGIN, "ann", False)]
    wait_until(lambda: brief(shown("--customer", CUSTOMER)), lambda found: found == taken)
    assert brief(shown("--customer", CUSTOMER, "--account", ACCOUNT)) == taken
    (everybody,) = wait_until(shown, lambda found: [one["partitions"] for one in found] == [[0, 1, 2]])
    assert (everybody["partitions"], everybody["why"]) == ([0, 1, 2], "asked the customer")
    assert everybody["until"] > rfc3339(WallClock().now() + timedelta(hours=11))

    assert (
        "nothing is known of institution 999 yet"
        in typed("override", "silence", "--institution", "999", "--yes", *SIGNED).stderr
    )
    assert typed("override", "silence", "--institution", BANK, *SIGNED).stderr == ""
    assert (
        "nothing is known of login 1 of"
        in typed("override", "silence", "--customer", CUSTOMER, "--login", "1", "--yes", *SIGNED).stderr
    )
    assert "nothing is known of customer 9 yet: " in typed("forget", "9", "--yes", *SIGNED).stderr
    for scope in (["--all"], OF_LOGIN):
        typed("override", "silence", *scope, "--until", "now", "--yes", *SIGNED)
    typed("override", "unmark-otp", *OF_LOGIN, *SIGNED)
    left = [f"institution {BANK}"]
    wait_until(
        lambda: [f"institution {one['institution_id']}" for one in shown("--customer", CUSTOMER, "--login", LOGIN)],
        lambda found: found == left,
    )
