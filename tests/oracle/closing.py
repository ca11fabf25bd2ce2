"""How an episode ends: the action and the withdraw reason (R5)."""

from tests.oracle.messages import send
from tests.oracle.rules import CHALLENGE, CHALLENGE_REASONS, CONSENT, OTP, OTP_AT_ONCE, RELINK, REMOVE_DUPLICATE
from tests.oracle.state import Account, Case, Customer, Episode, Partition

_ORDER = ("complete", "healed", "otp", "superseded", "expired", "deleted")
"""Which outcome stands where several accounts leave at once in several ways."""


def close(partition: Partition, customer: Customer, case: Case, episode: Episode, outcome: str) -> None:
    """R5: end an episode; `outcome` is `complete` or a withdraw reason. Without an `issue` nothing goes out."""
    del case.episodes[episode.kind]
    if episode.issued and outcome == "complete":
        send(partition, customer, case, episode, "complete")
    elif episode.issued:
        send(partition, customer, case, episode, "withdraw", withdrawn=outcome)
    if episode.by_challenge and outcome in ("complete", "healed"):
        case.repaired_at, case.repair_used = customer.clock, False


def end_of(case: Case, episode: Episode, left: list[Account]) -> str:
    """R5: the outcome that the last accounts that needed the kind give it."""
    outcomes = {_outcome(case, episode, account) for account in left}
    return next((outcome for outcome in _ORDER if outcome in outcomes), "superseded")


def _outcome(case: Case, episode: Episode, account: Account) -> str:
    """R5, R15: how one account ceased to need the kind."""
    if account.deleted is not None:
        return "complete" if episode.kind in (RELINK, REMOVE_DUPLICATE) else "deleted"
    if episode.kind == CONSENT:
        return _consent_outcome(case, episode, account)
    if account.standing == 0 and episode.kind != OTP:
        moved = account.login != case.login
        unfixed = "superseded" if moved else "healed"
        return "complete" if episode.fixed else unfixed
    challenged = account.standing in (CHALLENGE, OTP_AT_ONCE) and case.marked and account.login == case.login
    return "otp" if challenged and episode.reason in CHALLENGE_REASONS else "superseded"


def _consent_outcome(case: Case, episode: Episode, account: Account) -> str:
    """R15: a moved date, a date that passed; R5 for an account that moved to another login with its date."""
    if account.passed:
        return "expired"
    if account.warned and account.expires is True and account.login != case.login:
        return "superseded"
    return "complete" if episode.fixed else "healed"
