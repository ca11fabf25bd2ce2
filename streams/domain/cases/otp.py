"""Logins that ask for a one-time passcode at every connection: relapses, the mark, and its end (R7)."""

from schemas.catalogue import Kind
from schemas.commands import WithdrawReason
from schemas.health import Otp
from schemas.state import EpisodeState, LoginState, OtpMark, replace
from streams.domain.around import is_incident
from streams.domain.cases.episodes import close, store
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Timer, Turn
from streams.domain.rules import CHALLENGE, Rules

_RULE = "R7"


def hear_attempt(turn: Turn) -> Turn:
    """Take a fresh observation for what it says of its login: a challenge, a success, or another cause."""
    account = turn.customer.accounts[turn.observed]
    code = account.code
    if code is None or not turn.rules.speaks(code):
        return turn
    login_id, institution_id = account.login_id, account.institution_id
    if code == CHALLENGE and is_incident(turn.around, institution_id, code):
        return turn
    challenges = account.challenges + 1 if code == CHALLENGE else 0
    if challenges != account.challenges:
        turn = turn.with_account(turn.observed, challenges=challenges)
    if login_id is None:
        return turn
    if turn.rules.demands_otp(code):
        return _challenged(turn, login_id, code)
    return _rowed(turn, login_id, succeeded=code == 0)


def _challenged(turn: Turn, login_id: str, code: int) -> Turn:
    mark = turn.customer.case(login_id).otp
    if mark is not None:
        return turn.with_case(login_id, otp=replace(mark, successes={}, closed=False)).looking_at(login_id)
    if turn.rules.confirms_otp(code):
        return confirm(turn, login_id, code)
    return _after_fix(turn, login_id)


def _after_fix(turn: Turn, login_id: str) -> Turn:
    """Count a challenge that comes although the customer has repaired the login in the same episode."""
    episode = turn.customer.case(login_id).episodes.get(Kind.CONNECT_FIX)
    attempted_at = turn.customer.accounts[turn.observed].attempted_at
    if episode is None or episode.first_fixed_at is None or attempted_at is None:
        return turn
    if attempted_at <= episode.first_fixed_at:
        return turn
    failed = episode.failed_after_fix.get(turn.observed, 0) + 1
    counted = replace(episode, failed_after_fix={**episode.failed_after_fix, turn.observed: failed})
    turn = store(turn, login_id, Kind.CONNECT_FIX, counted)
    return turn if failed < turn.rules.policy.otp.attempts_after_fix else confirm(turn, login_id, CHALLENGE)


def _rowed(turn: Turn, login_id: str, *, succeeded: bool) -> Turn:
    """Count a success of a marked login's account; another cause starts that account's row anew."""
    mark = turn.customer.case(login_id).otp
    if mark is None:
        return turn
    row = mark.successes.get(turn.observed, 0) + 1 if succeeded else 0
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
    """Start the rows of a marked login anew: a strong fix lies between its successes."""
    mark = turn.customer.case(login_id).otp
    if mark is None or not mark.successes:
        return turn
    return turn.with_case(login_id, otp=replace(mark, successes={}))


def relapse(turn: Turn, login_id: str, episode: EpisodeState) -> Turn:
    """Judge an episode that has just opened: whether a challenge opened it, and if so, whether it is a relapse."""
    if episode.reason_code != CHALLENGE or turn.observed not in episode.account_ids:
        return turn
    account = turn.customer.accounts[turn.observed]
    if account.code != CHALLENGE or is_incident(turn.around, account.institution_id, CHALLENGE):
        return turn
    login, policy = turn.customer.case(login_id), turn.rules.policy.otp
    is_relapse = login.repaired_at is not None and turn.at - login.repaired_at <= policy.window
    relapses = login.relapses + 1 if is_relapse else 0
    turn = store(turn, login_id, Kind.CONNECT_FIX, replace(episode, opened_by_challenge=True, relapses=relapses))
    turn = turn.with_case(login_id, relapses=relapses, repaired_at=None)
    if is_relapse:
        turn = turn.by(_RULE)
    return turn if relapses < policy.relapses else confirm(turn, login_id, CHALLENGE)


def confirm(turn: Turn, login_id: str, code: int) -> Turn:
    """Mark a login OTP: 185 opens nothing on it any more, and its escalation opens."""
    mark = OtpMark(marked_at=turn.at, code=code)
    return turn.with_case(login_id, otp=mark, is_challenged=False).by(_RULE).looking_at(login_id)


def release(turn: Turn, login_id: str, why: WithdrawReason) -> Turn:
    """End the mark of a login; what stands at 185 opens its command, and nothing before counts for a relapse."""
    if Kind.OTP_ESCALATION in turn.customer.case(login_id).episodes:
        turn = close(turn, login_id, Kind.OTP_ESCALATION, why, rule=_RULE)
    turn = turn.with_case(login_id, otp=None, relapses=0, repaired_at=None)
    return turn.by(_RULE).looking_at(login_id)


def keep_mark(turn: Turn, login_id: str) -> Turn:
    """Bring a mark in line with the login's accounts: since when all stand at 0; it ends when none is left."""
    login = turn.customer.case(login_id)
    if login.otp is None:
        return turn
    live = [account for _, account in turn.customer.live_at(login_id)]
    if not live:
        return release(turn, login_id, _left(turn, login))
    is_quiet = all(account.standing == 0 for account in live)
    quiet_since = (login.otp.quiet_since or turn.at) if is_quiet else None
    return turn.with_case(login_id, otp=replace(login.otp, quiet_since=quiet_since))


def _left(turn: Turn, login: LoginState) -> WithdrawReason:
    episode = login.episodes.get(Kind.OTP_ESCALATION)
    last = None if episode is None else turn.customer.accounts.get(episode.account_ids[-1])
    is_deleted = last is None or last.deleted_at is not None
    return WithdrawReason.DELETED if is_deleted else WithdrawReason.SUPERSEDED


def timer(login_id: str, login: LoginState, rules: Rules) -> Timer | None:
    """Give when a mark is lifted for quiet."""
    if login.otp is None or login.otp.quiet_since is None:
        return None
    return Timer(login.otp.quiet_since + rules.policy.otp.release_quiet, login_id, 7, "", _lift)


def _lift(turn: Turn, login_id: str, _account_id: str) -> Turn:
    return release(turn, login_id, WithdrawReason.RELEASED)


def suspicion(login: LoginState, challenges: int, rules: Rules) -> Otp:
    """Say how likely a login is to ask for a passcode every time; health only."""
    if login.otp is not None:
        return Otp.CONFIRMED
    is_suspected = login.is_challenged or challenges >= rules.policy.otp.suspect_streak
    return Otp.SUSPECTED if is_suspected else Otp.NO
