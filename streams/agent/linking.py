"""Which messages of the agent carry a link of ours: added outside the core, so that replay compares without it."""

from schemas.catalogue import Kind, Step
from schemas.commands import Action, Command
from streams.domain import Outgoing, Rules
from streams.links import FixLinks

_BY_RULE = (Kind.OTP_ESCALATION, Kind.CONSENT_RENEWAL)
_OPEN = (Action.ISSUE, Action.UPDATE, Action.REMIND)


def fix_url(links: FixLinks | None, message: Outgoing, rules: Rules) -> str | None:
    """Give the link that goes with a message; the same message always gets the same one."""
    command = message.data
    if links is None or not isinstance(command, Command) or command.action not in _OPEN:
        return None
    return links.url(command.command_id, message.time) if _is_mended_by_fix(command, rules) else None


def _is_mended_by_fix(command: Command, rules: Rules) -> bool:
    if command.kind in _BY_RULE:
        policy = rules.policy
        return rules.catalogue.rule_remedy(command.kind, fix_integrated=policy.fix_integrated).fix_url
    return command.kind is Kind.CONNECT_FIX and Step.RECONNECT_IN_DATA_CONNECT not in command.steps
