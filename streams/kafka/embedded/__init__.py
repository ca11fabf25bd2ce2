"""An embedded Apache Kafka for the demo and the tests: no container, no Java of the host."""

from streams.kafka.embedded.cluster import ClusterSpec, EmbeddedKafka
from streams.kafka.embedded.errors import (
    BrokerDied,
    DamagedArchive,
    DataInUse,
    DataMismatch,
    DiskFull,
    DiskUnusable,
    EmbeddedKafkaError,
    NotReady,
    OfflineError,
    PortTaken,
)
from streams.kafka.embedded.properties import is_embedded_cluster

__all__ = [
    "BrokerDied",
    "ClusterSpec",
    "DamagedArchive",
    "DataInUse",
    "DataMismatch",
    "DiskFull",
    "DiskUnusable",
    "EmbeddedKafka",
    "EmbeddedKafkaError",
    "NotReady",
    "OfflineError",
    "PortTaken",
    "is_embedded_cluster",
]
