"""The story: whose codes change, what nobody may learn of them, and that its expectation leaves nobody out."""

from datetime import UTC, datetime

from schemas.catalogue import Catalogue
from streams.demo.expected import EXPECTED, FINBANK_ACCOUNTS, FINBANK_CUSTOMER
from streams.demo.morning import secrets_of
from streams.demo.stage.person import FINBANK, PASSWORD, USER
from streams.demo.story import BANK_NAMES, PEOPLE, POISON, STORY, Codes, Kill, Poison, Step
from streams.fold.intake import partition_of
from streams.kafka.topics import EMBEDDED
from streams.sandbox import Opening, Sandbox, SandboxSettings
from streams.testing.clock import VirtualClock


def test_the_ids_are_those_that_the_sandbox_gives() -> None:
    """It counts banks, customers and accounts in the order in which they are asked for."""
    sandbox = Sandbox(SandboxSettings(), VirtualClock(datetime(2026, 11, 1, tzinfo=UTC)))
    banks = [sandbox.add_institution(name).id for name in BANK_NAMES]
    for person in PEOPLE:
        customer = sandbox.add_customer()
        openings = [Opening("checking", "Checking", 1.0) for _ in person.accounts]
        login = sandbox.add_login(customer, person.bank, "demo", "go", openings)
        assert (customer, tuple(sandbox.accounts_of(login.id))) == (person.customer, person.accounts)
    customer = sandbox.add_customer()
    login = sandbox.add_login(customer, FINBANK, USER, PASSWORD)
    assert (customer, tuple(sandbox.accounts_of(login.id))) == (FINBANK_CUSTOMER, FINBANK_ACCOUNTS)
    assert {person.bank for person in PEOPLE} == set(banks)


def codes(steps: tuple[Step, ...]) -> list[Codes]:
    """Give the steps in which codes change."""
    return [step for step in steps if isinstance(step, Codes)]


def test_whose_codes_change_is_told_by_their_accounts() -> None:
    """Both accounts of a login are one person's."""
    (pair,) = [step for step in codes(STORY) if set(step.codes.values()) == {103, 945}]
    assert [person.accounts for person in pair.people] == [tuple(pair.codes)]


def test_what_nobody_may_learn_is_told_to_the_vendor() -> None:
    """What the reader looks for is every name, number and balance, and what stands in the torn body."""
    secrets = secrets_of(PEOPLE, STORY)
    for person in PEOPLE:
        for account in person.accounts:
            assert {person.name(account), person.number(account), f"{person.balance(account):.2f}"} <= secrets
    (poison,) = [step for step in STORY if isinstance(step, Poison)]
    assert all(secret.encode() in POISON and secret in secrets for secret in poison.secrets)


def test_a_balance_is_written_as_it_is_looked_for() -> None:
    """Two digits behind the point, in JSON as well: 1.5 would not be found as 1.50."""
    for person in PEOPLE:
        for account in person.accounts:
            assert str(person.balance(account)) == f"{person.balance(account):.2f}"


def test_the_unknown_code_is_in_no_catalogue() -> None:
    """777 stays unknown to the shipped catalogue."""
    assert 777 in {code for step in codes(STORY) for code in step.codes.values()}
    assert 777 not in {entry.code for entry in Catalogue.load().entries}


def test_the_kill_falls_between_messages_of_commands_in_every_partition() -> None:
    """Whichever partitions the killed agent owns, one of its commands goes on after it: at least by reminders."""
    kill = next(number for number, step in enumerate(STORY) if isinstance(step, Kill))
    before = {person.customer for step in codes(STORY[:kill]) for person in step.people}
    goes_on = {course.subject for course in EXPECTED.courses if len(course.said) > 1}
    assert {partition_of(customer, EMBEDDED.partitions) for customer in before & goes_on} == {0, 1, 2}


def test_every_account_has_an_expected_phase() -> None:
    """The expectation leaves no account out."""
    everybody = {f"{person.customer}/{account}" for person in PEOPLE for account in person.accounts}
    assert everybody | {f"{FINBANK_CUSTOMER}/{account}" for account in FINBANK_ACCOUNTS} == set(EXPECTED.phases)
