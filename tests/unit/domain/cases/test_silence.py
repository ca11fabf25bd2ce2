"""An operator's silence holds contact: of all, of an institution, of a customer, of a login, of accounts (R16)."""

from typing import Any

import pytest

from streams.domain import next_due
from tests.unit.domain.build import (
    ACCOUNT,
    BANK,
    DAY,
    HOUR,
    LOGIN,
    MINUTE,
    MS,
    RULES,
    SHIPPED,
    START,
    Story,
    deleted,
    looked,
    nightly,
    silenced,
)

ISSUED = "L1 connect-fix issue 185"
OWN_SCOPES: list[dict[str, Any]] = [{}, {"institution_login_id": LOGIN}, {"account_id": ACCOUNT}]
WIDE_SCOPES: list[dict[str, Any]] = [{"all": True}, {"institution_id": BANK}]
SCOPES = [(scope, False) for scope in OWN_SCOPES] + [(scope, True) for scope in WIDE_SCOPES]


def silence(story: Story, at: Any, until: Any, scope: dict[str, Any], *, wide: bool) -> None:  # noqa: ANN401 - times
    """Have the customer, or the partition, silenced."""
    if wide:
        story.surround(silenced(at, until, customer=None, **scope))
    else:
        story.hear(silenced(at, until, **scope))


@pytest.mark.parametrize(("scope", "wide"), SCOPES)
def test_held(scope: dict[str, Any], wide: bool) -> None:  # noqa: FBT001 - a case of the table
    """A silence holds an issue for as long as it lasts; then it goes out, on the hour."""
    story = Story()
    story.hear(nightly(0, 0))
    silence(story, START + HOUR, START + 3 * DAY, scope, wide=wide)
    story.hear(nightly(185, 1))
    assert next_due(story.known, RULES, story.around) == START + 3 * DAY
    story.wait(START + 3 * DAY - MS)
    assert story.told == []
    story.wait(START + 3 * DAY)
    assert story.dated == [(START + 3 * DAY, ISSUED)]


@pytest.mark.parametrize(("scope", "wide"), SCOPES)
def test_until_another(scope: dict[str, Any], wide: bool) -> None:  # noqa: FBT001 - a case of the table
    """A silence without an end lasts until another override ends it."""
    story = Story()
    story.hear(nightly(0, 0))
    silence(story, START + HOUR, None, scope, wide=wide)
    story.hear(nightly(185, 1))
    story.wait(START + 300 * DAY)
    assert story.told == []
    at = START + 301 * DAY
    silence(story, at, at, scope, wide=wide)
    assert story.dated == [(at, ISSUED)]


@pytest.mark.parametrize(("scope", "wide"), SCOPES)
def test_reminders_are_held(scope: dict[str, Any], wide: bool) -> None:  # noqa: FBT001 - a case of the table
    """A silence holds reminders of what went out before it, and no update or end."""
    story = Story(SHIPPED)
    story.hear(nightly(185, 0))
    silence(story, START + HOUR, None, scope, wide=wide)
    story.wait(START + 10 * DAY)
    story.hear(nightly(103, 11), nightly(0, 12))
    assert story.lines[1:] == ["L1 connect-fix update 103", "L1 connect-fix withdraw healed 103"]


@pytest.mark.parametrize(
    ("scope", "wide"),
    [
        ({"institution_login_id": "L2"}, False),
        ({"account_id": "a2"}, False),
        ({"institution_id": "5"}, True),
    ],
)
def test_others_are_not_held(scope: dict[str, Any], wide: bool) -> None:  # noqa: FBT001 - a case of the table
    """A silence holds only what it names."""
    story = Story()
    story.hear(nightly(0, 0))
    silence(story, START + HOUR, None, scope, wide=wide)
    story.hear(nightly(185, 1))
    assert story.lines == [ISSUED]


def test_some_accounts() -> None:
    """A command goes out while one of the accounts that need it is not silenced."""
    story = Story()
    story.hear(nightly(0, 0), nightly(0, 0, "a2"), silenced(START + HOUR, account_id=ACCOUNT), nightly(185, 1))
    assert story.told == []
    story.hear(nightly(185, 1, "a2"))
    assert story.lines == [ISSUED]


def test_every_account() -> None:
    """With every account that needs it silenced a command waits, until the first of those silences ends."""
    story = Story()
    story.hear(silenced(START, START + 5 * DAY, account_id="a1"), silenced(START, START + 4 * DAY, account_id="a2"))
    story.hear(nightly(185, 1), nightly(185, 1, "a2"))
    story.wait(START + 10 * DAY)
    assert story.dated == [(START + 4 * DAY, ISSUED)]


def test_several_silences() -> None:
    """Of several silences the last one to end frees what they hold."""
    story = Story()
    story.hear(nightly(0, 0), silenced(START + HOUR, START + 3 * DAY))
    story.surround(silenced(START + HOUR, START + 4 * DAY, customer=None, all=True))
    story.hear(nightly(185, 1))
    story.wait(START + 10 * DAY)
    assert story.dated == [(START + 4 * DAY, ISSUED)]


def test_replaced() -> None:
    """Another silence of the same scope takes the place of the one before, be it longer or shorter."""
    for until in (START + 2 * DAY, START + 9 * DAY):
        story = Story()
        story.hear(nightly(0, 0), silenced(START + HOUR, START + 5 * DAY), nightly(185, 1))
        story.hear(silenced(START + DAY + HOUR, until))
        story.wait(START + 10 * DAY)
        assert story.dated == [(until, ISSUED)]


def test_ended_before_anything_waited() -> None:
    """A silence that is over holds nothing."""
    story = Story()
    story.hear(nightly(0, 0), silenced(START + HOUR, START + 2 * HOUR), nightly(185, 1))
    assert story.lines == [ISSUED]


def test_lifting_no_silence() -> None:
    """The end of a silence that there was not changes nothing."""
    story = Story()
    story.hear(nightly(185, 0))
    decision = story.hear(silenced(START + HOUR, START))
    assert (decision.changed, decision.messages) == (False, ())


def test_silence_is_a_change() -> None:
    """A silence is recorded even where nothing waits, for a customer who is not known yet as well."""
    story = Story()
    assert story.hear(silenced(START)).changed
    story.hear(nightly(185, 0))
    assert story.told == []


def test_dropped_while_silent() -> None:
    """What heals while it is held is never told."""
    story = Story()
    story.hear(silenced(START, START + 5 * DAY), nightly(185, 1), nightly(0, 2))
    story.wait(START + 10 * DAY)
    assert story.told == []


def test_escalations_are_told() -> None:
    """A silence holds no escalation: it is not for the customer."""
    story = Story()
    story.hear(silenced(START), looked(931, START + MINUTE, START + MINUTE))
    assert story.lines == ["L1 otp-escalation issue 931"]


def test_known_by_institution() -> None:
    """A silence of an institution holds no customer of whose login no institution is known."""
    story = Story()
    story.hear(looked(0, bank=None))
    story.surround(silenced(START + HOUR, customer=None, institution_id=BANK))
    story.hear(looked(185, START + DAY, START + DAY, bank=None))
    assert story.lines == [ISSUED]


def test_without_accounts() -> None:
    """A silence without an end lasts until another override, also while the customer has no account."""
    story = Story()
    story.hear(nightly(0, 0), silenced(START + HOUR), deleted(START + 2 * HOUR))
    story.wait(START + 40 * DAY)
    story.hear(looked(185, START + 41 * DAY, START + 41 * DAY))
    assert story.told == []
