"""Names for customers, accounts and logins that tell nobody who they are, and are the same wherever the key is."""

import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from enum import StrEnum

log = logging.getLogger(__name__)

KEY_BYTES = 32
NAME_BYTES = 10
"""80 bits: among ten million ids the odds that any two have one name are below one in ten billion."""
_NAME = re.compile(rf"([cal])_[0-9a-f]{{{2 * NAME_BYTES}}}(\.\d+)?")
"""With the number that an export puts behind the names of some customers."""
_OWN_KEY = (
    "pseudonyms are under a key that this process has made up, so no other process has the same: "
    "set TXPUSH_PSEUDONYM_KEYS to find a customer's lines by `txpush pseudonym`"
)


class Kind(StrEnum):
    """Whose id it is; the value is what the name begins with."""

    CUSTOMER = "c"
    ACCOUNT = "a"
    LOGIN = "l"


class Pseudonyms:
    """Makes names as `c_1f0c9b2a7d3e4f5a6b7c`: BLAKE2b of the id under a key of 32 bytes, apart for each kind.

    Without a key one is made up, for as long as this object lives; `is_own` says so, and the log at the first name.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self.take(keys)

    def take(self, keys: Sequence[bytes]) -> None:
        """Go on with other keys, the first for new names; none has one made up."""
        self.is_own = self._has_to_say = not keys
        self._keys = tuple(keys) or (secrets.token_bytes(KEY_BYTES),)

    def name(self, kind: Kind, identity: str) -> str:
        """Give the name of an id under the first key."""
        if self._has_to_say:
            self._has_to_say = False
            log.info(_OWN_KEY)
        return _name(self._keys[0], kind, identity)

    def every_name(self, kind: Kind, identity: str) -> list[str]:
        """Give the names under all keys, that of the first one first: lines of before a change have the others."""
        return [_name(key, kind, identity) for key in self._keys]


def _name(key: bytes, kind: Kind, identity: str) -> str:
    text = identity.encode(errors="backslashreplace")
    hashed = hashlib.blake2b(text, digest_size=NAME_BYTES, key=key, person=b"txpush " + kind.value.encode())
    return f"{kind.value}_{hashed.hexdigest()}"


def kind_of(text: str) -> Kind | None:
    """Tell whose name it is, under whatever key; None where it has not the form of one."""
    found = _NAME.fullmatch(text)
    return None if found is None else Kind(found[1])


OURS = Pseudonyms()
"""What this process names people by: whoever starts a log gives it the keys of the settings."""


def customer(identity: str) -> str:
    """Name a customer by its id."""
    return OURS.name(Kind.CUSTOMER, identity)


def account(identity: str) -> str:
    """Name an account by its id."""
    return OURS.name(Kind.ACCOUNT, identity)


def login(identity: str) -> str:
    """Name an institution login by its id."""
    return OURS.name(Kind.LOGIN, identity)
