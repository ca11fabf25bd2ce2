"""When a customer is contacted: one `issue` or `remind` per case at a time, and the schedule of reminders (R8).

What waits goes out as soon as nothing holds it: not within the cooldown, not while a fix is pending (R6), not during an
incident (R9) or a silence (R16), not before a baseline is released (R17). It is looked at after every event and timer;
what only time holds has a timer.
"""

from collections.abc import Iterator
from datetime import datetime

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, Action, Hold
from schemas.state import EpisodeState, LoginState, Record, replace
from streams.domain.around import held_until
from streams.domain.cases.commands import send
from streams.domain.cases.episodes import store
from streams.domain.cases.silence import NEVER, silent_until
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import Rule, Rules

_RULE = Rule.R8


class Waiting(Record, frozen=True):
    """A contact that waits; the order is issue before remind, the longest wait, then the kind."""

    since: datetime
    place: int
    kind: Kind
    episode: EpisodeState
    is_reminder: bool = False

    @property
    def order(self) -> tuple[bool, datetime, int]:
        """The key to sort by."""
        return self.is_reminder, self.since, self.place


def waits(login: LoginState) -> bool:
    """Whether a case has any contact that waits."""
    if login.remind_since is not None:
        return True
    return any(episode.waiting_since is not None for episode in login.episodes.values())


def waiting_cases(customer: Customer) -> list[str]:
    """Give the cases that have a contact waiting, ascending."""
    return sorted([login_id for login_id, login in customer.logins.items() if waits(login)])


def take_over(turn: Turn, account_id: str, before: Customer) -> Turn:
    """Have a case that takes over an account take over the time of the last contact, too."""
    was, account = before.accounts.get(account_id), turn.customer.accounts.get(account_id)
    if was is None or account is None or account.login_id is None or account.login_id == was.login_id:
        return turn
    contacted_at = before.case(was.login_id).contacted_at
    known_at = turn.customer.case(account.login_id).contacted_at
    if contacted_at is None or (known_at is not None and known_at >= contacted_at):
        return turn
    return turn.with_case(account.login_id, contacted_at=contacted_at)


def contact(turn: Turn, login_id: str) -> Turn:
    """Send the first of what waits that nothing holds; a reminder that finds no command to remind of is dropped."""
    login = turn.customer.case(login_id)
    if login.remind_since is not None and _longest_ago(login) is None:
        turn = turn.with_case(login_id, remind_since=None)
    for waiting in _in_order(turn.customer.case(login_id)):
        if free_at(turn, login_id, waiting) <= turn.at:
            return _remind(turn, login_id, waiting) if waiting.is_reminder else _issue(turn, login_id, waiting)
    return turn


def _in_order(login: LoginState) -> list[Waiting]:
    return sorted(_waiting(login), key=lambda waiting: waiting.order)


def _waiting(login: LoginState) -> Iterator[Waiting]:
    for place, kind in enumerate(CONTACT_KINDS):
        episode = login.episodes.get(kind)
        if episode is not None and episode.waiting_since is not None:
            yield Waiting(episode.waiting_since, place, kind, episode)
    if login.remind_since is not None and (target := _longest_ago(login)) is not None:
        yield Waiting(login.remind_since, *target, is_reminder=True)


def _longest_ago(login: LoginState) -> tuple[int, Kind, EpisodeState] | None:
    """Give the open command that was contacted longest ago, which is the one to remind of."""
    contacted = [
        (episode.contacted_at, place, kind, episode)
        for place, kind in enumerate(CONTACT_KINDS)
        if (episode := login.episodes.get(kind)) is not None and episode.contacted_at is not None
    ]
    return min(contacted, key=lambda one: one[:2])[1:] if contacted else None


def free_at(turn: Turn, login_id: str, waiting: Waiting) -> datetime:
    """Give when nothing holds a contact any more: perhaps in the past; `NEVER` where time alone does not free it."""
    return max(at for at, _ in _holds(turn, login_id, waiting))


def _holds(turn: Turn, login_id: str, waiting: Waiting) -> Iterator[tuple[datetime, Hold | None]]:
    """Give what holds a contact, and until when; all may be over, and then it is due since it waits."""
    login, rules = turn.customer.case(login_id), turn.rules
    if login.is_pending:
        yield NEVER, Hold.FIX_PENDING
        return
    yield waiting.since, None
    if (over_at := held_until(turn.around, login.institution_id, waiting.episode.reason_code, rules)) is not None:
        yield over_at, Hold.INCIDENT
    if waiting.episode.is_baseline:
        yield waiting.episode.release_at or NEVER, Hold.BASELINE
    if login.contacted_at is not None:
        yield login.contacted_at + rules.policy.contact.cooldown, Hold.COOLDOWN
    if waiting.is_reminder and login.remind_not_before is not None:
        yield login.remind_not_before, Hold.WEAK_FIX
    if (until := silent_until(turn, login_id, waiting.episode.account_ids)) is not None:
        yield until, Hold.SILENCE


class Held(Record, frozen=True):
    """A contact that waits, and what holds it, each until when; `NEVER` where time alone does not end it."""

    kind: Kind
    is_reminder: bool
    since: datetime
    account_ids: tuple[str, ...]
    code: int | None
    holds: tuple[tuple[Hold, datetime], ...]


def held(turn: Turn, login_id: str) -> list[Held]:
    """Give the contacts of a case that wait, in the order in which they go out, with what holds them at the turn.

    Nothing holds one that another of the same case goes before.
    """
    found = []
    for waiting in _in_order(turn.customer.case(login_id)):
        holds = tuple((hold, at) for at, hold in _holds(turn, login_id, waiting) if hold is not None and at > turn.at)
        episode = waiting.episode
        codes = episode.account_ids, episode.reason_code
        found.append(Held(waiting.kind, waiting.is_reminder, waiting.since, *codes, holds))
    return found


def deferred(turn: Turn, login_id: str, before: LoginState) -> list[Hold]:
    """Say of each contact that waits, and did not before, what holds it longest; one held by another is not told of."""
    waited = {(waiting.since, waiting.place, waiting.is_reminder) for waiting in _waiting(before)}
    longest = [
        max(_holds(turn, login_id, waiting), key=lambda hold: hold[0])[1]
        for waiting in _waiting(turn.customer.case(login_id))
        if (waiting.since, waiting.place, waiting.is_reminder) not in waited
    ]
    return [hold for hold in longest if hold is not None]


def _issue(turn: Turn, login_id: str, waiting: Waiting) -> Turn:
    login = turn.customer.case(login_id)
    schedule_at = login.schedule_at or turn.at
    turn = turn.with_case(login_id, contacted_at=turn.at, schedule_at=schedule_at)
    episode = replace(waiting.episode, sequence=0, waiting_since=None, contacted_at=turn.at)
    rule = Rule.R3 if waiting.since == turn.at else _RULE
    turn = store(turn, login_id, waiting.kind, episode)
    return send(turn, login_id, waiting.kind, episode, Action.ISSUE, rule=rule)


def _remind(turn: Turn, login_id: str, waiting: Waiting) -> Turn:
    turn = turn.with_case(login_id, contacted_at=turn.at, remind_since=None, remind_not_before=None)
    episode = replace(waiting.episode, sequence=waiting.episode.sequence + 1, contacted_at=turn.at)
    turn = store(turn, login_id, waiting.kind, episode)
    return send(turn, login_id, waiting.kind, episode, Action.REMIND, rule=_RULE)


def next_reminder(login: LoginState, rules: Rules) -> datetime | None:
    """Give when the next reminder falls due, whether or not one waits; None after the last."""
    reminders = rules.policy.contact.reminders
    if login.schedule_at is None or login.reminders_used >= len(reminders):
        return None
    return login.schedule_at + reminders[login.reminders_used]


def is_unresponsive(login: LoginState, rules: Rules) -> bool:
    """Whether every reminder went out and a command is still open."""
    reminders = rules.policy.contact.reminders
    is_over = login.schedule_at is not None and login.remind_since is None
    return is_over and bool(reminders) and login.reminders_used >= len(reminders)


def timers(turn: Turn, login_id: str, login: LoginState) -> Iterator[Timer]:
    """Give when the next reminder falls due, and when time frees what waits."""
    due = next_reminder(login, turn.rules)
    if due is not None:
        yield Timer(due, login_id, _RULE, "", _fall_due)
    for waiting in _waiting(login):
        free = free_at(turn, login_id, waiting)
        if free < NEVER:
            yield Timer(free, login_id, _RULE, "", _look, step=1)


def _fall_due(turn: Turn, login_id: str, _account_id: str) -> Turn:
    """Have a reminder wait to go out; where one waits already, they are one."""
    login = turn.customer.case(login_id)
    used, since = login.reminders_used + 1, login.remind_since or turn.at
    return turn.with_case(login_id, reminders_used=used, remind_since=since).by(_RULE)


def ask_again(turn: Turn, login_id: str) -> Turn:
    """Have the next reminder go out now, where the schedule has one left and none waits yet."""
    login = turn.customer.case(login_id)
    if next_reminder(login, turn.rules) is None or login.remind_since is not None or _longest_ago(login) is None:
        return turn
    return _fall_due(turn, login_id, "")


def _look(turn: Turn, _login_id: str, _account_id: str) -> Turn:
    """Do nothing but have the case looked at: it may not need any more what it waited for."""
    return turn


def release(turn: Turn, login_id: str, at: datetime) -> Turn:
    """Let the baseline commands of a case go out from a time on (R16, R17)."""
    login = turn.customer.case(login_id)
    episodes = {
        kind: replace(episode, release_at=at) if episode.is_baseline else episode
        for kind, episode in login.episodes.items()
    }
    return turn.with_case(login_id, episodes=episodes).by(Rule.R17).looking_at(login_id)


def is_baseline(login: LoginState) -> bool:
    """Whether a case has a command that waits for its release."""
    return any(episode.is_baseline and episode.waiting_since is not None for episode in login.episodes.values())
