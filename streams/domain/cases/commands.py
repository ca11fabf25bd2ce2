"""The messages of a case: each command's next one."""

from uuid import uuid5

from schemas.catalogue import Kind, Step
from schemas.commands import (
    COMMAND_NAMESPACE,
    COMMAND_TOPICS,
    CONTACT_KINDS,
    LOOKUP_TOPIC,
    Action,
    Command,
    EpisodeRef,
    Evidence,
    Lookup,
    LookupAction,
    Reason,
    WithdrawReason,
)
from schemas.state import EpisodeState, replace
from schemas.times import rfc3339
from streams.domain.customers.turn import Turn
from streams.domain.messages import Outgoing
from streams.domain.rules import Rule, Rules

CONSENT_REASON = Reason(code=None, cause="consent_ending", text="Authorisation at the bank is about to end")
_CONTACTS = (Action.ISSUE, Action.REMIND)


def send(
    turn: Turn,
    login_id: str,
    kind: Kind,
    episode: EpisodeState,
    action: Action,
    *,
    rule: Rule,
    withdraw_reason: WithdrawReason | None = None,
) -> Turn:
    """Add the message of `episode.sequence` of an episode's command."""
    rules, customer_id = turn.rules, turn.customer.customer_id
    is_contact = action in _CONTACTS and kind in CONTACT_KINDS
    command = Command(
        command_id=episode.command_id,
        sequence=episode.sequence,
        action=action,
        kind=kind,
        customer_id=customer_id,
        institution_login_id=login_id,
        institution_id=turn.customer.case(login_id).institution_id,
        account_ids=episode.account_ids,
        reason=_reason(episode.reason_code, rules),
        steps=tuple(map(Step, episode.steps)),
        episode=EpisodeRef(opened_at=episode.opened_at, ordinal=episode.ordinal, relapses=episode.relapses),
        not_after=turn.at + rules.policy.contact.not_after if is_contact else None,
        withdraw_reason=withdraw_reason,
        evidence=Evidence(event_ids=(turn.event_id,) if turn.event_id else (), rules=(rule.name,)),
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


def _reason(code: int | None, rules: Rules) -> Reason:
    if code is None:
        return CONSENT_REASON
    entry = rules.catalogue.entry(code)
    return Reason(code=code, cause=entry.cause, text=entry.text)


def look_up(
    turn: Turn, action: LookupAction, login_id: str | None, account_ids: tuple[str, ...], *, rule: Rule
) -> Turn:
    """Add a request to the executor; its id says what is asked for and when."""
    customer_id = turn.customer.customer_id
    name = f"{customer_id}/{login_id or ''}/{action}/{','.join(account_ids)}/{rfc3339(turn.at)}"
    message = Outgoing(
        topic=LOOKUP_TOPIC,
        key=customer_id,
        id=f"lookup:{uuid5(COMMAND_NAMESPACE, name)}",
        time=turn.at,
        subject=f"customers/{customer_id}",
        data=Lookup(action=action, customer_id=customer_id, institution_login_id=login_id, account_ids=account_ids),
    )
    return replace(turn.by(rule), messages=(*turn.messages, message))


def command_id(customer_id: str, login_id: str, kind: Kind, episode_name: str) -> str:
    """Derive the id of a command: the same log gives the same one on any cluster."""
    return str(uuid5(COMMAND_NAMESPACE, f"{customer_id}/{login_id}/{kind.value}/{episode_name}"))
