"""The episodes of a case: one open command for each kind that its accounts need (R3, R4), and how it ends (R5)."""

from collections.abc import Iterable, Mapping
from uuid import uuid5

from schemas.catalogue import Kind, Step
from schemas.commands import (
    COMMAND_NAMESPACE,
    COMMAND_TOPICS,
    Action,
    Command,
    EpisodeRef,
    Evidence,
    Reason,
    WithdrawReason,
)
from schemas.state import AccountState, EpisodeState, LoginState, replace
from schemas.times import rfc3339
from streams.domain.customer import Customer, Turn
from streams.domain.messages import Outgoing
from streams.domain.rules import CUSTOMER_KINDS, Rules

CLOSED_IDS = 5
"""How many closed commands still name their case: the vendor repeats a fix event for three days (domain 4.2)."""
DELETION_MENDS = (Kind.REMOVE_DUPLICATE, Kind.RELINK)
"""The kinds whose remedy is to delete accounts: a deletion counts as their strong fix (R5)."""
_CONTACTS = (Action.ISSUE, Action.REMIND)


def settle(turn: Turn, before: Customer) -> Turn:
    """Bring every case whose needs may have changed since `before` in line: first what closes, then what opens."""
    if not (cases := _unsettled(turn, before)):
        return turn
    needed = {login_id: _needed(turn.customer, login_id, turn.rules) for login_id in sorted(cases)}
    for login_id, kinds in needed.items():
        for kind in CUSTOMER_KINDS:
            if kind not in kinds:
                turn = _close(turn, login_id, kind)
    for login_id, kinds in needed.items():
        for kind in CUSTOMER_KINDS:
            if kind in kinds:
                turn = _keep(turn, login_id, kind, kinds[kind])
    return turn


def _need(account: AccountState | None, rules: Rules) -> tuple[str, int] | None:
    """Give login and code where an account needs a command; None too while its login is not known (R14)."""
    if account is None or account.login_id is None or account.deleted_at is not None:
        return None
    standing = account.standing
    return None if standing is None or rules.remedy(standing) is None else (account.login_id, standing)


def _unsettled(turn: Turn, before: Customer) -> set[str]:
    """Give the cases to look at: what an account needs changes only with its standing, its login and its liveness.

    Open cases are looked at whenever one of their accounts changes at all, or leaves, as the rules in force may have
    changed: an account that needs nothing any more under them may still be one that a command was opened for.
    """
    cases: set[str] = set()
    for account_id in turn.touched:
        accounts = before.accounts.get(account_id), turn.customer.accounts.get(account_id)
        was, now = (_need(account, turn.rules) for account in accounts)
        if was != now:
            cases.update(login_id for login_id, _ in filter(None, (was, now)))
        for account in accounts:
            if account is not None and account.login_id is not None and turn.customer.case(account.login_id).episodes:
                cases.add(account.login_id)
    return cases


def _needed(customer: Customer, login_id: str, rules: Rules) -> dict[Kind, dict[str, int]]:
    """Give by kind the accounts of a login that need it, in ascending order, with their codes."""
    kinds: dict[Kind, dict[str, int]] = {}
    for account_id, account in sorted(customer.live_at(login_id)):
        remedy = rules.remedy(account.standing)
        if remedy is not None and account.standing is not None:
            kinds.setdefault(remedy.kind, {})[account_id] = account.standing
    return kinds


def _keep(turn: Turn, login_id: str, kind: Kind, codes: Mapping[str, int]) -> Turn:
    """Open the episode of a needed kind, or bring the open one up to date; a change of accounts alone is not told."""
    login = turn.customer.case(login_id)
    login = replace(login, institution_id=_institution(turn.customer, login_id) or login.institution_id)
    episode = login.episodes.get(kind)
    if episode is None:
        return _open(turn, login_id, login, kind, codes)
    code = _reason(codes.values(), episode.reason_code, turn.rules)
    steps = _steps(code, turn.rules)
    kept = replace(episode, reason_code=code, steps=steps, account_ids=tuple(codes))
    if (code, steps) == (episode.reason_code, episode.steps):
        return _stored(turn, login_id, login, kind, kept)
    kept = replace(kept, sequence=episode.sequence + 1)
    return _send(_stored(turn, login_id, login, kind, kept), login_id, kind, kept, Action.UPDATE, rule="R3")


def _open(turn: Turn, login_id: str, login: LoginState, kind: Kind, codes: Mapping[str, int]) -> Turn:
    opened_at = min(filter(None, (turn.customer.accounts[account_id].failing_since for account_id in codes)))
    ordinal = login.ordinal + 1
    name = f"{turn.customer.customer_id}/{login_id}/{kind.value}/{rfc3339(opened_at)}/{ordinal}"
    code = _reason(codes.values(), None, turn.rules)
    episode = EpisodeState(
        opened_at=opened_at,
        ordinal=ordinal,
        command_id=str(uuid5(COMMAND_NAMESPACE, name)),
        sequence=0,
        reason_code=code,
        steps=_steps(code, turn.rules),
        account_ids=tuple(codes),
    )
    turn = _stored(turn, login_id, replace(login, ordinal=ordinal), kind, episode).by("R4")
    return _send(turn, login_id, kind, episode, Action.ISSUE, rule="R3")


def _reason(codes: Iterable[int], stated: int | None, rules: Rules) -> int:
    """Choose the code to state: of the highest rank; among equals the one already stated, else the smallest (R3)."""
    return min(codes, key=lambda code: (-rules.rank(code), code != stated, code))


def _steps(code: int, rules: Rules) -> tuple[str, ...]:
    remedy = rules.remedy(code)
    return () if remedy is None else tuple(step.value for step in remedy.steps)


def _institution(customer: Customer, login_id: str) -> str | None:
    live = sorted(customer.live_at(login_id))
    return next((account.institution_id for _, account in live if account.institution_id is not None), None)


def _stored(turn: Turn, login_id: str, login: LoginState, kind: Kind, episode: EpisodeState) -> Turn:
    login = replace(login, episodes={**login.episodes, kind.value: episode})
    if login == turn.customer.logins.get(login_id):
        return turn
    return replace(turn, customer=turn.customer.with_login(login_id, login))


def _close(turn: Turn, login_id: str, kind: Kind) -> Turn:
    """End the episode of a kind that no account needs any more, if one is open; its last account says how (R5)."""
    login = turn.customer.case(login_id)
    episode = login.episodes.get(kind)
    if episode is None:
        return turn
    withdrawn = _ending(turn.customer, login_id, episode, kind)
    last = replace(episode, sequence=episode.sequence + 1)
    rest = {other: kept for other, kept in login.episodes.items() if other != kind}
    closed_ids = (*login.closed_ids, episode.command_id)[-CLOSED_IDS:]
    action = Action.COMPLETE if withdrawn is None else Action.WITHDRAW
    turn = _send(turn, login_id, kind, last, action, rule="R5", withdraw_reason=withdrawn)
    closed = replace(login, episodes=rest, closed_ids=closed_ids)
    return replace(turn, customer=turn.customer.with_login(login_id, closed))


def _ending(customer: Customer, login_id: str, episode: EpisodeState, kind: Kind) -> WithdrawReason | None:
    """Say why a command is withdrawn, None where it is complete.

    The accounts that still needed it left by one event; where the rules changed as well, the last by id speaks.
    """
    account = customer.accounts[episode.account_ids[-1]]
    if account.deleted_at is not None:
        return None if kind in DELETION_MENDS else WithdrawReason.DELETED
    if episode.fixed_at is not None and account.standing == 0:
        return None
    healed = account.standing == 0 and account.login_id == login_id
    return WithdrawReason.HEALED if healed else WithdrawReason.SUPERSEDED


def _send(
    turn: Turn,
    login_id: str,
    kind: Kind,
    episode: EpisodeState,
    action: Action,
    *,
    rule: str,
    withdraw_reason: WithdrawReason | None = None,
) -> Turn:
    """Add the next message of an episode's command."""
    rules, customer_id = turn.rules, turn.customer.customer_id
    entry = rules.catalogue.entry(episode.reason_code)
    command = Command(
        command_id=episode.command_id,
        sequence=episode.sequence,
        action=action,
        kind=kind,
        customer_id=customer_id,
        institution_login_id=login_id,
        institution_id=turn.customer.logins[login_id].institution_id,
        account_ids=episode.account_ids,
        reason=Reason(code=episode.reason_code, cause=entry.cause, text=entry.text),
        steps=tuple(map(Step, episode.steps)),
        episode=EpisodeRef(opened_at=episode.opened_at, ordinal=episode.ordinal),
        not_after=turn.at + rules.policy.contact.not_after if action in _CONTACTS else None,
        withdraw_reason=withdraw_reason,
        evidence=Evidence(event_ids=(turn.event_id,) if turn.event_id else (), rules=(rule,)),
        policy_version=rules.policy_version,
        catalogue_version=rules.catalogue_version,
    )
    message = Outgoing(
        topic=COMMAND_TOPICS[kind],
        key=customer_id,
        id=f"{episode.command_id}:{episode.sequence}",
        time=turn.at,
        subject=f"customers/{customer_id}/logins/{login_id}",
        data=command,
    )
    return replace(turn.by(rule), messages=(*turn.messages, message))
