"""A chain as a checkpoint has it: how far it was proven, and where everything goes on."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from streams.audit.plan import Mark, Start
from streams.history import Number, Place

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One partition of one log.

    Attributes:
        topic_id: the topic's, on the cluster of the checkpoint.
        offset: the first inbound record that is not in it.
        audit_head: SHA-256 of the last decision, lower-case hex.
        inputs: the roll over the inbound records since that decision.
        decisions: how many there were since the beginning; None where the beginning was not there any more.
        audit_at: the offset of the first audit record that is not in it.
        outputs: for each topic of messages of this partition, the first that no decision in it names.
        checked_to: of a partition of signals: up to where they were held against the decisions that name them.
    """

    topic: str
    topic_id: str
    partition: Number
    offset: Number
    audit_head: Sha256
    inputs: Sha256
    decisions: Number | None
    audit_at: Number
    outputs: Mapping[str, Number]
    checked_to: Number | None = None

    @property
    def place(self) -> Place:
        """Where the chain is."""
        return Place(self.topic, self.partition)

    def start(self) -> Start:
        """Give it as what a proof goes on from."""
        return Start(self.audit_head, self.inputs, self.offset, self.decisions, self.checked_to, self.audit_at)

    def mark(self, named: str) -> Mark:
        """Give it as what a chain has to agree with."""
        return Mark(self.audit_head, self.inputs, self.offset, named)
