"""What an embedded broker is told."""

import base64
import uuid

import pytest

from streams.kafka.embedded import is_embedded_cluster, properties
from streams.kafka.embedded.machine import Ports, ports_from

THREE = ports_from(9092, 3)


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_cluster_id_is_a_kafka_id_that_names_its_maker() -> None:
    """A cluster id of ours is 16 bytes in unpadded base64, as Kafka wants it, and any client can tell it."""
    made = properties.new_cluster_id()
    raw = base64.urlsafe_b64decode(f"{made}==")
    assert len(raw) == 16
    assert base64.urlsafe_b64encode(raw).decode().rstrip("=") == made
    assert is_embedded_cluster(made)


@pytest.mark.parametrize("foreign", ["MkU3OEVBNTcwNTJENDM2Qg", "txpush-", "txpush-but-far-too-long-for-an-id", ""])
def test_a_foreign_cluster_is_not_taken_for_ours(foreign: str) -> None:
    """A scaled clock is allowed on our clusters only, so an id that merely resembles ours does not count."""
    assert not is_embedded_cluster(foreign)


def test_two_clusters_differ() -> None:
    """Cluster ids are random."""
    assert properties.new_cluster_id() != properties.new_cluster_id()


def test_directory_id_is_never_read_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id with a leading dash, one in 64, is thrown away."""
    drawn = iter([uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=bytes(16))])
    monkeypatch.setattr(uuid, "uuid4", lambda: next(drawn))
    assert properties.new_directory_id() == "A" * 22


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (5, "3", "2")])
def test_replication_survives_the_death_of_one_broker(brokers: int, copies: str, in_sync: str) -> None:
    """As many copies as there are brokers, three at most; the death of one never stops the writes of several."""
    found = properties.replication(brokers)
    factors = {value for name, value in found.items() if name.endswith("replication.factor")}
    assert factors == {copies}
    assert {value for name, value in found.items() if "min.i" in name} == {in_sync}


def test_each_broker_has_its_own_address_and_knows_all_controllers() -> None:
    """Broker 2 of 3 listens on the second port of each row."""
    found = settings(properties.server_properties(2, THREE, {}))
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:9096"
    assert found["controller.quorum.bootstrap.servers"] == "127.0.0.1:9095,127.0.0.1:9096,127.0.0.1:9097"
    assert found["node.id"] == "2"


def test_topics_are_never_made_by_a_typo_and_leaders_never_lose_records() -> None:
    """Automatic topics and unclean elections are off."""
    found = settings(properties.server_properties(1, THREE, {}))
    assert (found["auto.create.topics.enable"], found["unclean.leader.election.enable"]) == ("false", "false")


def test_the_callers_settings_win() -> None:
    """A test that needs another value gets it, once."""
    text = properties.server_properties(1, THREE, {"group.min.session.timeout.ms": "7"})
    assert text.count("group.min.session.timeout.ms") == 1
    assert settings(text)["group.min.session.timeout.ms"] == "7"


def test_first_voters_are_named_with_their_directories() -> None:
    """Formatting needs id, address and directory of every controller."""
    found = properties.initial_controllers(Ports((1, 2), (3, 4)), ["AA", "BB"])
    assert found == "1@127.0.0.1:3:AA,2@127.0.0.1:4:BB"


def test_bootstrap_lists_the_clients_ports() -> None:
    """Clients are never sent to a controller."""
    assert THREE.bootstrap == "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094"


def test_producers_are_not_forgotten_by_an_old_clock() -> None:
    """A broker forgets a producer whose records are a day old, and takes a repeated batch of it for a new one.

    The records of a clock of its own are as old as that clock says.
    """
    found = settings(properties.server_properties(1, ports_from(9092, 1), {}))
    assert int(found["producer.id.expiration.ms"]) > 24 * 86_400_000
