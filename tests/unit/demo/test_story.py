"""The story: bodies as the vendor's, reduced by the bridge's own code to events that name nobody."""

from datetime import UTC, datetime

from schemas.catalogue import Catalogue
from schemas.cloudevents import to_structured
from schemas.events import AccountSnapshot, ConnectEvent
from schemas.notifications import Receipt, read_body, reduce_connect, reduce_txpush
from streams.demo.bodies import Snapshot, done, modified
from streams.demo.play import secrets_of
from streams.demo.story import EXPECTED, STORY, Kill, Post, one
from streams.fold.intake import partition_of
from streams.kafka.topics import EMBEDDED

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RECEIPT = Receipt("0" * 64, NOW)
SECONDS = int(NOW.timestamp())


def snapshots(steps: tuple[object, ...] = STORY) -> list[Snapshot]:
    """Give all accounts that are posted."""
    return [account for step in steps if isinstance(step, Post) for body in step.bodies for account in body]


def test_a_body_becomes_one_event_an_account() -> None:
    """Each posted account is read as what it says: ids, code and attempt."""
    (event,) = reduce_txpush(read_body(modified([one("7000000042", 185)], SECONDS)), RECEIPT).events
    assert isinstance(event.data, AccountSnapshot)
    assert (event.data.customer_id, event.data.account_id) == ("7000000042", "5900000042")
    assert (event.data.institution_login_id, event.data.aggregation_status_code) == ("7100000042", 185)
    assert event.data.aggregation_attempt_date == datetime(2026, 11, 23, 11, tzinfo=UTC)


def test_every_secret_is_posted_and_none_is_kept() -> None:
    """What the reader looks for stands in the bodies, and in no event made of them."""
    for account in snapshots():
        body = modified([account], SECONDS)
        (event,) = reduce_txpush(read_body(body), RECEIPT).events
        assert all(secret.encode() in body for secret in account.secrets)
        assert not any(secret in str(to_structured(event)) for secret in account.secrets)
        assert secrets_of(STORY) >= set(account.secrets)


def test_the_end_of_a_fix_names_its_command() -> None:
    """`done` carries the command id through the vendor and back."""
    (event,) = reduce_connect(read_body(done("7000000043", "5b0c", SECONDS * 1000)), RECEIPT).events
    assert isinstance(event.data, ConnectEvent)
    assert event.data.webhook_data is not None
    assert event.data.webhook_data.command_id == "5b0c"


def test_a_repair_is_a_later_attempt() -> None:
    """The same account at code 0 was attempted after its failure, else it would be stale."""
    codes = {account.code: account.attempted_ago for account in snapshots() if account.customer == "7000000042"}
    assert codes[0] < codes[185]


def test_the_unknown_code_is_in_no_catalogue() -> None:
    """777 stays unknown to the shipped catalogue."""
    assert 777 not in {entry.code for entry in Catalogue.load().entries}


def test_the_kill_falls_between_messages_of_commands_in_every_partition() -> None:
    """Whichever partitions the killed agent owns, one of its commands goes on after it."""
    kill = next(number for number, step in enumerate(STORY) if isinstance(step, Kill))
    before, after = ({account.customer for account in snapshots(part)} for part in (STORY[:kill], STORY[kill:]))
    continued = before & after
    assert {partition_of(customer, EMBEDDED.partitions) for customer in continued} == {0, 1, 2}


def test_every_posted_account_has_an_expected_phase() -> None:
    """The expectation leaves no account out."""
    assert {f"{account.customer}/{account.account}" for account in snapshots()} == set(EXPECTED.phases)
