"""More examples worked out by hand: lookups, consent, operators, baselines, forgetting, tickets (R9 to R18)."""

from datetime import timedelta
from typing import Any

from tests.oracle.customer import judge
from tests.oracle.institution import judge_signals
from tests.oracle.reading import Record, rfc3339
from tests.oracle.records import START, Log, record

DAY = 24.0


def actions(log: Log) -> list[str]:
    """Give kind and action (with the withdraw reason) of every message."""
    found = [one["data"] for one in judge(log.records)]
    return [" ".join(filter(None, (one["kind"], one["action"], one.get("withdraw_reason")))) for one in found]


def test_incident_defers_its_own_code_only() -> None:
    """R9: 103 goes out while an incident of 185 is open; an institution trouble holds everything back."""
    assert actions(Log().shows(0, 0).incident("opened", 1, 185, 1).shows(103, 2)) == ["connect-fix issue"]
    assert actions(Log().shows(0, 0).incident("opened", 1, 102, 1).shows(103, 2)) == []


def test_old_incident_sequence_changes_nothing() -> None:
    """Section 3: a sequence at or below the last applied."""
    log = Log().incident("opened", 0, 103, 3).incident("closed", 1, 103, 3).shows(103, 2)
    assert actions(log) == []


def test_incident_that_nobody_closes() -> None:
    """R9: contact waits until 1 h after the 12 h that an incident lasts at most."""
    log = Log().incident("opened", 0, 103, 1).shows(103, 1).tick(12.99)
    assert actions(log) == []
    assert [one["time"] for one in judge(log.tick(24).records)] == ["2026-11-01T16:00:00Z"]


def test_sequence_of_an_incident_closed_long_ago() -> None:
    """R9: 30 days after its closing its sequence counts no more; that of one that nobody has closed does."""
    log = Log().incident("opened", 0, 103, 3).incident("closed", 1, 103, 4).incident("opened", 30 * DAY + 1, 103, 3)
    assert actions(log.shows(103, 30 * DAY + 2)) == ["connect-fix issue"]
    log = Log().incident("opened", 0, 103, 3).incident("closed", 1, 103, 4).incident("opened", 30 * DAY + 1.1, 103, 3)
    assert actions(log.shows(103, 30 * DAY + 2)) == []
    log = Log().incident("opened", 0, 103, 3).incident("opened", 30 * DAY + 1.1, 103, 3)
    assert actions(log.shows(103, 30 * DAY + 2)) == ["connect-fix issue"]


def test_locate_once_a_stretch() -> None:
    """R14: one `locate`; the answer opens the command at its first failing attempt."""
    log = (
        Log()
        .shows(185, 0, login=None)
        .shows(103, 1, login=None)
        .add("account.observed", 2, {"customerId": "70", "accountId": "a", "institutionLoginId": "L"})
    )
    assert actions(log) == ["lookup locate", "connect-fix issue"]
    assert judge(log.records)[-1]["data"]["episode"]["opened_at"] == "2026-11-01T03:00:00Z"


def test_moved_account_takes_the_contact_along() -> None:
    """R5, R8: the old command is superseded, the new case waits for the cooldown of the old one."""
    log = Log().shows(103, 0).shows(103, 1, login="M").tick(24)
    assert actions(log) == ["connect-fix issue", "connect-fix withdraw superseded", "connect-fix issue"]
    assert judge(log.records)[-1]["time"] == "2026-11-02T03:00:00Z"


def test_deleted_account_returns_by_a_later_attempt_only() -> None:
    """R12: anything else of it changes nothing."""
    gone = {"customerId": "70", "accountId": "a"}
    log = Log().shows(0, 0).add("txpush.account.deleted", 1, gone).shows(103, 2, aggregationAttemptDate=None)
    assert actions(log) == []
    assert actions(log.shows(103, 3)) == ["connect-fix issue"]


def test_consent_renewal() -> None:
    """R15: seven days before the end date by timer; withdrawn when it passes, or when the date moves."""
    end = rfc3339(START + timedelta(days=20))
    log = Log().shows(0, 0, authorizationEndDate=end, authorizationExpires=True).tick(13 * DAY)
    assert actions(log) == ["consent-renewal issue"]
    assert judge(log.records)[0]["data"]["reason"] == {"code": None}
    moved = rfc3339(START + timedelta(days=200))
    log.shows(0, 13 * DAY + 1, authorizationEndDate=moved)
    assert actions(log)[-1] == "consent-renewal withdraw healed"
    passed = Log().shows(0, 0, authorizationEndDate=end, authorizationExpires=True).tick(20 * DAY)
    assert actions(passed)[-1] == "consent-renewal withdraw expired"


def test_silence_and_its_end() -> None:
    """R16: held while silenced; what waits goes out when the silence ends."""
    until = rfc3339(START + timedelta(hours=5))
    log = Log().override("silence", 0, customerId="70", until=until).shows(103, 1).tick(5)
    assert [one["time"] for one in judge(log.records)] == ["2026-11-01T08:00:00Z"]
    assert actions(Log().override("silence", 0, all=True).shows(103, 1).tick(50)) == []


def test_silenced_account_of_two() -> None:
    """R16: a command is held only when all accounts that need it are silenced."""
    log = Log().override("silence", 0, customerId="70", accountId="a").shows(103, 1)
    assert actions(log) == []
    assert actions(log.shows(103, 2, account="b")) == ["connect-fix issue"]


def test_close_case() -> None:
    """R16: only a new attempt opens it again."""
    log = Log().shows(103, 0).override("close_case", 1, customerId="70")
    log.shows(103, 2, aggregationAttemptDate=rfc3339(START))
    assert actions(log) == ["connect-fix issue", "connect-fix withdraw operator"]
    assert actions(log.shows(103, 25).tick(25)) == [
        "connect-fix issue",
        "connect-fix withdraw operator",
        "connect-fix issue",
    ]


def test_marked_by_an_operator() -> None:
    """R7, R16: the challenge is withdrawn, and opens again when the mark is taken away."""
    log = Log().shows(185, 0).override("mark_otp", 25, customerId="70", institutionLoginId="L")
    log.override("unmark_otp", 49, customerId="70", institutionLoginId="L")
    assert actions(log) == [
        "connect-fix issue",
        "connect-fix remind",
        "connect-fix withdraw otp",
        "otp-escalation issue",
        "otp-escalation withdraw operator",
        "connect-fix issue",
    ]


def test_baseline_waits_for_its_release() -> None:
    """R17: an old attempt first seen by a sweep opens without contact; released one by one."""
    log = Log("70")
    for customer in ("70", "71"):
        data: dict[str, Any] = {"customerId": customer, "accountId": "a", "institutionLoginId": "L"}
        data |= {"aggregationStatusCode": 103, "aggregationAttemptDate": "2026-10-01T00:00:00Z"}
        log.add("account.observed", 0, data | {"baseline": True})
    assert actions(log) == []
    log.override("release_baseline", 1, all=True, rate_per_hour=2).tick(2)
    times = [(one["data"]["customer_id"], one["time"][11:19]) for one in judge(log.records)]
    assert times == [("70", "04:00:00"), ("71", "04:30:00")]


def test_forgotten() -> None:
    """R18: commands are withdrawn, state is dropped."""
    log = Log().shows(103, 0).add("customer.forgotten", 1, {"customerId": "70"}).shows(103, 2)
    assert actions(log) == ["connect-fix issue", "connect-fix withdraw forgotten", "connect-fix issue"]


def test_policy_changes_the_kind() -> None:
    """R2: without Data Connect Fix 945 becomes relink, once the customer's needs are looked at again."""
    log = Log().shows(945, 0).add("policy.activated", 30, {"policy": {"fix_integrated": False}})
    log.add("connect.started", 48, {"customerId": "70", "eventType": "started"})
    assert actions(log)[-2:] == ["connect-fix withdraw superseded", "relink issue"]


def failing(hours: float, login: int, code: int | None, **more: object) -> Record:
    """Give one failing signal of the bank."""
    data: dict[str, Any] = {
        "institution_id": "bank",
        "code": code,
        "customer_id": "70",
        "account_id": f"a{login}",
        "otp": False,
    }
    data |= {"institution_login_id": f"L{login}", "entered": True, "counted_at": None} | more
    at = START + timedelta(hours=hours)
    return record("institution.login.failing", at, data, f"{hours}/{login}/{code}")


def healthy(hours: float, logins: int) -> Record:
    """Give one count of successes of the bank."""
    at = START + timedelta(hours=hours)
    return record("institution.logins.healthy", at, {"institution_id": "bank", "logins": logins}, f"{hours}/healthy")


def short(log: list[Record]) -> list[str]:
    """Give what each output is, and of what cause."""
    found = [one.get("type") or f"{one['data']['cause']} {one['data']['action']}" for one in judge_signals(log)]
    return [one.removeprefix("institution.incident.") for one in found]


def test_incident_opens_and_closes() -> None:
    """R9: 20 logins newly fail and 80 % of those seen; 12 h at the longest, with a ticket of its own."""
    log = [healthy(0, 5), *(failing(0.1, number, 103) for number in range(19))]
    assert short(log) == []
    log.append(failing(0.1, 19, 103))
    assert short(log) == ["opened", "incident issue"]
    log.append(record("clock.tick", START + timedelta(hours=12.1), {}, "tick"))
    assert short(log)[2:] == ["closed", "incident complete"]


def test_incident_closes_when_most_succeed() -> None:
    """R9: at least 20 seen, at most 20 % of them failing."""
    log = [failing(0.1, number, 103) for number in range(20)]
    assert short([*log, healthy(0.2, 79)])[-1] == "incident issue"
    assert short([*log, healthy(0.2, 80)])[2:] == ["closed", "incident complete"]


def test_support_ticket() -> None:
    """R10: one a code, updated at 10 logins, complete after 7 days without one."""
    log = [failing(0, number, 906) for number in range(10)]
    left = [one | {"type": "institution.login.left", "time": rfc3339(START + timedelta(hours=1))} for one in log]
    tick = record("clock.tick", START + timedelta(hours=1, days=7), {}, "tick")
    assert short([*log, *left, tick]) == ["support issue", "support update", "support complete"]


def test_unknown_code_at_five_logins() -> None:
    """R11: five distinct logins of one institution within 7 days."""
    log = [failing(number * DAY, number, 777777) for number in range(5)]
    assert short(log) == ["unknown_code issue"]
    assert short(log[:4]) == []


def test_passing_time_closes_no_incident() -> None:
    """R9: the 20 that failed have left the window and only healthy ones are in it, but nobody was heard of since."""
    log = [failing(0, number, 103) for number in range(20)]
    log += [healthy(0.4, 30), record("clock.tick", START + timedelta(hours=0.7), {}, "tick")]
    assert short(log) == ["opened", "incident issue"]
    assert short([*log, healthy(0.7, 1)])[2:] == ["closed", "incident complete"]


def test_a_wish_counts_in_the_open_ticket() -> None:
    """R14: ten accounts that wait for their logins are one ticket, updated at the tenth."""
    wishes = [
        failing(0, number, None, institution_login_id=None, cause="login_unknown")
        | {"type": "institution.ticket.wanted"}
        for number in range(10)
    ]
    assert short(wishes) == ["login_unknown issue", "login_unknown update"]
