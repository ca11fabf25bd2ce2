"""What a sandbox is told: the one partner it knows, its seed, and the habits of the vendor that are its to choose."""

from dataclasses import dataclass, field

from streams.signatures import Strategy


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """One sandbox; the credentials are made up and known to everybody unless others are given.

    Attributes:
        seed: tokens, keys and every draw of a fault follow from it, and from nothing else.
        signature_strategy: how TxPUSH notifications are signed, by the names of `streams.signatures` (domain 1.6).
        any_port: let callbacks have ports other than 80 and 443 on other machines than this one (domain 1.3).
        nightly_hour: hour of the day, UTC, at which the nightly batch runs.
        refresh_after_seconds: from the end of a Data Connect session to the refresh that follows it.
        event_on_attempt: send a notification where nothing but the attempt's date has changed (domain 10, 4).
        slow_seconds: what signing in as `discovertimeout` takes, in real time.
        webhook_seconds: longest wait for a listener, in real time.
        senders: listeners that are waited for at once.
        max_pending: webhooks that wait for their time, at most; past it new ones are dropped and counted.
    """

    partner_id: str = "sandbox-partner"
    partner_secret: str = field(default="sandbox-secret-1", repr=False)
    app_key: str = field(default="sandbox-app-key", repr=False)
    seed: str = "sandbox"
    signature_strategy: Strategy = Strategy.CONCAT_HEX
    any_port: bool = False
    nightly_hour: int = 8
    refresh_after_seconds: float = 2.0
    event_on_attempt: bool = False
    slow_seconds: float = 3.0
    webhook_seconds: float = 10.0
    senders: int = 16
    max_pending: int = 100_000
