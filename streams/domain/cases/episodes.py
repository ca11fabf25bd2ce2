"""One episode of a case and kind (R4): kept in its case, issued, brought up to date, and closed (R5)."""

from typing import Any

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, Action, WithdrawReason
from schemas.state import EpisodeState, replace
from streams.domain.cases.commands import send
from streams.domain.customers.turn import Turn
from streams.domain.rules import Rule

CLOSED_IDS = 16
"""How many closed commands still name their case: more than a link can be in a case before it expires, at one a day."""
ID_LENGTH = 8
"""How much of a closed command's id is kept: enough to tell it from the others of its customer."""
_UNASKED: dict[str, Any] = {
    **dict.fromkeys(("fix_at", "schedule_at", "remind_since", "remind_not_before")),
    "is_pending": False,
    "verified": False,
    "reminders_used": 0,
}
"""A case without a customer-facing episode."""
_REPAIRS = (None, WithdrawReason.HEALED)


def store(turn: Turn, login_id: str, kind: Kind, episode: EpisodeState) -> Turn:
    """Put an episode into its case."""
    return turn.with_case(login_id, episodes={**turn.customer.case(login_id).episodes, kind.value: episode})


def issue(turn: Turn, login_id: str, kind: Kind, *, rule: Rule) -> Turn:
    """Send the first message of an episode's command."""
    episode = replace(turn.customer.case(login_id).episodes[kind], sequence=0, waiting_since=None)
    return send(store(turn, login_id, kind, episode), login_id, kind, episode, Action.ISSUE, rule=rule)


def restate(turn: Turn, login_id: str, kind: Kind, stated: EpisodeState) -> Turn:
    """Take an episode's new reason, steps and accounts; a command that is out is told of reason and steps (R3)."""
    before = turn.customer.case(login_id).episodes[kind]
    is_told = (stated.reason_code, stated.steps) != (before.reason_code, before.steps) and before.sequence >= 0
    if not is_told:
        return store(turn, login_id, kind, stated)
    stated = replace(stated, sequence=before.sequence + 1)
    return send(store(turn, login_id, kind, stated), login_id, kind, stated, Action.UPDATE, rule=Rule.R3)


def close(turn: Turn, login_id: str, kind: Kind, withdrawn: WithdrawReason | None, *, rule: Rule = Rule.R5) -> Turn:
    """End an open episode: `complete` where `withdrawn` is None; a command that never went out is not told of."""
    login = turn.customer.case(login_id)
    episode = login.episodes[kind]
    others = {other: kept for other, kept in login.episodes.items() if other != kind}
    changes: dict[str, Any] = {"episodes": others}
    if episode.sequence >= 0:
        last = replace(episode, sequence=episode.sequence + 1)
        action = Action.COMPLETE if withdrawn is None else Action.WITHDRAW
        turn = send(turn, login_id, kind, last, action, rule=rule, withdraw_reason=withdrawn)
        changes["closed_ids"] = (*login.closed_ids, episode.command_id[:ID_LENGTH])[-CLOSED_IDS:]
    if episode.opened_by_challenge and withdrawn in _REPAIRS:
        changes |= {"repaired_at": turn.at, "repair_used": False}
    return turn.with_case(login_id, **changes).by(rule)


def rest(turn: Turn, login_id: str) -> Turn:
    """End the pending fix and the reminders of a case that asks nothing of its customer any more (R6, R8)."""
    login = turn.customer.logins.get(login_id)
    if login is None or any(kind in login.episodes for kind in CONTACT_KINDS):
        return turn
    return turn.with_case(login_id, **_UNASKED)
