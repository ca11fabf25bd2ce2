"""Where a replay reads from: the cluster of the settings."""

from streams.history import Origin
from streams.history.cluster import ClusterOrigin
from streams.kafka.access import Access
from streams.settings import Settings


def origin_of(settings: Settings) -> Origin:
    """Give the cluster that the settings lead to."""
    return ClusterOrigin(Access.of(settings))
