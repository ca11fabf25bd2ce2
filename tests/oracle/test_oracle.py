"""The oracle against examples worked out by hand from the sentences of the rules (R1 to R18)."""

from typing import Any
from uuid import uuid5

import pytest

from schemas.commands import COMMAND_NAMESPACE
from tests.oracle.customer import judge
from tests.oracle.records import Log

DAY = 24.0
MS = 1 / 3_600_000


def said(log: Log) -> list[tuple[Any, ...]]:
    """Give kind, action (and withdraw reason) and the hours since the start of every message."""
    return [_short(message) for message in judge(log.records)]


def _short(message: dict[str, Any]) -> tuple[Any, ...]:
    data, time = message["data"], message["time"]
    what = data["action"] if "withdraw_reason" not in data else f"withdraw {data['withdraw_reason']}"
    return data["kind"], what, time.removeprefix("2026-").removesuffix("Z")


def actions(log: Log) -> list[str]:
    """Give the actions alone, with the kind where it is no connect-fix."""
    short = [(kind, what) for kind, what, _ in said(log)]
    return [what if kind == "connect-fix" else f"{kind}: {what}" for kind, what in short]


def repairs(log: Log, first_day: float, nights: list[float]) -> Log:
    """Append a 185 and its healing an hour later, at each of the days."""
    for day in nights:
        log.shows(185, (first_day + day) * DAY).shows(0, (first_day + day) * DAY + 1)
    return log


def test_first_185_is_issued() -> None:
    """R3, section 5: the whole first message."""
    (message,) = judge(Log().shows(185, 0).records)
    name = "70/L/connect-fix/2026-11-01T03:00:00Z/1"
    command = str(uuid5(COMMAND_NAMESPACE, name))
    assert message == {
        "topic": "remediation.connect-fix",
        "id": f"{command}:0",
        "time": "2026-11-01T03:00:00Z",
        "data": {
            "command_id": command,
            "sequence": 0,
            "action": "issue",
            "kind": "connect-fix",
            "customer_id": "70",
            "institution_login_id": "L",
            "institution_id": "bank",
            "account_ids": ["a"],
            "reason": {"code": 185},
            "steps": ["answer_challenge"],
            "episode": {"opened_at": "2026-11-01T03:00:00Z", "ordinal": 1, "relapses": 0},
            "not_after": "2026-11-02T03:00:00Z",
        },
    }


def test_redelivery_changes_nothing() -> None:
    """R1: the same attempt and code is a duplicate, an older attempt stale."""
    log = Log().shows(185, 1).shows(185, 2, aggregationAttemptDate="2026-11-01T04:00:00Z")
    assert actions(log.shows(0, 3, aggregationAttemptDate="2026-11-01T03:59:59Z")) == ["issue"]


def test_undated_needs_another_code() -> None:
    """R1: without a date only another code, or a strong fix event between, is a new attempt."""
    log = Log().shows(185, 0, aggregationAttemptDate=0).shows(0, 1, aggregationAttemptDate=None)
    assert actions(log) == ["issue", "withdraw healed"]


def test_undated_is_stale_by_its_other_dates() -> None:
    """R1: an earlier lastUpdatedDate than the latest seen makes it stale."""
    log = Log().shows(185, 0, lastUpdatedDate=1_793_502_000)
    assert actions(log.shows(0, 1, aggregationAttemptDate=None, lastUpdatedDate=1_793_501_999)) == ["issue"]


def test_same_attempt_other_code_updates() -> None:
    """R1, R3: another code at the same attempt is an observation; the reason changes in place."""
    log = Log().shows(185, 0).shows(103, 1, aggregationAttemptDate="2026-11-01T03:00:00Z")
    assert actions(log) == ["issue", "update"]


@pytest.mark.parametrize("code", [102, 906, 777777])
def test_codes_that_say_nothing(code: int) -> None:
    """R2: they open nothing and close nothing."""
    assert actions(Log().shows(code, 0).shows(185, 1).shows(code, 2)) == ["issue"]


def test_rank_decides_the_reason() -> None:
    """R3: a lower rank on another account changes nothing, the highest one going back does."""
    log = Log().shows(103, 0).shows(185, 1, account="b").shows(0, 2)
    assert [(one["data"]["action"], one["data"]["reason"]["code"]) for one in judge(log.records)] == [
        ("issue", 103),
        ("update", 185),
    ]


def test_equal_rank_keeps_the_one_stated() -> None:
    """R3: 945 and 948 have one rank; the stated one stays."""
    assert actions(Log().shows(948, 0).shows(945, 1, account="b")) == ["issue"]


def test_complete_after_strong_fix() -> None:
    """R5: code 0 after a strong fix event completes; without one it is healed."""
    assert actions(Log().shows(103, 0).connect(1).shows(0, 1.1)) == ["issue", "complete"]
    assert actions(Log().shows(103, 0).shows(0, 1.1)) == ["issue", "withdraw healed"]


def test_done_without_success_is_no_fix() -> None:
    """R5: a code other than 0 or 200, or another reason, is no fix event."""
    assert actions(Log().shows(103, 0).connect(1, code=100).shows(0, 2)) == ["issue", "withdraw healed"]
    assert actions(Log().shows(103, 0).connect(1, reason="error").shows(0, 2)) == ["issue", "withdraw healed"]


def test_fix_older_than_the_episode_does_not_count() -> None:
    """R5: it counts for episodes that are not younger than it; its time is the prefix of the eventId."""
    log = Log().shows(103, 0).connect(1, eventId="1793501999999-abc").shows(0, 2)
    assert actions(log) == ["issue", "withdraw healed"]


def test_superseded_by_another_kind() -> None:
    """R5: 949 asks for another kind; its issue waits for the cooldown (R8)."""
    log = Log().shows(103, 0).shows(949, 1).tick(24)
    assert said(log) == [
        ("connect-fix", "issue", "11-01T03:00:00"),
        ("connect-fix", "withdraw superseded", "11-01T04:00:00"),
        ("relink", "issue", "11-02T03:00:00"),
    ]


def test_deletion() -> None:
    """R5: deletion withdraws a connect-fix and completes a relink."""
    gone = {"customerId": "70", "accountId": "a"}
    assert actions(Log().shows(103, 0).add("txpush.account.deleted", 1, gone)) == ["issue", "withdraw deleted"]
    relink = Log().shows(949, 0).add("txpush.account.deleted", 1, gone)
    assert actions(relink) == ["relink: issue", "relink: complete"]


def test_verify_fifteen_minutes_after_a_fix() -> None:
    """R6: one lookup 15 min after the fix event, unless the account was attempted since."""
    assert said(Log().shows(103, 0).connect(1).tick(2))[1:] == [("lookup", "verify", "11-01T04:15:00")]
    assert actions(Log().shows(103, 0).connect(1).shows(103, 1.1).tick(2)) == ["issue"]


def test_pending_holds_and_then_reminds() -> None:
    """R6: reminders wait 26 h; then the one that waits goes out."""
    log = Log().shows(103, 0).connect(20).tick(45).tick(46)
    assert said(log)[2:] == [("connect-fix", "remind", "11-03T01:00:00")]


def test_reminders() -> None:
    """R8: 1, 3 and 7 days after the first issue, then none."""
    times = [time for _, what, time in said(Log().shows(103, 0).tick(30 * DAY)) if what == "remind"]
    assert times == ["11-02T03:00:00", "11-04T03:00:00", "11-08T03:00:00"]


def test_timer_fires_after_the_record_of_its_moment() -> None:
    """Section 4: a record at the time due comes before the timer, one a millisecond later after it."""
    assert actions(Log().shows(103, 0).shows(0, 24)) == ["issue", "withdraw healed"]
    assert actions(Log().shows(103, 0).shows(0, 24 + MS)) == ["issue", "remind", "withdraw healed"]


def test_reopening_waits_for_the_cooldown() -> None:
    """R8: an issue within 24 h is deferred, and dropped if no longer needed."""
    log = Log().shows(103, 0).shows(0, 1).shows(103, 2)
    assert actions(log) == ["issue", "withdraw healed"]
    assert actions(log.shows(0, 3).tick(48)) == ["issue", "withdraw healed"]


def test_weak_fix_defers_the_next_reminder() -> None:
    """R5: not before 2 h after a weak fix event."""
    log = Log().shows(103, 0).connect(23, institutionId="elsewhere", institutionLoginIds=[])
    assert said(log.tick(DAY))[1][1] == "remind"
    log = Log().shows(103, 0).shows(103, 0, account="b", login="M")
    log.connect(23, institutionLoginIds=[]).tick(26)
    assert [time for _, what, time in said(log) if what == "remind"] == ["11-02T04:00:00", "11-02T04:00:00"]


def test_two_relapses_confirm_otp() -> None:
    """R7: the second 185 within 14 days of the repair before it confirms; 185 opens nothing from then on."""
    log = repairs(Log(), 0, [0, 2]).shows(185, 4 * DAY).shows(0, 5 * DAY).shows(185, 6 * DAY)
    assert actions(log) == ["issue", "withdraw healed", "issue", "withdraw healed", "otp-escalation: issue"]
    assert judge(log.records)[-1]["data"]["episode"] == {
        "opened_at": "2026-11-05T03:00:00Z",
        "ordinal": 4,
        "relapses": 2,
    }


def test_relapse_window_is_inclusive() -> None:
    """R7: 14 days after the end is a relapse, a millisecond later starts the row again."""
    end = 1 + 14 * DAY
    log = Log().shows(185, 0).shows(0, 1).shows(185, end)
    assert judge(log.records)[-1]["data"]["episode"]["relapses"] == 1
    log = Log().shows(185, 0).shows(0, 1).shows(185, end + MS)
    assert judge(log.records)[-1]["data"]["episode"]["relapses"] == 0


def test_two_attempts_after_a_fix_confirm_otp() -> None:
    """R7: two distinct attempts with 185 later than the first strong fix event of the episode."""
    log = Log().shows(185, 0).connect(1).shows(185, 1.1).shows(185, 3)
    assert actions(log) == ["issue", "withdraw otp", "otp-escalation: issue"]


def test_931_confirms_at_once() -> None:
    """R7: 931 is its reason; a later 103 still opens."""
    log = Log().shows(931, 0).shows(103, 1)
    assert actions(log) == ["otp-escalation: issue", "issue"]
    assert judge(log.records)[0]["data"]["reason"] == {"code": 931}


def test_released_by_five_successes() -> None:
    """R7: five distinct successful attempts in a row; a strong fix event starts the row again."""
    log = Log().shows(931, 0)
    for hour in (1, 2, 3, 4, 5):
        log.shows(0, hour)
    assert actions(log) == ["otp-escalation: issue", "otp-escalation: withdraw released"]
    log = Log().shows(931, 0).shows(0, 1).connect(1.5)
    for hour in (2, 3, 4, 5):
        log.shows(0, hour)
    assert actions(log) == ["otp-escalation: issue"]


def test_released_by_ninety_quiet_days() -> None:
    """R7: all accounts at code 0 for 90 days."""
    log = Log().shows(931, 0).shows(0, 1).tick(90 * DAY + 1)
    assert said(log)[-1] == ("otp-escalation", "withdraw released", "2027-01-30T04:00:00")


def test_an_account_not_at_zero_prevents_the_quiet_release() -> None:
    """R7: all accounts of the login have to stand at code 0."""
    log = Log().shows(931, 0).shows(0, 1).shows(0, 1, account="b").shows(103, 2, account="b").tick(100 * DAY)
    assert "otp-escalation: withdraw released" not in actions(log)


def test_185_in_an_incident_does_not_count() -> None:
    """R7, R9: it is held back, and its repair is no base of a relapse."""
    log = Log().incident("opened", 0, 185, 1).shows(185, 1).incident("closed", 2, 185, 2).shows(0, 3).shows(185, 30)
    messages = judge(log.records)
    assert [one["data"]["action"] for one in messages] == ["issue", "withdraw", "issue"]
    assert messages[0]["time"] == "2026-11-01T05:00:00Z"
    assert messages[-1]["data"]["episode"]["relapses"] == 0
