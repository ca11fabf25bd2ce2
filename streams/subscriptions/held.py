"""What is held of one account's subscriptions, and how it changes when the account is subscribed again."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

MAX_KEYS = 2
"""Signing keys that are valid at once for a class: the newest, and the one before it."""


class Grant(NamedTuple):
    """One subscription as the vendor answered it: class `account` or `transaction`, and its signing key."""

    id: str
    class_name: str
    signing_key: str

    def __repr__(self) -> str:
        """Show no key."""
        return f"Grant(id={self.id!r}, class_name={self.class_name!r})"


class Held(msgspec.Struct, frozen=True):
    """The subscriptions of one account.

    Attributes:
        callback_url: where they lead; has the path token.
        ids: of the present subscriptions, by class.
        keys: signing keys by class, the newest first.
        subscribed_at: RFC 3339.
        begun: a subscribe call was about to be made, or former subscriptions to be ended, and no more is known: there
            may be subscriptions whose keys nobody has.
    """

    callback_url: str
    ids: Mapping[str, str]
    keys: Mapping[str, tuple[str, ...]]
    subscribed_at: str
    begun: bool = False

    def __repr__(self) -> str:
        """Show neither keys nor the path token."""
        return f"Held(classes={sorted(self.keys)}, subscribed_at={self.subscribed_at!r})"


def renewed(before: Held | None, grants: Iterable[Grant], callback_url: str, at: str) -> Held:
    """Take what a subscribe call answered; of each class the key before the newest stays valid.

    A notification signed with the former key may be on its way for six hours, and whether the vendor makes a new key at
    all when an account is subscribed again is not established (domain 1.2).
    """
    keys = {} if before is None else dict(before.keys)
    ids = {}
    for grant in grants:
        ids[grant.class_name] = grant.id
        former = [key for key in keys.get(grant.class_name, ()) if key != grant.signing_key]
        keys[grant.class_name] = (grant.signing_key, *former)[:MAX_KEYS]
    return Held(callback_url, ids, keys, at)


def begun(before: Held | None, at: str) -> Held:
    """Give the record of an account that is about to be subscribed: former keys stay valid."""
    former = before or Held("", {}, {}, at)
    return Held(former.callback_url, former.ids, former.keys, at, begun=True)


def record_key(customer_id: str, account_id: str) -> bytes:
    """Give the key of an account's record on the topic; ids have no slashes."""
    return f"{customer_id}/{account_id}".encode()


class Account(NamedTuple):
    """An account by its customer."""

    customer_id: str
    account_id: str

    @classmethod
    def of(cls, key: bytes) -> "Account":
        """Read the key of a record of `txpush.subscriptions` or `account.health`.

        Raises:
            ValueError: it is none.
        """
        customer_id, slash, account_id = key.decode().partition("/")
        if not (customer_id and slash and account_id) or "/" in account_id:
            raise ValueError("not the key of an account")
        return cls(customer_id, account_id)

    @property
    def key(self) -> bytes:
        """The key of its records."""
        return record_key(self.customer_id, self.account_id)
