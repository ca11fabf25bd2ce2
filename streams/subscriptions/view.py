"""The signing keys that the bridge checks with, in memory, by account: read from the topic and followed."""

import asyncio
import contextlib
import logging
from typing import NamedTuple

from streams.kafka.access import Bootstrap
from streams.kafka.topics import SUBSCRIPTIONS
from streams.kafka.view import TopicView, ViewRecord
from streams.signatures import txpush_key
from streams.subscriptions.held import Account, Held
from streams.subscriptions.sealing import Sealing, UnopenedError

log = logging.getLogger(__name__)

LAG_SECONDS = 15.0
"""From here on a key that is not known may be one that is not known yet."""


class KeysOf(NamedTuple):
    """What an account's notifications may be signed with, by class, each key as `txpush_key` gives it."""

    customer_id: str
    by_class: dict[str, tuple[bytes, ...]]

    def __repr__(self) -> str:
        """Show whose they are, and no key."""
        return f"KeysOf({self.customer_id!r}, {sorted(self.by_class)})"

    def of_class(self, class_name: str) -> tuple[bytes, ...]:
        """Give the keys of a class; of one that the vendor has not named yet, all."""
        keys = self.by_class.get(class_name)
        return keys if keys is not None else tuple(key for keys in self.by_class.values() for key in keys)


class SigningKeys:
    """Signing keys by account id; hears the records of `txpush.subscriptions`.

    A record that cannot be opened takes no key away, and is counted; more of them than of the others mean that the
    sealing keys are wrong.
    """

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing
        self._keys: dict[str, KeysOf] = {}
        self._unopened: dict[bytes, str] = {}

    def __len__(self) -> int:
        """Give the number of accounts."""
        return len(self._keys)

    def of(self, account_id: str) -> KeysOf | None:
        """Give the keys of an account."""
        return self._keys.get(account_id)

    def hear(self, record: ViewRecord) -> None:
        """Take a record."""
        key = record.key or b""
        try:
            account = Account.of(key)
            held = None if record.value is None else self._sealing.open(key, record.value)
        except ValueError as error:
            self._tell(record, key, error)
            return
        self._unopened.pop(key, None)
        if held is not None:
            self._keys[account.account_id] = _keys_of(account, held)
        elif (known := self._keys.get(account.account_id)) and known.customer_id == account.customer_id:
            del self._keys[account.account_id]

    @property
    def unopened(self) -> int:
        """How many records cannot be opened."""
        return len(self._unopened)

    def problems(self) -> list[str]:
        """Say why most records cannot be opened; nothing when most can."""
        if len(self._unopened) <= len(self._keys):
            return []
        why = "; ".join(sorted(set(self._unopened.values())))
        what = f"{len(self._unopened)} records of {SUBSCRIPTIONS} cannot be read: {why}"
        return [f"{what}; set TXPUSH_SEALING_KEYS to what `txpush subscribe` has, or subscribe anew"]

    def _tell(self, record: ViewRecord, key: bytes, error: ValueError) -> None:
        why = str(error) if isinstance(error, UnopenedError) else "the key is not that of an account"
        if why not in self._unopened.values():
            log.error("%s/%d/%d cannot be read: %s", record.topic, record.partition, record.offset, why)
        self._unopened[key] = why


class KeyView:
    """Signing keys and the view that they come from."""

    def __init__(self, bootstrap: Bootstrap, sealing: Sealing, topic: str = SUBSCRIPTIONS) -> None:
        self.keys = SigningKeys(sealing)
        self._view = TopicView(bootstrap, [topic], self.keys.hear, client_id="txpush-signing-keys")

    def of(self, account_id: str) -> KeysOf | None:
        """Give the keys of an account."""
        return self.keys.of(account_id)

    async def start(self) -> None:
        """Begin to follow the topic and return at once."""
        await self._view.start()

    async def stop(self, seconds: float) -> None:
        """End, in so many seconds even without a broker; never raises."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._view.stop(), seconds)

    def lag_seconds(self) -> float:
        """Give how long it is since all keys were known."""
        return self._view.lag_seconds()

    def is_current(self) -> bool:
        """Tell whether a key that is not known can be said not to be there."""
        return not self.problems()

    def problems(self) -> list[str]:
        """Say in words what keeps notifications from being judged; nothing when all keys are known."""
        lag = self._view.lag_seconds()
        if lag <= LAG_SECONDS:
            return self.keys.problems()
        since = "have not been read yet" if lag == float("inf") else f"have not been read for {lag:.0f} s"
        waits = f"signing keys {since}; wait, or see whether the brokers are slow"
        return [*(self._view.problems() or [waits]), *self.keys.problems()]


def _keys_of(account: Account, held: Held) -> KeysOf:
    return KeysOf(
        account.customer_id, {name: tuple(txpush_key(key) for key in keys) for name, keys in held.keys.items()}
    )
