"""Which overrides are in force, out of the agent's tables and its log."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.events import Override, OverrideAction
from schemas.state import (
    AccountState,
    Consent,
    CustomerState,
    EpisodeState,
    LoginState,
    OtpMark,
    Silence,
    Surroundings,
)
from streams.operate.overrides.holding import Holding, holdings, is_told, only
from streams.operate.overrides.snapshot import Decided, Snapshot
from tests.component.operate.double import NOW

HOUR = timedelta(hours=1)
LATER, PAST = NOW + HOUR, NOW - HOUR
ACCOUNTS = {
    "5": AccountState(heard_at=PAST, institution_id="102105", login_id="71"),
    "6": AccountState(heard_at=PAST, institution_id="102106", login_id="72"),
}


def decided(offset: int = 9, at: datetime = PAST, partition: int = 1, **said: Any) -> Decided:  # noqa: ANN401 - an override's
    """Give an override as it lies in the log."""
    named = {"who": "ann", "why": "asked", **said, "action": OverrideAction(said["action"])}
    return Decided(partition, offset, at, Override(**named))


def snapshot(*log: Decided, silences: dict[str, Silence] | None = None, whole: bool = True, **kept: Any) -> Snapshot:  # noqa: ANN401 - what it keeps
    """Give what is known of customer 7."""
    customer = CustomerState(event_time=NOW, account_ids=("5", "6"), silences=silences or {})
    return Snapshot([1], customer, **{"accounts": dict(ACCOUNTS), **kept}, decided=list(log), is_whole=whole)


def told(given: Snapshot) -> list[tuple[str, str, str | None]]:
    """Give what is in force as action, whom it is about, and who decided it."""
    return [(one.action.value, str(one.scope), one.who) for one in holdings(given, "7", NOW)]


def test_nothing() -> None:
    """Where nobody decided anything nothing is in force, and nothing is left to look for."""
    assert told(snapshot()) == []
    assert is_told(snapshot(), "7", NOW)


def test_silences_of_a_customer() -> None:
    """Each is told by its scope, with its end and who decided it last; what has ended is left out."""
    silences = {"": Silence(), "logins/71": Silence(LATER), "accounts/5": Silence(PAST)}
    latest = decided(11, action="silence", customer_id="7", who="bob")
    found = snapshot(latest, decided(action="silence", customer_id="7"), silences=silences)
    assert holdings(found, "7", NOW) == [
        Holding(
            action=OverrideAction.SILENCE, customer_id="7", decided_at=PAST, who="bob", why="asked", partitions=(1,)
        ),
        Holding(
            action=OverrideAction.SILENCE, customer_id="7", institution_login_id="71", until=LATER, partitions=(1,)
        ),
    ]
    assert not is_told(found, "7", NOW)


def test_silences_of_many() -> None:
    """Without a customer all are told, with the partitions that have each; where one has ended it is not."""
    around = {
        0: Surroundings(silences={"/": Silence(LATER), "102105": Silence()}),
        1: Surroundings(silences={"/": Silence(PAST), "102105": Silence()}),
    }
    found = holdings(Snapshot(range(2), around=around), None, NOW)
    assert [(str(one.scope), one.until, one.partitions) for one in found] == [
        ("every customer", LATER, (0,)),
        ("every customer of institution 102105", None, (0, 1)),
    ]


def test_of_a_customer_those_of_other_institutions_are_left_out() -> None:
    """A silence of a bank holds for the customer who has an account there."""
    around = {1: Surroundings(silences={bank: Silence() for bank in ("/", "102105", "999")})}
    found = snapshot(around=around)
    assert [scope for _, scope, _ in told(found)] == ["every customer", "every customer of institution 102105"]


MARKED: dict[str, Any] = {"logins": {"71": LoginState(otp=OtpMark(marked_at=PAST))}}


@pytest.mark.parametrize("named", [{"institution_login_id": "71"}, {"account_id": "5"}])
def test_a_mark_by_an_operator(named: dict[str, Any]) -> None:
    """A login that an operator marked, by its own name or an account's, is told with who did."""
    log = decided(action="mark_otp", customer_id="7", **named)
    assert told(snapshot(log, **MARKED)) == [("mark_otp", "login 71 of customer 7", "ann")]


def test_a_mark_by_the_rules_is_no_override() -> None:
    """R7 marks too: without an operator's record, or after one that unmarked it, nobody decided over the rules."""
    assert told(snapshot(**MARKED)) == []
    other = decided(action="mark_otp", customer_id="7", institution_login_id="72")
    assert told(snapshot(other, **MARKED)) == []
    marked = decided(8, action="mark_otp", customer_id="7", institution_login_id="71")
    unmarked = decided(9, action="unmark_otp", customer_id="7", institution_login_id="71")
    assert told(snapshot(unmarked, marked, **MARKED)) == []
    assert told(snapshot(marked, unmarked, **MARKED)) == [("mark_otp", "login 71 of customer 7", "ann")]


def test_a_mark_of_whom_nobody_knows() -> None:
    """Where the log could not be read back so far, it may be an operator's: it is told, without a name."""
    assert told(snapshot(**MARKED, whole=False)) == [("mark_otp", "login 71 of customer 7", None)]


def closings() -> Iterator[Any]:
    """Give the states that closing a case leaves behind."""
    yield {"accounts": {"5": AccountState(heard_at=PAST, login_id="71", closed=True)}}, "account 5 of customer 7"
    closed = AccountState(heard_at=PAST, login_id="71", consent=Consent.CLOSED)
    yield {"accounts": {"5": closed}}, "account 5 of customer 7"
    mark = OtpMark(marked_at=PAST, closed=True)
    yield {"logins": {"71": LoginState(otp=mark)}}, "login 71 of customer 7"


@pytest.mark.parametrize(("state", "scope"), list(closings()))
def test_a_closed_case(state: dict[str, Any], scope: str) -> None:
    """What needs nothing because an operator said so is told until a new attempt, whichever id was named."""
    accounts: dict[str, Any] = {"accounts": dict(ACCOUNTS), **state}
    for log in (
        decided(action="close_case", customer_id="7", institution_login_id="71"),
        decided(action="close_case", customer_id="7", account_id="5"),
    ):
        assert ("close_case", scope, "ann") in told(snapshot(log, **accounts))


@pytest.mark.parametrize("scope", [{"all": True}, {"customer_id": "7"}, {"customer_id": "7", "account_id": "5"}])
def test_a_release_that_still_waits(scope: dict[str, Any]) -> None:
    """A case that is let out at its turn is told until it went out."""
    waits = EpisodeState(
        opened_at=PAST,
        ordinal=1,
        command_id="c",
        sequence=-1,
        reason_code=185,
        steps=(),
        account_ids=("5",),
        waiting_since=PAST,
        is_baseline=True,
        release_at=LATER,
    )
    found = snapshot(
        decided(action="release_baseline", **scope), logins={"71": LoginState(episodes={"connect-fix": waits})}
    )
    assert told(found) == [("release_baseline", "login 71 of customer 7", "ann")]


def test_what_waits_to_be_read_is_told_with_its_place() -> None:
    """A decision that the agent has not come to is listed once, with the partitions that have it."""
    both = [decided(4 + number, partition=number, action="silence", all=True) for number in range(2)]
    (found,) = holdings(Snapshot(range(2), waiting=both), None, NOW)
    assert (found.waits_at, found.partitions, found.who) == (4, (0, 1), "ann")


def test_only_what_bears_on_an_account() -> None:
    """Its own, its login's, the customer's and everybody's are left; those of the customer's others are not."""
    silences = {key: Silence() for key in ("", "logins/71", "logins/72", "accounts/5", "accounts/6")}
    found = snapshot(silences=silences)
    found.waiting = [decided(action="close_case", customer_id="7", account_id=account_id) for account_id in ("5", "6")]
    assert [scope for _, scope, _ in told(only(found, None, "5"))] == [
        "customer 7",
        "account 5 of customer 7",
        "login 71 of customer 7",
        "account 5 of customer 7",
    ]
    assert [scope for _, scope, _ in told(only(found, "72", None))] == [
        "customer 7",
        "account 6 of customer 7",
        "login 72 of customer 7",
        "account 6 of customer 7",
    ]
    assert only(found, None, None) is found
