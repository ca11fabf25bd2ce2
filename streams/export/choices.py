"""What of a cluster is exported, and how much of it is changed on the way."""

import hashlib
from collections.abc import Sequence

import msgspec

from streams.history import Content
from streams.kafka.topics import SUBSCRIPTIONS, TABLES, VENDOR_AUTH, changelog, contract

SECRET = (SUBSCRIPTIONS, VENDOR_AUTH)
"""Topics that are exported only where they are asked for: signing keys, sealed, and hashes of refused credentials."""
STATE = tuple(changelog(application, table) for application, tables in TABLES.items() for table in tables)
CONTROLS = tuple(changelog(application, "control") for application in TABLES)
"""What every transaction of an agent writes to: whether it has moved tells whether anything has."""
COMPACTED = frozenset(topic.name for topic in contract() if topic.config["cleanup.policy"] == "compact")
"""Topics that have the present only: no range of time is cut out of them."""
HASHED = b"txpush choices"
"""What the hashes of customers in a plan are made for: under the same key none for another purpose is alike."""


class ExportError(RuntimeError):
    """The export or import cannot be begun, or not go on; the message says what to do."""


class Choices(msgspec.Struct, frozen=True):
    """What was asked for; a run that goes on with another's has to ask for the same.

    Attributes:
        topics: in the order of the contract.
        content: what of the records stays as it is.
        since_ms, until_ms: times in milliseconds since 1970, without the last; None for no bound.
        customers: whose records alone are wanted; empty for everybody's.
        names: which key names people, as a hash of it; empty where the records keep all names.
    """

    topics: tuple[str, ...]
    content: Content = Content.STRIPPED
    since_ms: int | None = None
    until_ms: int | None = None
    customers: tuple[str, ...] = ()
    names: str = ""

    def kept(self, key: bytes) -> "Choices":
        """Give them as they may be kept in the folder of an export: with hashes in place of customers' ids."""
        hashed = (hashlib.blake2b(one.encode(), digest_size=16, key=key, person=HASHED) for one in self.customers)
        return msgspec.structs.replace(self, customers=tuple(one.hexdigest() for one in hashed))

    @property
    def state(self) -> tuple[str, ...]:
        """The topics that have to be of one moment with each other."""
        return tuple(topic for topic in self.topics if topic in STATE)


def chosen_topics(named: Sequence[str], *, secrets: bool, until: bool) -> tuple[str, ...]:
    """Give the topics that are meant: those named, or all but the secret ones; the present has no range of time.

    Raises:
        ExportError: one is none of the contract's, or was not asked for as it has to be.
    """
    known = [topic.name for topic in contract()]
    if strange := sorted(set(named) - set(known)):
        raise ExportError(f"no such topic: {', '.join(strange)}; there are {', '.join(known)}")
    if (hidden := sorted(set(named) & set(SECRET))) and not secrets:
        raise ExportError(f"{', '.join(hidden)}: exported with --secrets only, sealed as it is")
    wanted = set(named) or set(known) - (COMPACTED if until else set())
    if not secrets:
        wanted -= set(SECRET)
    return tuple(topic for topic in known if topic in wanted)
