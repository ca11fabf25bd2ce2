"""A command message as far as two policies are compared by it."""

from typing import Any

import msgspec
import orjson

from schemas.catalogue import Kind
from schemas.commands import CONTACT_KINDS, Action, TicketCause

INCIDENT = TicketCause.INCIDENT.value
_CONTACTS = frozenset(kind.value for kind in CONTACT_KINDS)
_ASKING = frozenset({Action.ISSUE.value, Action.REMIND.value})
COMPARED = ("action", "reason", "steps", "time", "withdraw_reason", "account_ids")
"""What of two messages of one id is compared."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """One message of a command.

    Attributes:
        id: of the message, `<command_id>:<sequence>`.
        command_id: which command it is of.
        time: milliseconds since 1970.
        kind, action: what it says; a ticket of an incident is of the kind `incident`.
        key: whose it is, a customer's or an institution's id.
        reason: the code that is stated.
        rules: that led to it, the evidence's.
        steps, withdraw_reason, account_ids: as in the message.
    """

    id: str
    command_id: str
    time: int
    kind: str
    action: str
    key: str
    reason: int | None
    rules: tuple[str, ...]
    steps: tuple[str, ...]
    withdraw_reason: str | None
    account_ids: tuple[str, ...]

    @property
    def is_contact(self) -> bool:
        """Whether it asks for contact with a customer."""
        return self.kind in _CONTACTS and self.action in _ASKING

    @property
    def is_repair(self) -> bool:
        """Whether it says that a customer has repaired something."""
        return self.kind in _CONTACTS and self.action == Action.COMPLETE

    @property
    def is_escalation(self) -> bool:
        """Whether a login was found that asks for a passcode every time."""
        return self.kind == Kind.OTP_ESCALATION and self.action == Action.ISSUE


def read(key: bytes | None, value: bytes, timestamp: int) -> Said:
    """Read a message of a command topic.

    Raises:
        ValueError: it is none.
    """
    data: Any = orjson.loads(value)
    try:
        is_incident = data.get("cause") == INCIDENT
        said = {
            "id": f"{data['command_id']}:{data['sequence']}",
            "command_id": data["command_id"],
            "time": timestamp,
            "kind": INCIDENT if is_incident else data["kind"],
            "action": data["action"],
            "key": (key or b"").decode(errors="replace"),
            "reason": data["reason"]["code"],
            "rules": data["evidence"]["rules"],
            "steps": data["steps"],
            "withdraw_reason": data.get("withdraw_reason"),
            "account_ids": data.get("account_ids", ()),
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no command: {error!r}") from error
    return msgspec.convert(said, Said)
