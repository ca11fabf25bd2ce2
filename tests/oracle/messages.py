"""Commands and lookups as they go out (section 5)."""

from datetime import datetime
from uuid import uuid5

from schemas.commands import COMMAND_NAMESPACE
from tests.oracle.reading import rfc3339
from tests.oracle.rules import CONSENT, CUSTOMER_FACING, OTP, Rules
from tests.oracle.state import Account, Case, Customer, Episode, Message, Partition


def command_name(customer: str, login: str, kind: str, opened_at: datetime, ordinal: int) -> str:
    """Section 5: the id of a command, over `customer/login/kind/opened_at/ordinal`."""
    return str(uuid5(COMMAND_NAMESPACE, f"{customer}/{login}/{kind}/{rfc3339(opened_at)}/{ordinal}"))


def reason_now(rules: Rules, customer: Customer, case: Case, episode: Episode) -> int | None:
    """R3: the highest rank among the failing accounts; at equal rank the one stated stays, else the smaller code."""
    if episode.kind == CONSENT:
        return None
    if episode.kind == OTP:
        return case.mark_code
    standing = [customer.accounts[one].standing for one in episode.accounts]
    codes = [code for code in standing if code is not None]
    highest = max(rules.rank(code) for code in codes)
    tied = [code for code in codes if rules.rank(code) == highest]
    return episode.reason if episode.reason in tied else min(tied)


def send(
    partition: Partition, customer: Customer, case: Case, episode: Episode, action: str, *, withdrawn: str | None = None
) -> None:
    """Section 5: one message of a command; `time` is the event time, or the time that the timer was due."""
    data: Message = {
        "command_id": episode.command_id,
        "sequence": episode.sequence,
        "action": action,
        "kind": episode.kind,
        "customer_id": customer.id,
        "institution_login_id": case.login,
        "institution_id": case.institution,
        "account_ids": sorted(episode.accounts),
        "reason": {"code": episode.reason},
        "steps": list(episode.steps),
        "episode": {
            "opened_at": rfc3339(episode.opened_at),
            "ordinal": episode.ordinal,
            "relapses": episode.relapses,
        },
    }
    if action in ("issue", "remind") and episode.kind in CUSTOMER_FACING:
        data["not_after"] = rfc3339(customer.clock + partition.rules.hours("contact", "not_after_hours"))
    if withdrawn is not None:
        data["withdraw_reason"] = withdrawn
    partition.out.append(
        {
            "topic": f"remediation.{episode.kind}",
            "id": f"{episode.command_id}:{episode.sequence}",
            "time": rfc3339(customer.clock),
            "data": data,
        }
    )
    episode.sequence += 1
    customer.commands[episode.command_id] = case.login


def restate(partition: Partition, customer: Customer, case: Case, episode: Episode, action: str) -> None:
    """R3: a message that asks for something states reason and steps as they are now."""
    episode.reason = reason_now(partition.rules, customer, case, episode)
    episode.steps = partition.rules.steps(episode.kind, episode.reason)
    send(partition, customer, case, episode, action)


def issue(partition: Partition, customer: Customer, case: Case, episode: Episode) -> None:
    """R3: the first message of a command."""
    restate(partition, customer, case, episode, "issue")
    episode.issued = True


def look_up(partition: Partition, customer: Customer, action: str, login: str | None, accounts: list[Account]) -> None:
    """Section 5, lookups: `locate` (R14) or `verify` (R6); no command id."""
    partition.out.append(
        {
            "topic": "remediation.lookup",
            "time": rfc3339(customer.clock),
            "data": {
                "kind": "lookup",
                "action": action,
                "customer_id": customer.id,
                "institution_login_id": login,
                "account_ids": sorted(account.id for account in accounts),
            },
        }
    )
