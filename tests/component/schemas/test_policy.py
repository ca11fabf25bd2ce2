"""The shipped policy, files of users, and what a wrong one says."""

import re
import tomllib
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.policy import Policy, PolicyError

DEFAULTS: dict[str, Any] = {
    "version": "2026-11-1",
    "fix_integrated": True,
    "otp": {
        "window_days": 14,
        "relapses": 2,
        "attempts_after_fix": 2,
        "suspect_streak": 3,
        "release_successes": 5,
        "release_quiet_days": 90,
    },
    "contact": {"cooldown_hours": 24, "reminder_days": [1, 3, 7], "not_after_hours": 24, "weak_fix_hours": 2},
    "verify": {"after_minutes": 15, "deadline_hours": 26},
    "incident": {"window_minutes": 30, "min_logins": 20, "open_share": 0.8, "close_share": 0.2, "max_hours": 12},
    "ticket": {"update_at": [10, 100, 1000], "quiet_days": 7},
    "unknown": {"attempts": 3, "hours": 72, "logins": 5},
    "lookup": {"give_up_minutes": 60},
    "warning": {"days": 7},
    "baseline": {"older_hours": 48},
    "state": {"forget_days": 30, "dedupe_days": 4},
    "dead_letter": {"max_share": 0.2},
}


def shipped_text() -> str:
    return resources.files("schemas").joinpath("policy.toml").read_text("utf-8")


def test_shipped_numbers() -> None:
    """The shipped policy has exactly the keys of the contract, with the numbers of the rules."""
    assert Policy.load().model_dump(mode="json") == DEFAULTS


def test_shipped_file_is_whole() -> None:
    """The shipped file states every key, and says of each which rule or guarantee it belongs to."""
    assert tomllib.loads(shipped_text()) == DEFAULTS
    keys = [line for line in shipped_text().splitlines() if " = " in line and not line.startswith("version")]
    assert [line for line in keys if not re.search(r"# (R\d+|Commands|guarantee 4)\b.*: ", line)] == []


def test_defaults_without_a_file() -> None:
    """A policy made in code, and an empty file, are the shipped policy."""
    assert Policy() == Policy.from_toml("") == Policy.load()


def test_keys_left_out_keep_the_defaults() -> None:
    """A user's file changes what it names and nothing else."""
    policy = Policy.from_toml('version = "ours-7"\nfix_integrated = false\n[contact]\nreminder_days = []\n')
    contact = {**DEFAULTS["contact"], "reminder_days": []}
    changed = {**DEFAULTS, "version": "ours-7", "fix_integrated": False, "contact": contact}
    assert policy.model_dump(mode="json") == changed


def test_file_of_a_user(tmp_path: Path) -> None:
    """A policy is read from the path that is given."""
    path = tmp_path / "mine.toml"
    path.write_text("[state]\nforget_days = 60\n", "utf-8")
    assert Policy.load(path).state.forget == timedelta(days=60)


def test_unreadable_file(tmp_path: Path) -> None:
    """A file that is missing, or not UTF-8, is named."""
    missing, binary = tmp_path / "missing.toml", tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    for path in (missing, binary):
        with pytest.raises(PolicyError, match=f"^{re.escape(str(path))}: cannot be read .*; name a readable TOML file"):
            Policy.load(path)


def test_all_problems_at_once() -> None:
    """One error names file and key of every problem, and says what is allowed."""
    wrong = """
        version = 3
        otp = 1
        spam = 2
        [contact]
        cooldown_hours = 0
        reminder_days = [3, 1]
        [incident]
        open_share = 1.5
        close_share = nan
        [lookup]
        give_up_hours = 1
    """
    otp_keys = ", ".join(DEFAULTS["otp"])
    with pytest.raises(PolicyError) as refusal:
        Policy.from_toml(wrong, file="mine.toml")
    assert str(refusal.value).splitlines() == [
        "mine.toml: version: must be a text of 1 to 40 characters; found 3",
        f"mine.toml: otp: must be a table with the keys {otp_keys}; found 1",
        "mine.toml: contact.cooldown_hours: must be a whole number of hours, 1 to 8760; found 0",
        "mine.toml: incident.open_share: must be a share, 0 to 1; found 1.5",
        "mine.toml: incident.close_share: must be a share, 0 to 1; found nan",
        "mine.toml: lookup.give_up_hours: no such key; lookup knows give_up_minutes",
        "mine.toml: spam: no such key; the file knows " + ", ".join(DEFAULTS),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fix_integrated = 1", "fix_integrated: must be true or false; found 1"),
        ("[unknown]\nlogins = true", "unknown.logins: must be a whole number, 1 to 1000; found True"),
        ("[unknown]\nhours = 1.5", "unknown.hours: must be a whole number of hours, 1 to 8760; found 1.5"),
        ("[state]\ndedupe_days = 99999", "state.dedupe_days: must be a whole number of days, 1 to 3650; found 99999"),
        ("[contact]\nreminder_days = [1, 'x']", "contact.reminder_days: must be a list of up to 30 rising days"),
        ("[contact]\nreminder_days = [1, 1]", "contact: reminder_days must rise, each number once; found [1, 1]"),
        ("[ticket]\nupdate_at = [10, 9]", "ticket: update_at must rise, each number once; found [10, 9]"),
        ("[verify]\nafter_minutes = 60\ndeadline_hours = 1", "verify: after_minutes must be shorter than deadline"),
        ("[incident]\nclose_share = 0.8", "incident: close_share must be smaller than open_share"),
        ("[lookup]\ngive_up_minutes = 2026-01-01", "lookup.give_up_minutes: must be a whole number of minutes"),
        ("[otp", "not TOML: "),
    ],
)
def test_wrong_value(text: str, said: str) -> None:
    """A value that is not allowed is refused, never bent into shape."""
    with pytest.raises(PolicyError, match=f"^mine.toml: {re.escape(said)}"):
        Policy.from_toml(text, file="mine.toml")


def test_round_trip() -> None:
    """A policy that travelled in a record is the same, and has the same hash, as the one that was sent."""
    policy = Policy.load()
    back = Policy.model_validate_json(policy.model_dump_json())
    assert back == policy
    assert back.sha256 == policy.sha256


def test_hash_follows_the_content() -> None:
    """The hash depends on the values, not on how the file writes them."""
    plain, spelled = Policy(), Policy.from_toml("[incident]\nmin_logins = 2_0  # twenty\nopen_share = 0.80\n")
    assert spelled.sha256 == plain.sha256
    assert Policy.from_toml("[incident]\nmin_logins = 21").sha256 != plain.sha256


def test_spans() -> None:
    """Hot paths find each span ready made, in the units of its key."""
    policy = Policy()
    given = [
        *(policy.otp.window, policy.otp.release_quiet, policy.contact.cooldown, policy.contact.not_after),
        *(policy.contact.weak_fix, policy.verify.after, policy.verify.deadline, policy.incident.window),
        *(policy.incident.longest, policy.ticket.quiet, policy.unknown.standing, policy.lookup.give_up),
        *(policy.warning.ahead, policy.baseline.older, policy.state.forget, policy.state.dedupe),
    ]
    hours = [14 * 24, 90 * 24, 24, 24, 2, 0.25, 26, 0.5, 12, 7 * 24, 72, 1, 7 * 24, 48, 30 * 24, 4 * 24]
    assert given == [timedelta(hours=count) for count in hours]
    assert policy.contact.reminders == (timedelta(days=1), timedelta(days=3), timedelta(days=7))


def test_changed_copy_has_its_own_spans() -> None:
    """A changed copy never keeps a span or a hash computed before the change."""
    policy = Policy()
    old = (policy.state.dedupe, policy.sha256)
    state = policy.state.model_copy(update={"dedupe_days": 1})
    changed = policy.model_copy(update={"state": state})
    assert old[0] == timedelta(days=4)
    assert changed.state.dedupe == timedelta(days=1)
    assert changed.sha256 != old[1]


def test_immutable() -> None:
    """Nobody changes a policy in passing."""
    with pytest.raises(ValidationError, match="frozen"):
        Policy().otp.relapses = 3  # type: ignore[misc]
