"""An embedded Apache Kafka for the demo and the tests: no container, no Java of the host."""

from streams.kafka.embedded.cluster import FULL_SPEED, QUICK_START, ClusterSpec, EmbeddedKafka
from streams.kafka.embedded.errors import (
    BrokerDiedError,
    DamagedArchiveError,
    DataInUseError,
    DataMismatchError,
    DiskFullError,
    DiskUnusableError,
    EmbeddedKafkaError,
    NotReadyError,
    OfflineError,
    PortTakenError,
)
from streams.kafka.embedded.properties import is_embedded_cluster
from streams.kafka.embedded.security import BrokerSecurity

__all__ = [
    "FULL_SPEED",
    "QUICK_START",
    "BrokerDiedError",
    "BrokerSecurity",
    "ClusterSpec",
    "DamagedArchiveError",
    "DataInUseError",
    "DataMismatchError",
    "DiskFullError",
    "DiskUnusableError",
    "EmbeddedKafka",
    "EmbeddedKafkaError",
    "NotReadyError",
    "OfflineError",
    "PortTakenError",
    "is_embedded_cluster",
]
