"""The rules in force on a partition: what `policy.activated` said last, the shipped ones before that."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from schemas.catalogue import Catalogue
from schemas.events import Event, EventType, PolicyActivated, Source
from schemas.policy import Policy
from streams.domain import ENGINE_VERSION, Rules

ANNOUNCEMENTS = uuid.UUID("2f0c9c55-6f44-5b1e-9b8e-0d5c1b2a7e31")
"""Namespace of the ids of the agents' own announcements."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules with the hashes that name them in the audit chain."""

    rules: Rules
    policy_sha256: str
    catalogue_sha256: str
    engine_version: str = ENGINE_VERSION

    @classmethod
    def of(cls, policy: Policy, catalogue: Catalogue, since: datetime | None = None) -> "InForce":
        """Make the lookups of a policy and a catalogue, in force since the log said so."""
        return cls(Rules(policy, catalogue, since), policy.sha256, catalogue.sha256)

    @classmethod
    def activated(cls, activation: PolicyActivated, since: datetime | None = None) -> "InForce":
        """Take what the log has activated, and when."""
        return cls.of(activation.policy, activation.catalogue, since)

    def announcement(self, source: Source, log: str, partition: int, at: datetime) -> Event:
        """Write these rules down as the partition's own, with an id derived from what they are."""
        rules = self.rules
        activation = PolicyActivated(
            policy=rules.policy,
            policy_sha256=self.policy_sha256,
            catalogue=rules.catalogue,
            catalogue_sha256=self.catalogue_sha256,
            engine_version=self.engine_version,
        )
        name = f"{log}/{partition}/{self.policy_sha256}/{self.catalogue_sha256}/{self.engine_version}"
        return Event(f"policy:{uuid.uuid5(ANNOUNCEMENTS, name)}", EventType.POLICY_ACTIVATED, source, at, activation)


def read_activation(value: bytes) -> PolicyActivated:
    """Read a record of the table of rules in force."""
    return PolicyActivated.model_validate_json(value)


def write_activation(activation: PolicyActivated) -> bytes:
    """Write one."""
    return activation.model_dump_json().encode()
