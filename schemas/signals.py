"""The second log: what the agent tells the institution agent about failing logins (`institution.signals`)."""

from enum import StrEnum

from schemas.base import Model


class SignalType(StrEnum):
    """The `ce_type` of a signal."""

    FAILING = "institution.login.failing"
    LEFT = "institution.login.left"


class Signal(Model):
    """A login's standing at a code of its institution; the event time is the record's own.

    `failing` is one per failing observation, `entered` true where no account of the login stood at the code before;
    `left` says that no account of the login stands at the code any more.
    """

    institution_id: str
    code: int
    customer_id: str
    institution_login_id: str | None
    account_id: str
    entered: bool
    event_id: str
    source_partition: int
    source_offset: int
