"""The verdict: no difference passes, and each is said so that a person can act on it."""

from dataclasses import replace

import pytest

from streams.demo.expected import EXPECTED, Course, Lookup, Said
from streams.demo.reading.seen import Record
from streams.demo.story import DOWN
from streams.demo.telling.verdict import course_in_words, differences, in_words
from tests.unit.demo.arrived import as_demanded, health, letter, lookup, seen
from tests.unit.demo.arrived import command as message_of

HEALED = EXPECTED.courses[0]
TICKET = next(course for course in EXPECTED.courses if course.subject == DOWN)


def command(course: Course, sequence: int, *, said: Said | None = None, command_id: str | None = None) -> Record:
    """Give a message of an expected command, under the id that it has there."""
    known = f"id-{EXPECTED.courses.index(course)}" if course in EXPECTED.courses else "id-new"
    return message_of(course, sequence, said=said, command_id=command_id or known)


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
    records = [record for record in as_demanded(EXPECTED) if record.topic != relink.topic]
    (difference,) = differences(EXPECTED, seen(records))
    assert difference == (
        "missing: remediation.relink of 7000000004: issue 949 delete_account, add_account, "
        "then 3 times remind 949 delete_account, add_account"
    )


def test_a_missing_last_message_is_one_difference() -> None:
    """A command that stops too early is told once, expected beside arrived."""
    (difference,) = verdict(without=command(TICKET, 1))
    assert difference == (
        "different: remediation.support-ticket of 190002: expected issue 906 submit_case, then update 906 submit_case; "
        "arrived issue 906 submit_case"
    )


def test_a_missing_first_message_is_a_gap() -> None:
    """A message whose predecessor never came is told, even though the last one says how things stand."""
    assert any(line.startswith("missing: the message before") for line in verdict(without=command(HEALED, 0)))


def test_a_doubled_message_is_named() -> None:
    """The same command id and sequence twice is a failure, although readers would skip it."""
    assert verdict(command(HEALED, 0)) == [
        "doubled: remediation.connect-fix of 7000000001, sequence 0 (issue 185 answer_challenge) came more than once"
    ]


def test_a_second_command_for_one_case_is_unexpected() -> None:
    """The same words under another command id are a second contact."""
    assert verdict(command(HEALED, 0, command_id="another")) == [
        "unexpected: remediation.connect-fix of 7000000001: issue 185 answer_challenge"
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
    assert difference.startswith("different: remediation.connect-fix of 7000000001: expected issue 185")
    assert difference.endswith(in_words(wrong))


def test_a_command_on_the_wrong_topic_is_missing_and_unexpected() -> None:
    """A topic is part of what is expected."""
    moved, place = Course(HEALED.subject, "remediation.relink", HEALED.said), (HEALED.topic, HEALED.subject.encode())
    records = [record for record in as_demanded(EXPECTED) if (record.topic, record.key) != place]
    found = differences(EXPECTED, seen([*records, command(moved, 0), command(moved, 1)]))
    assert [line.partition(":")[0] for line in found] == ["missing", "unexpected"]


def test_a_wrong_phase_is_a_difference() -> None:
    """An unknown code shown as healthy is a failure; the last health record of an account counts."""
    assert verdict(health("7000000006/5900000008", "healthy")) == [
        "different: account.health of 7000000006/5900000008: expected unknown; arrived healthy"
    ]


def test_dead_letters_are_counted() -> None:
    """One too many is unexpected, none is missing."""
    assert verdict(letter("bad_data")) == ["unexpected: a dead letter, bad_data"]
    assert verdict(without=letter("unreadable_body")) == ["missing: a dead letter, unreadable_body"]


def test_lookups_are_counted() -> None:
    """One too many, or of the wrong sort, is unexpected; none is missing."""
    again = lookup(Lookup("7000000042", "locate"))
    assert verdict(again) == ["unexpected: a lookup, locate for 7000000042"]
    assert verdict(without=lookup(EXPECTED.lookups[0])) == ["missing: a lookup, verify for 7000000019"]


def test_what_is_said_again_is_counted() -> None:
    """Three reminders are one line of the summary, and an update between others stays where it was."""
    first, second = Said("remind", 103, ("enter_credentials",)), Said("update", 945, ("reauthenticate_oauth",))
    assert course_in_words([first, first, second, first]) == (
        "2 times remind 103 enter_credentials, then update 945 reauthenticate_oauth, then remind 103 enter_credentials"
    )


def test_a_name_on_a_topic_is_a_leak() -> None:
    """A name, number or balance is found in key, value or header of any topic, and its place named."""
    reader = seen([])
    reader.secrets = (b"Rosalind",)
    reader.take(Record("account.health", 2, 7, b"1/2", b'{"phase": "healthy"}', [("ce_subject", b"Rosalind's")]))
    (found,) = [line for line in differences(EXPECTED, reader) if line.startswith("leaked")]
    assert found == "leaked: 'Rosalind' stands in account.health/2/7"
