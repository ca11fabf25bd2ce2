"""What a reader knows of the inbound log and of commands, and what the board makes of it."""

from streams.demo.expected import Course, Said
from streams.demo.reading.seen import Heard, Message, Record
from streams.demo.scene import keys_in
from streams.demo.telling.board import Board
from streams.kafka.topics import HEALTH
from tests.unit.demo.arrived import audit, command, event, seen, told

ACCOUNT = {"customerId": "7", "accountId": "5", "aggregationStatusCode": 185}
FIX = Course("7", "remediation.connect-fix", (Said("issue", 185, ("answer_challenge",)), Said("complete", 185, ())))
TICKET = Course("190002", "remediation.support-ticket", (Said("issue", 906, ("submit_case",)),))


def test_an_event_is_heard_once() -> None:
    """A redelivery has another place and is the same event; what is about nobody is none."""
    reader = seen(
        [
            told("a:0", "txpush.account.modified", ACCOUNT, 0),
            told("a:0", "txpush.account.modified", ACCOUNT, 1),
            told("b:0", "connect.done", {"customerId": "7"}, 2),
            event("tick", 3),
        ]
    )
    first, second = reader.heard
    assert first == Heard("a:0", "txpush.account.modified", "7", "5", 185)
    assert (first.is_connect, second.is_connect, second.code) == (False, True, None)
    assert reader.places["a:0"] == [(0, 0), (0, 1)]


def test_a_forgotten_customer_has_no_health() -> None:
    """The tombstones that forgetting leaves are read as what they are."""
    reader = seen([Record(HEALTH, 0, 0, b"7/5", b'{"phase": "healthy"}', []), Record(HEALTH, 0, 1, b"7/5", b"", [])])
    assert reader.phases == {}


def test_commands_of_a_customer_are_counted_by_their_issue() -> None:
    """The first one is 0; one that has not come yet has no message."""
    reader = seen([command(FIX, 0, command_id="x"), command(FIX, 1, command_id="x"), command(FIX, 0, command_id="y")])
    assert [message.said.action for message in reader.command("7", 0)] == ["issue", "complete"]
    assert [message.command_id for message in reader.command("7", 1)] == ["y"]
    assert reader.command("7", 2) == []
    last = reader.last_of("7")
    assert last is not None
    assert last.command_id == "y"
    assert reader.last_of("8") is None


def test_a_link_is_read_and_not_shown() -> None:
    """Whoever prints a message does not print the customer's link."""
    (message,) = seen([command(FIX, 0, fix_url="https://fix.example.com/fix/canary")]).messages
    assert message.fix_url == "https://fix.example.com/fix/canary"
    assert "canary" not in repr(message)


def test_what_no_notification_brings_about_has_a_row_of_its_own() -> None:
    """A ticket, and a message that a timer sent; each once, with the time that it carries."""
    reader = seen([command(TICKET, 0), audit(5)])
    (message,) = reader.messages
    reader.messages.append(
        Message("remediation.connect-fix", "7", "x", 1, Said("remind", 103, ("enter_credentials",)), (), message.at)
    )
    board = Board()
    rows = [(row.event, row.decision) for row in board.rows(reader)]
    assert rows == [
        ("02 Nov 03:00: signals of bank 190002", "support-ticket issue 906 submit_case"),
        ("02 Nov 03:00: no news of 7", "connect-fix remind 103 enter_credentials"),
    ]
    assert len(board.rows(reader)) == 2


def test_a_message_with_a_cause_has_none() -> None:
    """It stands in the row of its notification."""
    assert Board().rows(seen([command(FIX, 0)])) == []


def test_the_bridges_keys_are_read_from_its_metrics() -> None:
    """By name; a bridge that has not counted yet knows none."""
    line = "txpush_bridge_signing_key_accounts"
    assert keys_in(f"# HELP {line} Accounts.\n# TYPE {line} gauge\n{line} 23.0\n") == 23
    assert keys_in("") == 0
