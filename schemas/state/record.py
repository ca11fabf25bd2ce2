"""The base of all state: immutable records, encoded as compact JSON.

These are ours alone, so they are msgspec structs: a fold makes several a record, and their cost is the agent's speed.
Absent fields stand for their defaults.
"""

import msgspec
from msgspec import field
from msgspec.structs import replace

__all__ = ["Record", "encode", "field", "replace"]


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable record, changed only by `replace`."""


encode = msgspec.json.Encoder(order=None).encode
