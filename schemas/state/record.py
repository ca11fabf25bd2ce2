"""The base of all state: immutable records, encoded as compact JSON.

These are ours alone, so they are msgspec structs: a fold makes several a record, and their cost is the agent's speed.
Absent fields stand for their defaults.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import field
from msgspec.structs import replace

__all__ = ["Moment", "Record", "encode", "field", "replace"]


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: one without could be compared with none of the others."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An immutable record, changed only by `replace`."""


encode = msgspec.json.Encoder(order=None).encode
