"""Whether an operator's silence holds a case's contact, and until when (R16)."""

from collections.abc import Iterable
from datetime import UTC, datetime

from schemas.state import Silence
from streams.domain.around import ALL
from streams.domain.customers.turn import Turn

NEVER = datetime.max.replace(tzinfo=UTC)
"""The end of a silence that lasts until another override."""


def silent_until(turn: Turn, login_id: str, account_ids: Iterable[str]) -> datetime | None:
    """Give when silences end, perhaps in the past; None where there is none; `NEVER`: not by itself.

    A silence of all customers, of the institution, of the customer or of the login holds a command, and so do those of
    accounts where every account that needs it is silenced.
    """
    around, customer = turn.around.silences, turn.customer.state.silences
    if not around and not customer:
        return None
    institution_id = turn.customer.case(login_id).institution_id
    scopes = [around.get(ALL), around.get(institution_id or ""), customer.get(""), customer.get(f"logins/{login_id}")]
    ends = [_end(silence) for silence in scopes if silence is not None]
    accounts = [customer.get(f"accounts/{account_id}") for account_id in account_ids]
    if accounts and None not in accounts:
        ends.append(min(_end(silence) for silence in accounts if silence is not None))
    return max(ends, default=None)


def _end(silence: Silence) -> datetime:
    return NEVER if silence.until is None else silence.until
