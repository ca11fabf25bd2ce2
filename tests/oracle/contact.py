"""When an `issue` or `remind` may go out, and which goes first (R6, R8, R9, R16, R17)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.oracle.messages import issue, reason_now, restate
from tests.oracle.rules import CUSTOMER_FACING
from tests.oracle.state import Account, Case, Customer, Episode, Partition, Target


@dataclass
class Wait:
    """R8: one message that waits: an `issue`, or the reminder of the case; `since` when it began to wait."""

    action: str
    since: datetime
    episode: Episode

    def order(self) -> tuple[bool, datetime, int]:
        """R8: issue before remind, the one waiting longest, then by kind."""
        return self.action != "issue", self.since, CUSTOMER_FACING.index(self.episode.kind)


def waiting(case: Case) -> list[Wait]:
    """R8: what waits in a case; a reminder goes to the open command contacted longest ago."""
    waits = [Wait("issue", episode.since, episode) for episode in case.facing() if not episode.issued]
    target = _contacted_longest_ago(case)
    if case.reminder_since is not None and target is not None:
        waits.append(Wait("remind", case.reminder_since, target))
    return sorted(waits, key=Wait.order)


def _contacted_longest_ago(case: Case) -> Episode | None:
    """R8: the open command that a reminder goes to."""
    issued = [(one.contacted, index, one) for index, one in enumerate(case.facing()) if one.contacted is not None]
    return min(issued, key=lambda one: one[:2])[2] if issued else None


def free_at(partition: Partition, customer: Customer, case: Case, wait: Wait) -> datetime | None:
    """R8: from when on a message may go out; None while something without a known end holds it."""
    episode = wait.episode
    if case.pending is not None:
        return None
    incidents = _incident_ends(partition, customer, case, episode)
    times = [wait.since, *incidents, *_silence_ends(partition, customer, episode)]
    if wait.action == "issue" and episode.baseline:
        times.append(episode.release_at)
    if case.last_contact is not None:
        times.append(case.last_contact + partition.rules.hours("contact", "cooldown_hours"))
    if wait.action == "remind" and case.weak_until is not None:
        times.append(case.weak_until)
    known = [at for at in times if at is not None]
    return max(known) if len(known) == len(times) else None


def incident_end(partition: Partition, opened_at: datetime) -> datetime:
    """R9: when an incident is over of whose end nobody tells: 1 h after it has lasted for as long as one can."""
    return opened_at + partition.rules.hours("incident", "max_hours") + timedelta(hours=1)


def _incident_ends(partition: Partition, customer: Customer, case: Case, episode: Episode) -> list[datetime | None]:
    """R9: the end of each incident of that institution and code, or of an institution trouble there."""
    reason = reason_now(partition.rules, customer, case, episode)
    return [
        incident_end(partition, partition.incidents[one]) if one in partition.incidents else told_at
        for one, (_, told_at) in partition.sequences.items()
        if one[0] == case.institution and (one[1] == reason or partition.rules.treatment(one[1]) == "institution")
    ]


def matches(target: Target, customer: Customer, account: Account) -> bool:
    """R16: an override concerns the accounts that have everything it names."""
    has = (customer.id, account.id, account.login, account.institution)
    return all(named is None or named == held for named, held in zip(target, has, strict=True))


def _silence_ends(partition: Partition, customer: Customer, episode: Episode) -> list[datetime | None]:
    """R16: a command is held while all accounts that need it are silenced; no end: None; not held: an empty list."""
    ends = [_silenced_until(partition, customer, customer.accounts[one]) for one in episode.accounts]
    if not ends or any(not one for one in ends):
        return []
    closed = [max(at for at in one if at is not None) for one in ends if None not in one]
    return [min(closed)] if closed else [None]


def _silenced_until(partition: Partition, customer: Customer, account: Account) -> list[datetime | None]:
    """R16: the ends of every silence over an account that is not past; None for one without an end."""
    every = [*partition.silences.items(), *customer.silences.items()]
    over_it = [until for target, until in every if matches(target, customer, account)]
    return [until for until in over_it if until is None or until >= customer.clock]


def contact(partition: Partition, customer: Customer, case: Case) -> None:
    """R8: send what may go out now, at most one in 24 h; limits are inclusive."""
    while True:
        waits = waiting(case)
        if not any(wait.action == "remind" for wait in waits):
            case.reminder_since = None
        ready = [wait for wait in waits if _free_now(partition, customer, case, wait)]
        if not ready:
            return
        _send(partition, customer, case, ready[0])


def _free_now(partition: Partition, customer: Customer, case: Case, wait: Wait) -> bool:
    """R8: nothing holds the message any more."""
    at = free_at(partition, customer, case, wait)
    return at is not None and at <= customer.clock


def _send(partition: Partition, customer: Customer, case: Case, wait: Wait) -> None:
    """R8: one contact of the case; its first `issue` starts the reminder schedule."""
    case.last_contact = wait.episode.contacted = customer.clock
    if wait.action == "remind":
        case.reminder_since, case.weak_until = None, None
        restate(partition, customer, case, wait.episode, "remind")
        return
    issue(partition, customer, case, wait.episode)
    if case.schedule_start is None:
        case.schedule_start, case.next_reminder = customer.clock, 0


def next_contact(partition: Partition, customer: Customer, case: Case) -> datetime | None:
    """R8: when the next message that waits may go out, as far as that is known."""
    times = [free_at(partition, customer, case, wait) for wait in waiting(case)]
    known = [at for at in times if at is not None]
    return min(known) if known else None
