"""`txpush topics apply`: what it creates, and where it rather creates nothing."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from click.testing import CliRunner, Result

from streams.cli import txpush
from streams.kafka import applied
from streams.kafka.access import Access
from streams.kafka.topics import EVENTS, Layout, contract


class Cluster:
    """A cluster whose topics have some numbers of partitions."""

    def __init__(self) -> None:
        self.partitions = frozenset[int]()
        self.applied: list[Layout] = []

    async def topics_there(self, _access: Access) -> dict[str, tuple[int, int]]:
        return {topic.name: (number, 3) for topic, number in zip(contract(), self.partitions, strict=False)}

    async def apply(self, _access: Access, layout: Layout, _there: Mapping[str, tuple[int, int]]) -> list[str]:
        self.applied.append(layout)
        return [] if self.partitions else [EVENTS]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(applied, "topics_there", made.topics_there)
    monkeypatch.setattr(applied, "apply", made.apply)
    return made


def apply(partitions: int) -> Result:
    return CliRunner().invoke(txpush, ["topics", "apply"], env={"TXPUSH_PARTITIONS": str(partitions)})


def test_what_is_missing_is_created(cluster: Cluster) -> None:
    """Where there is nothing, and where what is there has as many partitions."""
    assert apply(3).output == f"created {EVENTS}\n"
    cluster.partitions = frozenset({3})
    done = apply(3)
    assert (done.exit_code, done.output) == (0, "nothing to create\n")
    cluster.partitions = frozenset({0, 3})  # one is about to go, or to come
    assert apply(3).exit_code == 0
    assert cluster.applied == [Layout(3, 3)] * 3


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({3}, "there are topics with 3 partitions, not 12"),
        ({3, 5, 12}, "there are topics with 3 and 5 partitions, not"),
    ],
)
def test_beside_topics_of_another_number_of_partitions_nothing_is_created(
    cluster: Cluster, there: set[int], told: str
) -> None:
    """A setting that was forgotten is named, and where to read how partitions become more."""
    cluster.partitions = frozenset(there)
    done = apply(12)
    assert (done.exit_code, cluster.applied) == (2, [])
    assert done.stderr.startswith(told)
    assert "nothing was created" in done.stderr
    assert "set TXPUSH_PARTITIONS=3 if the cluster was made so, else see `txpush move --help`" in done.stderr


@dataclass
class Admin:
    """The part of an admin client that creates topics; keeps what it was asked."""

    topics: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def connected(self, _access: Access) -> AsyncIterator["Admin"]:
        yield self

    async def describe_topics(self) -> list[dict[str, Any]]:
        self.asked.append("which are there")
        return [{"topic": name, "partitions": [{"replicas": [0]}]} for name in self.topics]

    async def create_topics(self, new: Iterable[NewTopic], timeout_ms: int) -> object:
        self.asked.append(f"to create them in {timeout_ms} ms")
        self.topics += [topic.name for topic in new]
        return SimpleNamespace(topic_errors=[(topic.name, 0, None) for topic in new])


def test_the_brokers_are_asked_once_which_topics_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused beside and what is created follow from one answer; then it is seen that all are there."""
    admin = Admin()
    monkeypatch.setattr(applied, "_admin", admin.connected)
    assert apply(1).output.count("created ") == len(contract())
    assert admin.asked == ["which are there", "to create them in 15000 ms", "which are there"]
    assert apply(1).output == "nothing to create\n"
    assert admin.asked[3:] == ["which are there"]
