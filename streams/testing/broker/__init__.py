"""A broker in memory: partitions with offsets and markers, transactions with epochs, and consumer groups."""

from streams.testing.broker.cluster import Cluster, Isolation, TransactionalProducer
from streams.testing.broker.group import Group, Word
from streams.testing.broker.log import PartitionLog, Record
from streams.testing.broker.transactions import InvalidTransaction, ProducerFenced, Transaction

__all__ = [
    "Cluster",
    "Group",
    "InvalidTransaction",
    "Isolation",
    "PartitionLog",
    "ProducerFenced",
    "Record",
    "Transaction",
    "TransactionalProducer",
    "Word",
]
