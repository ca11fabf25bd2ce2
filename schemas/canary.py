"""What comes out for a canary: proof that an event of its partition becomes a message, never a command to anybody."""

from typing import Literal

from schemas.base import Model

CANARY_TOPIC = "remediation.canary"


class CanarySeen(Model):
    """The agent's word on a canary: the id that it was sent under, and that of its event in the log."""

    kind: Literal["canary"] = "canary"
    canary_id: str
    customer_id: str
    event_id: str
