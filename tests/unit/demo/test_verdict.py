"""The verdict: no difference passes, and each is said so that a person can act on it."""

from dataclasses import replace

import pytest

from streams.demo.seen import Record
from streams.demo.story import EXPECTED, Course, Said
from streams.demo.verdict import differences, in_words
from streams.kafka.topics import LOOKUP
from tests.unit.demo.arrived import as_demanded, command, health, letter, seen

HEALED = EXPECTED.courses[0]
TICKET = EXPECTED.courses[-1]


def verdict(*more: Record, without: Record | None = None) -> list[str]:
    """Judge the demanded records, less one, plus others."""
    records = [record for record in as_demanded(EXPECTED) if record != without]
    return differences(EXPECTED, seen([*records, *more]))


def test_what_the_rules_demand_has_no_difference() -> None:
    """Exactly what is expected passes."""
    assert verdict() == []


def test_a_missing_command_is_named() -> None:
    """A command of which nothing came is missing, with what it should have said."""
    relink = next(course for course in EXPECTED.courses if course.topic == "remediation.relink")
    assert verdict(without=command(relink, 0)) == [
        "missing: remediation.relink of 7000000046: issue 949 delete_account, add_account"
    ]


def test_a_missing_last_message_is_one_difference() -> None:
    """A command that stops too early is told once, expected beside arrived."""
    (difference,) = verdict(without=command(TICKET, 1))
    assert difference == (
        "different: remediation.support-ticket of 170681: expected issue 906 submit_case, then update 906 submit_case; "
        "arrived issue 906 submit_case"
    )


def test_a_missing_first_message_is_a_gap() -> None:
    """A message whose predecessor never came is told, even though the last one says how things stand."""
    assert any(line.startswith("missing: the message before") for line in verdict(without=command(HEALED, 0)))


def test_a_doubled_message_is_named() -> None:
    """The same command id and sequence twice is a failure, although readers would skip it."""
    assert verdict(command(HEALED, 0)) == [
        "doubled: remediation.connect-fix of 7000000042, sequence 0 (issue 185 answer_challenge) came more than once"
    ]


def test_a_second_command_for_one_case_is_unexpected() -> None:
    """The same words under another command id are a second contact."""
    assert verdict(command(HEALED, 0, command_id="another")) == [
        "unexpected: remediation.connect-fix of 7000000042: issue 185 answer_challenge"
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(HEALED.said[1], action="complete"),
        replace(HEALED.said[1], code=187),
        replace(HEALED.said[1], steps=("connect_fix",)),
        replace(HEALED.said[1], withdraw_reason="superseded"),
    ],
    ids=["action", "code", "steps", "withdraw_reason"],
)
def test_a_wrong_field_is_a_difference(wrong: Said) -> None:
    """Action, reason, steps and the reason of a withdrawal are all compared."""
    (difference,) = verdict(command(HEALED, 1, said=wrong), without=command(HEALED, 1))
    assert difference.startswith("different: remediation.connect-fix of 7000000042: expected issue 185")
    assert difference.endswith(in_words(wrong))


def test_a_command_on_the_wrong_topic_is_missing_and_unexpected() -> None:
    """A topic is part of what is expected."""
    moved = Course(HEALED.subject, "remediation.relink", HEALED.said)
    records = [record for record in as_demanded(EXPECTED) if record.topic != HEALED.topic or b"42" not in record.key]
    found = differences(EXPECTED, seen([*records, command(moved, 0), command(moved, 1)]))
    assert [line.partition(":")[0] for line in found] == ["missing", "unexpected"]


def test_a_wrong_phase_is_a_difference() -> None:
    """An unknown code shown as healthy is a failure; the last health record of an account counts."""
    assert verdict(health("7000000047/5900000047", "healthy")) == [
        "different: account.health of 7000000047/5900000047: expected unknown; arrived healthy"
    ]


def test_dead_letters_are_counted() -> None:
    """One too many is unexpected, none is missing."""
    assert verdict(letter("bad_data")) == ["unexpected: a dead letter, bad_data"]
    assert verdict(without=letter("unreadable_body")) == ["missing: a dead letter, unreadable_body"]


def test_a_lookup_is_unexpected() -> None:
    """Nothing in the story asks the executor for anything."""
    assert verdict(Record(LOOKUP, 0, 0, b"7000000042", b"{}")) == ["unexpected: a lookup for customer 7000000042"]


def test_a_name_on_a_topic_is_a_leak() -> None:
    """A name, number or balance is found in key, value or header of any topic, and its place named."""
    reader = seen([])
    reader.secrets = (b"Rosalind",)
    reader.take(Record("account.health", 2, 7, b"1/2", b'{"phase": "healthy"}', [("ce_subject", b"Rosalind's")]))
    (found,) = [line for line in differences(EXPECTED, reader) if line.startswith("leaked")]
    assert found == "leaked: 'Rosalind' stands in account.health/2/7"
