"""What is asked: whose story, and which part of it."""

from dataclasses import dataclass
from datetime import datetime


class ExplainError(RuntimeError):
    """The story cannot be told; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one customer.

    Attributes:
        customer_id: whose story it is.
        account_id: the account that it is about, with its login; None for all.
        since: what came before it is followed, but not told.
        at: how things stood then; None for now.
    """

    customer_id: str
    account_id: str | None = None
    since: datetime | None = None
    at: datetime | None = None
