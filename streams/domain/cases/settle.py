"""Brings cases in line with what they need: first what closes, then what opens, then who is contacted (R3, R4, R5)."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, WithdrawReason
from schemas.state import AccountState, Consent, EpisodeState, replace
from schemas.times import rfc3339
from streams.domain.cases import otp
from streams.domain.cases.commands import command_id
from streams.domain.cases.contact import contact, waiting_cases
from streams.domain.cases.episodes import close, issue, rest, restate, store
from streams.domain.cases.needs import look_at, needed
from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Turn
from streams.domain.rules import CASE_KINDS, CHALLENGES, FIX_KINDS, Rule, Rules

DELETION_MENDS = (Kind.REMOVE_DUPLICATE, Kind.RELINK)
"""The kinds whose remedy is to delete accounts: a deletion counts as their strong fix (R5)."""
_OUTCOMES = (
    None,
    WithdrawReason.HEALED,
    WithdrawReason.OTP,
    WithdrawReason.OPERATOR,
    WithdrawReason.SUPERSEDED,
    WithdrawReason.EXPIRED,
    WithdrawReason.DELETED,
)
"""Ends of an episode, `complete` first."""


def settle(turn: Turn, before: Customer) -> Turn:
    """Look, after an event, at every case whose needs may have changed since `before`; contact for all that waits."""
    turn, _ = _settled(look_at(turn, before))
    for login_id in waiting_cases(turn.customer):
        turn = contact(turn, login_id)
    return turn


def settle_cases(turn: Turn) -> Turn:
    """Look at the cases that are to be looked at, and contact for each of them."""
    turn, looked_at = _settled(turn)
    for login_id in looked_at:
        turn = contact(turn, login_id)
    return turn


def settle_one(turn: Turn, before: Customer, login_id: str) -> Turn:
    """Look at the same after a timer, and contact for its case only: each case has timers of its own."""
    turn, looked_at = _settled(look_at(turn, before))
    return contact(turn, login_id) if login_id in looked_at else turn


def _settled(turn: Turn) -> tuple[Turn, list[str]]:
    """Bring the cases that are to be looked at in line with their needs until none is left; give which they were."""
    looked_at = set[str]()
    while turn.cases:
        cases, turn = sorted(set(turn.cases)), replace(turn, cases=())
        looked_at.update(cases)
        for login_id in cases:
            turn = _close_all(otp.keep_mark(turn, login_id), login_id)
        for login_id in cases:
            turn = _keep_all(turn, login_id)
    in_order = sorted(looked_at)
    for login_id in in_order:
        turn = rest(turn, login_id)
    return turn, in_order


def _close_all(turn: Turn, login_id: str) -> Turn:
    kinds = needed(turn.customer, login_id, turn.rules)
    for kind in CASE_KINDS:
        episode = turn.customer.case(login_id).episodes.get(kind)
        if episode is not None and kind not in kinds:
            turn = close(turn, login_id, kind, _ending(turn, login_id, episode, kind))
    return turn


def _keep_all(turn: Turn, login_id: str) -> Turn:
    """Keep what the case needed when the look at it began: a login marked meanwhile is looked at once more."""
    kinds = needed(turn.customer, login_id, turn.rules)
    for kind in CASE_KINDS:
        turn = _keep(turn, login_id, kind, kinds[kind]) if kind in kinds else turn
    return turn


def _keep(turn: Turn, login_id: str, kind: Kind, codes: Mapping[str, int | None]) -> Turn:
    """Open the episode of a needed kind, or bring the open one up to date; a change of accounts alone is not told."""
    episode = turn.customer.case(login_id).episodes.get(kind)
    if episode is None:
        return _open(turn, login_id, kind, codes)
    was_stated = episode.reason_code if episode.sequence >= 0 else None
    code = _reason(codes.values(), was_stated, turn.rules)
    stated = replace(episode, reason_code=code, steps=_steps(kind, code, turn.rules), account_ids=tuple(codes))
    return restate(turn, login_id, kind, stated)


def _open(turn: Turn, login_id: str, kind: Kind, codes: Mapping[str, int | None]) -> Turn:
    login = turn.customer.case(login_id)
    opened_at, ordinal = _opened_at(turn, kind, codes), login.ordinal + 1
    code = _reason(codes.values(), None, turn.rules)
    episode = EpisodeState(
        opened_at=opened_at,
        ordinal=ordinal,
        command_id=command_id(turn.customer.customer_id, login_id, kind, f"{rfc3339(opened_at)}/{ordinal}"),
        sequence=-1,
        reason_code=code,
        steps=_steps(kind, code, turn.rules),
        account_ids=tuple(codes),
        waiting_since=turn.at if kind in CONTACT_KINDS else None,
        relapses=login.relapses if kind is Kind.OTP_ESCALATION else 0,
        is_baseline=kind in FIX_KINDS and all(turn.customer.accounts[account_id].is_baseline for account_id in codes),
    )
    turn = store(turn, login_id, kind, episode).with_case(login_id, ordinal=ordinal).by(Rule.R4)
    if kind is Kind.OTP_ESCALATION:
        return issue(turn, login_id, kind, rule=Rule.R7)
    return otp.relapse(turn, login_id, episode) if kind is Kind.CONNECT_FIX else turn


def _opened_at(turn: Turn, kind: Kind, account_ids: Iterable[str]) -> datetime:
    """Give the first failing attempt's time; where no attempt opens an episode, the event time (R4)."""
    if kind in (Kind.OTP_ESCALATION, Kind.CONSENT_RENEWAL):
        return turn.at
    since = [turn.customer.accounts[account_id].failing_since for account_id in account_ids]
    return min((at for at in since if at is not None), default=turn.at)


def _reason(codes: Iterable[int | None], stated: int | None, rules: Rules) -> int | None:
    """Choose the code to state: of the highest rank; among equals the one already stated, else the smallest (R3)."""
    known = [code for code in codes if code is not None]
    return min(known, key=lambda code: (-rules.rank(code), code != stated, code), default=None)


def _steps(kind: Kind, code: int | None, rules: Rules) -> tuple[str, ...]:
    remedy = rules.remedy(code)
    if remedy is None or remedy.kind is not kind:
        remedy = rules.catalogue.rule_remedy(kind, fix_integrated=rules.policy.fix_integrated)
    return tuple(step.value for step in remedy.steps)


def _ending(turn: Turn, login_id: str, episode: EpisodeState, kind: Kind) -> WithdrawReason | None:
    """Say why a command is withdrawn, None where it is complete.

    Where the accounts that still needed it left in several ways at once, the first of `_OUTCOMES` stands.
    """
    accounts = [turn.customer.accounts[account_id] for account_id in episode.account_ids]
    outcomes = {_outcome(turn, login_id, episode, kind, account) for account in accounts}
    return next(outcome for outcome in _OUTCOMES if outcome in outcomes)


def _outcome(
    turn: Turn, login_id: str, episode: EpisodeState, kind: Kind, account: AccountState
) -> WithdrawReason | None:
    """Say how one account came to need a kind no more."""
    if account.deleted_at is not None:
        return None if kind in DELETION_MENDS else WithdrawReason.DELETED
    if kind is Kind.CONSENT_RENEWAL:
        return _consent_outcome(account, login_id, episode)
    if kind is Kind.OTP_ESCALATION:
        return WithdrawReason.OPERATOR if account.login_id == login_id else WithdrawReason.SUPERSEDED
    if account.closed:
        return WithdrawReason.OPERATOR
    return (
        None if episode.fixed_at is not None and account.standing == 0 else _unfixed(turn, login_id, episode, account)
    )


def _unfixed(turn: Turn, login_id: str, episode: EpisodeState, account: AccountState) -> WithdrawReason:
    """Say how an account that lives on came to need a kind no more, where no fix of ours mended it."""
    if account.login_id != login_id:
        return WithdrawReason.SUPERSEDED
    if account.standing == 0:
        return WithdrawReason.HEALED
    is_marked = turn.customer.case(login_id).otp is not None and turn.rules.demands_otp(account.standing)
    return WithdrawReason.OTP if is_marked and episode.reason_code in CHALLENGES else WithdrawReason.SUPERSEDED


def _consent_outcome(account: AccountState, login_id: str, episode: EpisodeState) -> WithdrawReason | None:
    if account.consent is Consent.CLOSED:
        return WithdrawReason.OPERATOR
    if account.consent is Consent.PASSED:
        return WithdrawReason.EXPIRED
    if account.consent is Consent.ENDING and account.login_id != login_id:
        return WithdrawReason.SUPERSEDED
    return None if episode.fixed_at is not None else WithdrawReason.HEALED
