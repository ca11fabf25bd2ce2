"""Scopes for tests that ask nobody."""

from schemas.contract.channels import Component
from streams.doctor.scope import Scope
from streams.settings import Settings


def scope(*components: Component, **settings: object) -> Scope:
    """Give a scope of an embedded set-up that is not there."""
    return Scope(Settings(partitions=3, replication=1, **settings), frozenset(components))  # type: ignore[arg-type]
