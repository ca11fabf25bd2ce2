"""Names that stand for ids in an export: keyed hashes, each in the partition of the id that it stands for."""

import hashlib
import uuid
from collections.abc import Mapping
from functools import lru_cache

from streams.history.exports.placed import placed
from streams.pseudonyms import Kind, Pseudonyms

REMEMBERED = 200_000
KNOWN_BY = "which key"


class Names:
    """The names of one export.

    A customer's name is that of `txpush pseudonym`, with a dot and a number behind it where it needs one to lie in the
    customer's partition: the records of an export stay where they are, and their keys belong there.

    Args:
        key: of 32 bytes.
        partitions: of every topic.
        whose: the customers who have other names; None for all of them.
        commands: ids of commands and look-ups by the id that they have under the names.
    """

    def __init__(
        self, key: bytes, partitions: int, whose: frozenset[str] | None, commands: Mapping[str, str] | None = None
    ) -> None:
        self._key = key
        self._whose = whose
        self._commands = commands or {}
        pseudonyms = Pseudonyms((key,))
        remembered = lru_cache(REMEMBERED)
        self.account = remembered(lambda identity: pseudonyms.name(Kind.ACCOUNT, identity))
        self.login = remembered(lambda identity: pseudonyms.name(Kind.LOGIN, identity))
        self._customer = remembered(
            lambda identity: placed(pseudonyms.name(Kind.CUSTOMER, identity), identity, partitions)
        )

    def applies(self, customer: str) -> bool:
        """Tell whether another name stands for a customer."""
        return self._whose is None or customer in self._whose

    @property
    def is_for_all(self) -> bool:
        """Whether nobody keeps a name."""
        return self._whose is None

    def customer(self, identity: str) -> str:
        """Give the name of a customer."""
        return self._customer(identity)

    def command(self, identity: str) -> str:
        """Give the id of a command or a look-up under the names, or one that nobody can trace where it is not known."""
        return self._commands.get(identity) or str(uuid.UUID(bytes=self._hashed(identity, 16)))

    def hash(self, text: str) -> str:
        """Give a hash that stands for a hash: who knows what was hashed cannot tell."""
        return self._hashed(text, 32).hex()

    def _hashed(self, text: str, size: int) -> bytes:
        return hashlib.blake2b(text.encode(), digest_size=size, key=self._key, person=b"txpush export").digest()


def key_name(key: bytes) -> str:
    """Say which key it is, without saying the key."""
    return hashlib.blake2b(KNOWN_BY.encode(), digest_size=16, key=key, person=b"txpush export").hexdigest()
