"""One webhook: where it goes, what it says, how it is signed, and when it comes again if nobody answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

AGAIN_MINUTES = 30
TXPUSH_HOURS = 6
CONNECT_DAYS = 3
CONNECT_WAITS = (0.012, 0.072, 0.432, 2.6, 15.6, 93.0)
HOUR_SECONDS = 3600.0

Sign = Callable[[bytes], str]


class Sender(StrEnum):
    """Which of the vendor's two systems sends."""

    TXPUSH = "txpush"
    CONNECT = "connect"


@dataclass(slots=True)
class Webhook:
    """What is to be delivered.

    Attributes:
        lane: webhooks of one lane are delivered one after the other; the customer's id.
        signature_header: name of the header that carries the signature.
        sign: gives the signature of the bytes that go out.
        first_due: when it was to be delivered first; repetitions count from there.
        due: when it is to be delivered next.
        tries: how often that was tried.
        is_garbled: the body goes out cut off, with a signature that fits it.
        is_forged: the first try carries a signature that does not fit.
    """

    sender: Sender
    lane: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    signature_header: str
    sign: Sign = field(repr=False)
    first_due: datetime
    due: datetime
    tries: int = 0
    is_garbled: bool = False
    is_forged: bool = False

    def content(self) -> bytes:
        """Give the bytes that go out."""
        return self.body[: len(self.body) // 2] if self.is_garbled else self.body

    def signed_headers(self) -> dict[str, str]:
        """Give the headers that go out with this try."""
        signature = self.sign(self.content())
        if self.is_forged and self.tries == 0:
            signature = signature[::-1]
        return {**self.headers, self.signature_header: signature}

    def again_at(self) -> datetime | None:
        """Give when to try again after a try that was not acknowledged; None when it is given up."""
        return _txpush_again(self) if self.sender is Sender.TXPUSH else _connect_again(self)


def _txpush_again(webhook: Webhook) -> datetime | None:
    """Every 30 minutes up to 6 hours (domain 1.3)."""
    again = webhook.due + timedelta(minutes=AGAIN_MINUTES)
    return again if again <= webhook.first_due + timedelta(hours=TXPUSH_HOURS) else None


def _connect_again(webhook: Webhook) -> datetime | None:
    """After 12 ms, six times that, and so on, then hourly for 3 days (domain 4.2)."""
    index = webhook.tries - 1
    wait = CONNECT_WAITS[index] if index < len(CONNECT_WAITS) else HOUR_SECONDS
    again = webhook.due + timedelta(seconds=wait)
    return again if again <= webhook.first_due + timedelta(days=CONNECT_DAYS) else None
