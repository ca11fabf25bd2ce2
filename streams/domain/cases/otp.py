"""Logins that ask for a one-time passcode at every connection: relapses, the mark, and its end (R7)."""

from datetime import datetime

from schemas.catalogue import Kind
from schemas.commands import WithdrawReason
from schemas.health import Otp
from schemas.state import EpisodeState, LoginState, OtpMark, replace
from streams.domain.around import is_incident
from streams.domain.cases.episodes import close, store
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import CHALLENGE, Rule, Rules

_RULE = Rule.R7


def hear_attempt(turn: Turn, before: Customer) -> Turn:
    """Take a fresh observation for what it says of its login: a challenge, a success, or another cause."""
    account = turn.customer.accounts[turn.observed]
    code, login_id = account.code, account.login_id
    if code is None or not turn.rules.speaks(code):
        return turn
    around, rules = turn.around, turn.rules
    is_incidental = code == CHALLENGE and is_incident(around, account.institution_id, code, turn.at, rules)
    if code == CHALLENGE and not is_incidental:
        challenges = account.challenges + (not turn.rules.says_again(account.codes_at_attempt))
    else:
        challenges = account.challenges * is_incidental
    noted = {"challenges": challenges, "is_incidental": is_incidental}
    if (account.challenges, account.is_incidental) != tuple(noted.values()):
        turn = turn.with_account(turn.observed, **noted)
    if login_id is None:
        return turn
    if turn.rules.demands_otp(code):
        turn = _reopened(turn, login_id)
        return turn if is_incidental else _challenged(turn, login_id, code)
    was = before.accounts.get(turn.observed)
    return _rowed(turn, login_id, None if was is None else was.healed_at)


def _reopened(turn: Turn, login_id: str) -> Turn:
    """Have the escalation that an operator closed needed again: a new attempt asks for it (R16)."""
    mark = turn.customer.case(login_id).otp
    codes = turn.customer.accounts[turn.observed].codes_at_attempt
    if mark is None or not mark.closed or not turn.rules.says_anew(codes):
        return turn
    return turn.with_case(login_id, otp=replace(mark, closed=False)).looking_at(login_id)


def _challenged(turn: Turn, login_id: str, code: int) -> Turn:
    mark = turn.customer.case(login_id).otp
    if mark is not None:
        return turn.with_case(login_id, otp=replace(mark, successes={}))
    if turn.rules.confirms_otp(code):
        return confirm(turn, login_id, code)
    episode = turn.customer.case(login_id).episodes.get(Kind.CONNECT_FIX)
    if episode is None:
        return turn
    turn = store(turn, login_id, Kind.CONNECT_FIX, _with_challenge(turn, episode, turn.observed))
    return judge_fix(turn, login_id)


def _with_challenge(turn: Turn, episode: EpisodeState, account_id: str) -> EpisodeState:
    """Note the latest attempt of an account at 185 in its episode, once."""
    account, known = turn.customer.accounts[account_id], episode.challenged_at
    attempted_at = account.standing_at or account.attempted_at or turn.at
    attempts = known.get(account_id, ())
    if attempted_at in attempts:
        return episode
    attempts = (*attempts, attempted_at)[-turn.rules.policy.otp.attempts_after_fix :]
    return replace(episode, challenged_at={**known, account_id: attempts})


def judge_fix(turn: Turn, login_id: str) -> Turn:
    """Mark a login whose challenges came again although the customer had repaired it in the same episode."""
    login = turn.customer.case(login_id)
    episode, needed = login.episodes.get(Kind.CONNECT_FIX), turn.rules.policy.otp.attempts_after_fix
    if login.otp is not None or episode is None or episode.first_fixed_at is None:
        return turn
    for attempts in episode.challenged_at.values():
        if sum(attempted_at > episode.first_fixed_at for attempted_at in attempts) >= needed:
            return confirm(turn, login_id, CHALLENGE)
    return turn


def _rowed(turn: Turn, login_id: str, healed_at: datetime | None) -> Turn:
    """Count a success of a marked login's account, the one of its latest success once; another cause ends the row."""
    mark, account = turn.customer.case(login_id).otp, turn.customer.accounts[turn.observed]
    if mark is None:
        return turn
    known = mark.successes.get(turn.observed, 0)
    counted = max(known, 1) if account.attempted_at == healed_at else known + 1
    row = counted if account.code == 0 else 0
    if row >= turn.rules.policy.otp.release_successes:
        return release(turn, login_id, WithdrawReason.RELEASED)
    return turn.with_case(login_id, otp=replace(mark, successes={**mark.successes, turn.observed: row}))


def hear_move(turn: Turn, account_id: str, before: Customer) -> Turn:
    """Mark a login that an account turns out to belong to, where that account's code has confirmed it before."""
    was, account = before.accounts.get(account_id), turn.customer.accounts.get(account_id)
    if was is None or account is None or account.login_id is None or account.login_id == was.login_id:
        return turn
    login = turn.customer.case(account.login_id)
    is_confirmed = account.deleted_at is None and turn.rules.confirms_otp(account.standing)
    if login.otp is not None or not is_confirmed or account.standing is None:
        return turn
    return confirm(turn, account.login_id, account.standing)


def hear_fix(turn: Turn, login_id: str) -> Turn:
    """Start the rows of a marked login anew, as a strong fix lies between; else look whether challenges came after."""
    mark = turn.customer.case(login_id).otp
    if mark is None:
        return judge_fix(turn, login_id)
    return turn.with_case(login_id, otp=replace(mark, successes={})) if mark.successes else turn


def relapse(turn: Turn, login_id: str, episode: EpisodeState) -> Turn:
    """Judge an episode that has just opened: whether a challenge opened it, and if so, whether it is a relapse."""
    for account_id in episode.account_ids:
        account = turn.customer.accounts[account_id]
        if account.standing == CHALLENGE and not account.is_incidental:
            episode = _with_challenge(turn, episode, account_id)
    turn = store(turn, login_id, Kind.CONNECT_FIX, episode) if episode.challenged_at else turn
    opener = min(episode.account_ids, key=lambda account_id: _failing_since(turn, account_id))
    account = turn.customer.accounts[opener]
    repaired_at = turn.customer.case(login_id).repaired_at
    began_before = repaired_at is not None and episode.opened_at < repaired_at
    if account.standing != CHALLENGE or account.is_incidental or began_before:
        return turn
    return _judge_relapse(turn, login_id, episode)


def _failing_since(turn: Turn, account_id: str) -> tuple[datetime, str]:
    return turn.customer.accounts[account_id].failing_since or turn.at, account_id


def _judge_relapse(turn: Turn, login_id: str, episode: EpisodeState) -> Turn:
    login, policy = turn.customer.case(login_id), turn.rules.policy.otp
    relapses, is_relapse = login.relapses, False
    if login.repaired_at is None or episode.opened_at - login.repaired_at > policy.window:
        relapses = 0
    elif not login.repair_used:
        relapses, is_relapse = relapses + 1, True
    turn = store(turn, login_id, Kind.CONNECT_FIX, replace(episode, opened_by_challenge=True, relapses=relapses))
    turn = turn.with_case(login_id, relapses=relapses, repair_used=login.repair_used or is_relapse)
    if not is_relapse:
        return turn
    return confirm(turn, login_id, CHALLENGE) if relapses >= policy.relapses else turn.by(_RULE)


def confirm(turn: Turn, login_id: str, code: int) -> Turn:
    """Mark a login OTP: 185 opens nothing on it any more, and its escalation opens."""
    mark = OtpMark(marked_at=turn.at, code=code)
    return turn.with_case(login_id, otp=mark, is_challenged=False).by(_RULE).looking_at(login_id)


def release(turn: Turn, login_id: str, why: WithdrawReason) -> Turn:
    """End the mark of a login; what stands at 185 opens its command, and nothing before counts for a relapse."""
    if Kind.OTP_ESCALATION in turn.customer.case(login_id).episodes:
        turn = close(turn, login_id, Kind.OTP_ESCALATION, why, rule=_RULE)
    login = turn.customer.case(login_id)
    episodes = {kind: replace(episode, challenged_at={}) for kind, episode in login.episodes.items()}
    turn = turn.with_case(login_id, otp=None, relapses=0, repaired_at=None, repair_used=False, episodes=episodes)
    return turn.by(_RULE).looking_at(login_id)


def keep_mark(turn: Turn, login_id: str) -> Turn:
    """Bring a mark in line with the login's accounts: their rows, and since when each stands at 0.

    It outlasts the login's last account: a later one of the same login meets the same bank.
    """
    mark = turn.customer.case(login_id).otp
    if mark is None:
        return turn
    live = dict(turn.customer.live_at(login_id))
    quiet = {key: mark.quiet_since.get(key, turn.at) for key, account in live.items() if account.standing == 0}
    successes = {account_id: row for account_id, row in mark.successes.items() if account_id in live}
    return turn.with_case(login_id, otp=replace(mark, quiet_since=quiet, successes=successes))


def timers(customer: Customer, login_id: str, rules: Rules) -> list[Timer]:
    """Give when a mark is lifted for quiet: all accounts of the login have stood at 0 for so long."""
    mark = customer.case(login_id).otp
    if (
        mark is None
        or not mark.quiet_since
        or any(key not in mark.quiet_since for key, _ in customer.live_at(login_id))
    ):
        return []
    return [Timer(max(mark.quiet_since.values()) + rules.policy.otp.release_quiet, login_id, _RULE, "", _lift)]


def _lift(turn: Turn, login_id: str, _account_id: str) -> Turn:
    return release(turn, login_id, WithdrawReason.RELEASED)


def suspicion(login: LoginState, challenges: int, rules: Rules) -> Otp:
    """Say how likely a login is to ask for a passcode every time; health only."""
    if login.otp is not None:
        return Otp.CONFIRMED
    is_suspected = login.is_challenged or challenges >= rules.policy.otp.suspect_streak
    return Otp.SUSPECTED if is_suspected else Otp.NO
