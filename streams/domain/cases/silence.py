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

    A silence of all customers, of the customer or of the login holds a command, and so do those of accounts and of
    their institutions where every account that needs it is silenced.
    """
    around, customer = turn.around.silences, turn.customer.state.silences
    if not around and not customer:
        return None
    scopes = [around.get(ALL), customer.get(""), customer.get(f"logins/{login_id}")]
    accounts = [_account_until(turn, account_id) for account_id in account_ids]
    ends = [_end(scopes), None if None in accounts else min(filter(None, accounts), default=None)]
    return max(filter(None, ends), default=None)


def _account_until(turn: Turn, account_id: str) -> datetime | None:
    institution_id = turn.customer.accounts[account_id].institution_id
    own = turn.customer.state.silences.get(f"accounts/{account_id}")
    return _end([own, turn.around.silences.get(institution_id or "")])


def _end(silences: Iterable[Silence | None]) -> datetime | None:
    """Give when the last of some silences ends."""
    ends = (NEVER if silence.until is None else silence.until for silence in silences if silence is not None)
    return max(ends, default=None)
