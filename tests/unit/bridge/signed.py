"""Signs bodies for the tests of the bridge, as the vendor would."""

from streams.bridge.checks import Signing
from streams.kafka.view import ViewRecord
from streams.signatures import Strategy, connect_signature, txpush_signature
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.view import KeysOf, SigningKeys

HOST, SECRET, OLD_SECRET = "hooks.example.com", "partner-secret-new", "partner-secret-old"
SEALING_KEY = "sealing-key-of-these-tests-0000000"
CUSTOMER = "7000000042"
KEYS = {"5900000001": "signing-key-one", "5900000002": "signing-key-two"}
SIGNING = Signing(host=HOST, partner_secrets=(SECRET, OLD_SECRET), sealing_keys=(SEALING_KEY,))


class Known:
    """Keys as the bridge has them, which may not have been read to their end."""

    def __init__(self, *, current: bool = True) -> None:
        self.sealing = Sealing([SEALING_KEY])
        self.keys = SigningKeys(self.sealing)
        self.current = current

    def of(self, account_id: str) -> KeysOf | None:
        return self.keys.of(account_id)

    def is_current(self) -> bool:
        return self.current

    def subscribe(self, account_id: str, *keys: str, customer_id: str = CUSTOMER) -> None:
        """Hear of subscriptions of an account, one after the other, each with keys of its own."""
        held, name = None, record_key(customer_id, account_id)
        for key in keys:
            grants = [Grant("1", "account", key), Grant("2", "transaction", f"{key}-transaction")]
            held = renewed(held, grants, "https://callback", "2026-11-01T03:00:00Z")
        value = None if held is None else self.sealing.seal(name, held)
        self.keys.hear(ViewRecord("txpush.subscriptions", 0, 0, name, value, 0))

    def forget(self, account_id: str) -> None:
        """Hear that an account has no subscription any more."""
        self.subscribe(account_id)


def subscribed() -> Known:
    """Give the keys of the accounts of the samples."""
    known = Known()
    for account_id, key in KEYS.items():
        known.subscribe(account_id, key)
    return known


def txpush(
    body: bytes,
    key: str,
    *,
    host: str = HOST,
    strategy: Strategy = Strategy.CONCAT_HEX,
    header: str = "txpush-signature",
    content_type: str = "application/json",
) -> dict[str, str]:
    """Give the headers of a notification."""
    return {"content-type": content_type, header: txpush_signature(strategy, key, content_type, host, body)}


def connect(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Give the headers of a Data Connect webhook."""
    return {"X-Finicity-Signature": connect_signature(secret, body)}
