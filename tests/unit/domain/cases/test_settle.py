"""One open command for each case and kind, what it says, and how it ends (R2, R3, R4, R5)."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.commands import Action
from streams.domain import Outcome, Rules
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    CATALOGUE,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    START,
    UNINTEGRATED,
    Story,
    connected,
    deleted,
    looked,
    nightly,
)


def test_rules_applied() -> None:
    """The decision names the rules that opened and closed a command."""
    story = Story()
    assert story.hear(nightly(185, 0)).rules == ("R1", "R4", "R3")
    assert story.hear(nightly(0, 1)).rules == ("R1", "R5")


def test_same_code_again() -> None:
    """An open command is not issued again by further failing attempts."""
    story = Story()
    story.hear(*(nightly(185, night) for night in range(5)))
    assert story.lines == ["L1 connect-fix issue 185"]


def test_more_accounts() -> None:
    """More accounts of the login are kept with the command, but say nothing new."""
    story = Story()
    decision = story.hear(nightly(185, 0, "b"), nightly(185, 0, "a"))
    assert (decision.messages, decision.logins) == ((), (LOGIN,))
    assert story.episode().account_ids == ("a", "b")
    assert decision.changed


def test_update() -> None:
    """A cause of higher rank updates the command in place, without a second contact."""
    story = Story()
    story.hear(nightly(185, 0), nightly(103, 0, "a2"))
    assert story.lines == ["L1 connect-fix issue 185", "L1 connect-fix update 103"]
    issue, update = story.commands
    assert (update.command_id, update.sequence, update.not_after) == (issue.command_id, 1, None)
    assert (update.account_ids, list(update.steps)) == (("a1", "a2"), ["enter_credentials"])


def test_lower_rank() -> None:
    """A cause of lower rank changes nothing that is said; it is stated when the higher one is gone."""
    story = Story()
    story.hear(nightly(103, 0), nightly(185, 0, "a2"), nightly(0, 1))
    assert story.lines == ["L1 connect-fix issue 103", "L1 connect-fix update 185"]


def test_equal_rank() -> None:
    """At equal rank the code already stated stays; it gives way when no account stands at it."""
    story = Story()
    story.hear(nightly(948, 0), nightly(945, 0, "a2"))
    assert story.lines == ["L1 connect-fix issue 948"]
    story.hear(nightly(0, 1))
    assert story.lines[1:] == ["L1 connect-fix update 945"]


def test_equal_rank_at_opening() -> None:
    """At opening the smaller of two codes of equal rank is stated, and the episode opens at the earliest attempt."""
    story = Story()
    story.hear(nightly(948, 0), nightly(945, 1, "a2"))
    story.rules = UNINTEGRATED
    story.hear(nightly(948, 2))
    assert story.lines[1:] == ["L1 connect-fix withdraw superseded 948", "L1 relink issue 945"]
    assert story.episode("relink").opened_at == START


def test_login_unknown() -> None:
    """A needed command waits for its login and opens with it, from the first failing attempt on."""
    story = Story()
    story.hear(nightly(185, 0, login=None), nightly(185, 1, login=None))
    assert story.lines == ["None locate a1"]
    story.hear(looked(None, START + DAY + HOUR, None))
    assert story.lines[1:] == ["L1 connect-fix issue 185"]
    assert story.episode().opened_at == START


def test_login_known_too_late() -> None:
    """Code 0 before the login is known ends the wait."""
    story = Story()
    story.hear(nightly(185, 0, login=None), nightly(0, 1, login=None), nightly(0, 1))
    assert story.lines == ["None locate a1"]


def test_kinds_are_apart() -> None:
    """A login has one command for each kind that its accounts need; ordinals count over all of them."""
    story = Story()
    story.hear(nightly(185, 0), nightly(169, 1, "a2"), nightly(949, 2, "a3"))
    assert story.lines == ["L1 connect-fix issue 185", "L1 remove-duplicate issue 169", "L1 relink issue 949"]
    assert [one.episode.ordinal for one in story.commands] == [1, 2, 3]


def test_logins_are_apart() -> None:
    """Each login has its own case, of one customer and institution or not."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2", "L2"))
    assert story.lines == ["L1 connect-fix issue 185", "L2 connect-fix issue 185"]
    assert [one.episode.ordinal for one in story.commands] == [1, 1]


def test_next_episode() -> None:
    """An episode ends with the last account that needs the kind; the next has its own command."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), nightly(0, 1))
    assert story.lines == ["L1 connect-fix issue 185"]
    story.hear(nightly(0, 1, "a2"), nightly(185, 2))
    assert story.lines[1:] == ["L1 connect-fix withdraw healed 185", "L1 connect-fix issue 185"]
    issue, withdraw, again = story.commands
    assert (withdraw.command_id, withdraw.sequence, withdraw.account_ids) == (issue.command_id, 1, ("a2",))
    assert (again.episode.ordinal, again.episode.opened_at, again.sequence) == (2, START + 2 * DAY, 0)
    assert again.command_id != issue.command_id


def test_healed() -> None:
    """Code 0 without a strong fix withdraws: it healed elsewhere."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1))
    last = story.commands[-1]
    assert (last.action, last.withdraw_reason, last.not_after) == (Action.WITHDRAW, "healed", None)
    assert last.evidence.rules == ("R5",)


def test_complete() -> None:
    """Code 0 after a strong fix in the episode completes."""
    story = Story()
    story.hear(nightly(185, 0), connected("done", START + HOUR, institution_login_ids=(LOGIN,)), nightly(0, 1))
    assert story.lines == ["L1 connect-fix issue 185", "L1 verify a1", "L1 connect-fix complete 185"]
    assert story.commands[-1].withdraw_reason is None


@pytest.mark.parametrize("code", [102, 900, 777_777])
def test_nothing_said_of_the_login(code: int) -> None:
    """Codes that say nothing about the login close nothing and open nothing."""
    story = Story()
    story.hear(nightly(185, 0), nightly(code, 1))
    assert story.lines == ["L1 connect-fix issue 185"]
    story.hear(nightly(185, 2), nightly(0, 3))
    assert story.lines[1:] == ["L1 connect-fix withdraw healed 185"]


def test_another_kind() -> None:
    """A change of kind supersedes, even after a strong fix: first what closes, then what opens."""
    story = Story()
    story.hear(nightly(169, 0), connected("done", START + HOUR, institution_login_ids=(LOGIN,)), nightly(185, 1))
    story.wait(START + 2 * DAY)
    assert story.lines[2:] == ["L1 remove-duplicate withdraw superseded 169", "L1 connect-fix issue 185"]


def test_moved() -> None:
    """A move to another login supersedes the command there and opens one here."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 1, login="L0"))
    assert story.lines[1:] == ["L1 connect-fix withdraw superseded 185", "L0 connect-fix issue 185"]
    assert story.episode(login_id="L0").opened_at == START


def test_moved_by_a_duplicate() -> None:
    """A duplicate that names another login moves the account as it stands."""
    story = Story()
    story.hear(nightly(185, 0))
    assert story.hear(nightly(185, 0, login="L2")).outcome is Outcome.DUPLICATE
    story.wait(START + 2 * DAY)
    assert story.lines[1:] == ["L1 connect-fix withdraw superseded 185", "L2 connect-fix issue 185"]


@pytest.mark.parametrize(("is_fixed", "ending"), [(True, "complete 185"), (False, "withdraw superseded 185")])
def test_moved_healthy(is_fixed: bool, ending: str) -> None:  # noqa: FBT001 - a case of the table
    """A move with code 0 completes after a strong fix, and supersedes without one."""
    story = Story()
    story.hear(nightly(185, 0))
    if is_fixed:
        story.hear(connected("done", START + HOUR, institution_login_ids=(LOGIN,)))
    story.hear(nightly(0, 1, login="L2"))
    assert story.lines[-1] == f"L1 connect-fix {ending}"


def test_moved_failing_after_a_fix() -> None:
    """A move that arrives failing supersedes, whatever was fixed."""
    story = Story()
    story.hear(nightly(185, 0), connected("done", START + HOUR, institution_login_ids=(LOGIN,)))
    story.hear(nightly(185, 1, login="L2"))
    assert story.lines[2:] == ["L1 connect-fix withdraw superseded 185", "L2 connect-fix issue 185"]


def test_moved_to_an_open_case() -> None:
    """A move into a case that is open closes the one that it leaves before it updates the other."""
    story = Story()
    story.hear(nightly(185, 0, "a2", "L0"), nightly(103, 0), nightly(103, 0, login="L0"))
    assert story.lines[2:] == ["L1 connect-fix withdraw superseded 103", "L0 connect-fix update 103"]


def test_move_back() -> None:
    """An account that moves back finds the case's count, so that no command id comes twice."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 1, login="L2"), nightly(185, 2))
    assert [(one.institution_login_id, one.episode.ordinal) for one in story.commands if one.action == "issue"] == [
        ("L1", 1),
        ("L2", 1),
        ("L1", 2),
    ]
    assert len({one.command_id for one in story.commands}) == 3


def test_one_of_several_moves() -> None:
    """A case goes on while another account needs it."""
    story = Story()
    story.hear(nightly(185, 0), nightly(185, 0, "a2"), nightly(0, 1, login="L2"))
    assert story.lines == ["L1 connect-fix issue 185"]
    assert story.episode().account_ids == ("a2",)


def test_deleted() -> None:
    """A deletion of the last account withdraws a connect-fix, even after a strong fix."""
    story = Story()
    story.hear(nightly(185, 0), connected("done", START + HOUR, institution_login_ids=(LOGIN,)), deleted(START + DAY))
    assert story.lines[2:] == ["L1 connect-fix withdraw deleted 185"]


def test_policy_changes_the_steps() -> None:
    """A policy that comes to hold while a command is open updates its steps with the case's next event."""
    story = Story()
    story.hear(nightly(185, 0))
    story.rules = UNINTEGRATED
    story.hear(nightly(185, 1))
    assert story.lines[1:] == ["L1 connect-fix update 185"]
    assert list(story.commands[-1].steps) == ["reconnect_in_data_connect"]


def test_policy_changes_the_kind() -> None:
    """A policy under which a code needs another kind supersedes the open command."""
    story = Story()
    story.hear(nightly(945, 0))
    story.rules = UNINTEGRATED
    story.hear(nightly(945, 1))
    assert story.lines[1:] == ["L1 connect-fix withdraw superseded 945", "L1 relink issue 945"]


def test_moved_after_the_rules_changed() -> None:
    """An account whose code needs nothing any more leaves no command open behind it, wherever it goes."""
    story = Story()
    story.hear(looked(169))
    known = CATALOGUE.model_copy(update={"entries": tuple(one for one in CATALOGUE.entries if one.code != 169)})
    story.rules = Rules(RULES.policy, known)
    story.hear(looked(169, START + HOUR, login="L2"))
    assert story.lines == ["L1 remove-duplicate issue 169", "L1 remove-duplicate withdraw superseded 169"]
    assert not story.login().episodes


def test_order_of_kinds() -> None:
    """What opens with one event is numbered in the order of R8, whichever account asks for it."""
    story = Story()
    story.hear(nightly(931, 0, "a2"), nightly(185, 1, "a2"), *(nightly(0, night) for night in range(1, 5)))
    ends: dict[str, Any] = {"authorization_expires": True, "authorization_end_date": START + 9 * DAY}
    story.hear(looked(0, START + 5 * DAY, START + 5 * DAY, **ends))
    opened = [(episode.ordinal, kind) for kind, episode in story.login().episodes.items()]
    assert opened == [(2, "connect-fix"), (3, "consent-renewal")]


def test_closed_ids() -> None:
    """A case remembers its latest closed commands, a few of them."""
    story = Story()
    for night in range(40):
        story.hear(nightly(0 if night % 2 else 103, night))
    closed = [one.command_id for one in story.commands if one.action is Action.WITHDRAW]
    assert story.login().closed_ids == tuple(command_id[:8] for command_id in closed[-16:])
    assert (story.login().ordinal, story.login().episodes) == (20, {})


@pytest.mark.parametrize(("later", "bank"), [(MS, "4"), (0 * MS, "5")])
def test_institution_of_a_new_case(later: timedelta, bank: str) -> None:
    """A case begins at the institution of the account that was heard of last; of two at once at the greater id's."""
    story = Story()
    story.hear(looked(0, account="a2", bank="5"), looked(185, START + later, bank="4"))
    assert story.commands[0].institution_id == story.login().institution_id == bank


def test_institution_of_a_case_taken_over() -> None:
    """A case that begins with the last contact of another is at the institution of its account."""
    story = Story()
    story.hear(nightly(185, 0), nightly(0, 1, login="L2"))
    assert story.login("L2").institution_id == BANK


def test_no_institution() -> None:
    """A case whose accounts name no institution is at none."""
    story = Story()
    story.hear(looked(185, bank=None))
    assert story.commands[0].institution_id is None


def test_unchanged_zero_touches_no_case() -> None:
    """An unchanged 0 changes the account's record, and no other."""
    story = Story()
    story.hear(nightly(0, 0), nightly(0, 0, "a2"))
    decision = story.hear(nightly(0, 1))
    assert (decision.accounts, decision.logins, decision.messages) == ((ACCOUNT,), (), ())
    assert decision.event_time == START + DAY + 2 * MINUTE
