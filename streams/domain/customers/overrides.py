"""What an operator decides about one customer (R16), and the challenge that a live call met (R7)."""

from collections.abc import Callable, Mapping

from schemas.catalogue import Kind
from schemas.commands import WithdrawReason
from schemas.events import AccountChallenged, Override, OverrideAction
from schemas.state import Consent, replace
from streams.domain.around import silenced
from streams.domain.cases import contact, otp
from streams.domain.cases.needs import waits_for_login
from streams.domain.customers import location
from streams.domain.customers.turn import Outcome, Turn
from streams.domain.rules import CHALLENGE, FIX_KINDS, Rule

_RULE = Rule.R16


def hear_override(turn: Turn, override: Override) -> Turn:
    """Do what an operator decided; what concerns an unknown login or account changes nothing."""
    turn = replace(turn, outcome=Outcome.OVERRIDDEN).by(_RULE)
    return _ACTIONS[override.action](turn, override)


def _login_of(turn: Turn, override: Override) -> str | None:
    if override.institution_login_id is not None:
        return override.institution_login_id
    account = turn.customer.accounts.get(override.account_id or "")
    return None if account is None or account.deleted_at is not None else account.login_id


def _silence(turn: Turn, override: Override) -> Turn:
    scope = ""
    if override.account_id is not None:
        scope = f"accounts/{override.account_id}"
    elif override.institution_login_id is not None:
        scope = f"logins/{override.institution_login_id}"
    state = turn.customer.state
    silences = silenced(state.silences, scope, override.until, turn.at)
    turn = replace(turn, customer=replace(turn.customer, state=replace(state, silences=silences)))
    return turn.looking_at(*(key for key, login in turn.customer.logins.items() if contact.waits(login)))


def _mark(turn: Turn, override: Override) -> Turn:
    login_id = _login_of(turn, override)
    if login_id is None or turn.customer.case(login_id).otp is not None:
        return turn
    return otp.confirm(turn, login_id, CHALLENGE)


def _unmark(turn: Turn, override: Override) -> Turn:
    login_id = _login_of(turn, override)
    if login_id is None or turn.customer.case(login_id).otp is None:
        return turn
    return otp.release(turn, login_id, WithdrawReason.OPERATOR)


def _close(turn: Turn, override: Override) -> Turn:
    """Close a case: its accounts need nothing more until they are observed anew, and an OTP mark stays."""
    login_id = _login_of(turn, override)
    if login_id is None:
        return _close_wait(turn, override.account_id or "")
    login = turn.customer.case(login_id)
    needing = {key for kind in FIX_KINDS if kind in login.episodes for key in login.episodes[kind].account_ids}
    for account_id, account in sorted(turn.customer.live_at(login_id)):
        if account_id in needing:
            turn = turn.with_account(account_id, closed=True)
        if account.consent is Consent.ENDING:
            turn = turn.with_account(account_id, consent=Consent.CLOSED)
    if login.otp is not None and Kind.OTP_ESCALATION in login.episodes:
        turn = turn.with_case(login_id, otp=replace(login.otp, closed=True))
    return turn.looking_at(login_id)


def _close_wait(turn: Turn, account_id: str) -> Turn:
    """Close what an account waits for whose login is not known."""
    account = turn.customer.accounts.get(account_id)
    if not waits_for_login(account, turn.rules):
        return turn
    return location.stop_seeking(turn.with_account(account_id, closed=True, given_up=False), account_id)


def _release(turn: Turn, override: Override) -> Turn:
    login_id, at = _login_of(turn, override), turn.at
    if override.account_id is not None and login_id is None:
        return turn
    for key, login in sorted(turn.customer.logins.items()):
        if contact.is_baseline(login) and login_id in (None, key):
            turn = contact.release(turn, key, at)
            at += override.apart
    return turn


_ACTIONS: Mapping[OverrideAction, Callable[[Turn, Override], Turn]] = {
    OverrideAction.SILENCE: _silence,
    OverrideAction.MARK_OTP: _mark,
    OverrideAction.UNMARK_OTP: _unmark,
    OverrideAction.CLOSE_CASE: _close,
    OverrideAction.RELEASE_BASELINE: _release,
}


def hear_challenge(turn: Turn, challenged: AccountChallenged) -> Turn:
    """Take a live call's challenge for a suspicion: it shows in the health of the login's accounts, no more."""
    turn = replace(turn, outcome=Outcome.CHALLENGED)
    login_id = challenged.institution_login_id
    if login_id is None:
        account = turn.customer.accounts.get(challenged.account_id or "")
        login_id = None if account is None else account.login_id
    if login_id is None or not any(turn.customer.live_at(login_id)) or turn.customer.case(login_id).otp is not None:
        return turn
    return turn.with_case(login_id, is_challenged=True).by(Rule.R7)
