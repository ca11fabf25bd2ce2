"""Opening, keeping and closing episodes until they fit the needs (R3, R4, R5, R7, R17)."""

from tests.oracle.closing import close, end_of
from tests.oracle.messages import command_name, issue, reason_now, restate
from tests.oracle.needs import failing_since, needing
from tests.oracle.otp import confirmed_by_attempts, mark, opened_by
from tests.oracle.rules import CHALLENGE, CONSENT, KINDS, OTP
from tests.oracle.state import Account, Case, Customer, Episode, Partition


def settle(partition: Partition, customer: Customer, case: Case) -> None:
    """Section 4: make the episodes of a case fit the needs, closings first; nothing is issued yet."""
    if confirmed_by_attempts(partition.rules, case):
        mark(customer, case, CHALLENGE)
    _close_unneeded(partition, customer, case)
    if _open_needed(partition, customer, case):
        _close_unneeded(partition, customer, case)
        _open_needed(partition, customer, case)
    if not case.facing():
        _end_schedule(case)


def _close_unneeded(partition: Partition, customer: Customer, case: Case) -> None:
    """R4, R5: an episode lasts until no account of the login needs its kind any more."""
    for kind in KINDS:
        episode = case.episodes.get(kind)
        if episode is None:
            continue
        now_needing = needing(partition.rules, customer, case, kind)
        if now_needing:
            episode.accounts = now_needing
        else:
            left = [customer.accounts[one] for one in episode.accounts]
            close(partition, customer, case, episode, end_of(case, episode, left))


def _open_needed(partition: Partition, customer: Customer, case: Case) -> bool:
    """R3: the first observation that needs a kind opens it; True if that confirmed OTP (R7)."""
    confirmed = False
    for kind in KINDS:
        accounts = needing(partition.rules, customer, case, kind)
        if accounts and kind not in case.episodes:
            confirmed |= _open(partition, customer, case, kind, accounts)
    return confirmed


def _open(partition: Partition, customer: Customer, case: Case, kind: str, needed_by: list[str]) -> bool:
    """R4: begin an episode at its first failing attempt, or at the event time (R7, R15); True if OTP is confirmed."""
    case.ordinal += 1
    accounts = [customer.accounts[one] for one in needed_by]
    opened_at, opener = customer.clock, accounts[0]
    if kind not in (OTP, CONSENT):
        starts = [(failing_since(one), one.id) for one in accounts]
        opened_at, opener = min(starts)[0], customer.accounts[min(starts)[1]]
    command_id = command_name(customer.id, case.login, kind, opened_at, case.ordinal)
    episode = Episode(kind, opened_at, case.ordinal, customer.clock, command_id, needed_by)
    case.episodes[kind] = episode
    if kind == OTP:
        episode.relapses = case.relapses
    elif kind != CONSENT:
        return _opened_by_code(partition, customer, case, episode, opener)
    return False


def _opened_by_code(partition: Partition, customer: Customer, case: Case, episode: Episode, opener: Account) -> bool:
    """R7, R17: what the opening observation means; True if it confirms OTP."""
    accounts = [customer.accounts[one] for one in episode.accounts]
    episode.baseline = all(account.baseline for account in accounts)
    for account in accounts:
        if account.standing == CHALLENGE and account.counts:
            episode.challenges[account.id] = {account.run[-1][0]}
    if opened_by(partition.rules, case, episode, opener):
        mark(customer, case, CHALLENGE)
        return True
    return False


def _end_schedule(case: Case) -> None:
    """R6: pending and the reminder schedule end when no customer-facing episode of the case is open."""
    case.schedule_start, case.next_reminder, case.reminder_since = None, 0, None
    case.pending, case.last_fix, case.verified = None, None, False


def speak(partition: Partition, customer: Customer, case: Case) -> None:
    """R3, R7: updates of what is issued, and the `issue` of an escalation, which is no contact (R8)."""
    for kind in KINDS:
        episode = case.episodes.get(kind)
        if episode is None:
            continue
        if kind == OTP and not episode.issued:
            issue(partition, customer, case, episode)
        elif episode.issued:
            _update(partition, customer, case, episode)


def _update(partition: Partition, customer: Customer, case: Case, episode: Episode) -> None:
    """R3: `update` only if reason or steps change."""
    reason = reason_now(partition.rules, customer, case, episode)
    if (reason, partition.rules.steps(episode.kind, reason)) != (episode.reason, episode.steps):
        restate(partition, customer, case, episode, "update")
