"""What a data folder remembers, and the command's reading of its options."""

from dataclasses import replace
from pathlib import Path

import pytest

from streams.kafka.embedded import DataMismatchError, EmbeddedKafka, EmbeddedKafkaError, command, data
from streams.kafka.embedded.machine import ports_from

FOLDER = Path("/data")
HELD = data.Cluster("4.3.1", "txpush-AAAAAAAAAAAAAAA", ("AA", "BB", "CC"), ports_from(9092, 3))
CACHE = Path("/cache")


def refusal(wanted: data.Cluster, port: int | None) -> str | None:
    """Say why a cluster may not run on the data that is held, None where it may."""
    try:
        data.check_same(HELD, FOLDER, wanted, port)
    except DataMismatchError as error:
        return str(error)
    return None


def test_the_same_shape_is_accepted() -> None:
    """Another run draws other ids, which do not count."""
    assert refusal(replace(HELD, cluster_id="x", directory_ids=("DD", "EE", "FF")), 9092) is None


def test_free_ports_mean_the_ports_of_the_folder() -> None:
    """The quorum's addresses are in the data, so only a port that is asked for can be wrong."""
    wanted = replace(HELD, ports=ports_from(20000, 3))
    assert refusal(wanted, None) is None
    assert refusal(wanted, 20000) is not None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(HELD, kafka_version="4.4.0"), "Kafka 4.4.0"),
        (replace(HELD, directory_ids=("AA",)), "1 broker(s)"),
        (replace(HELD, ports=ports_from(19092, 3)), "first port 19092"),
    ],
)
def test_another_shape_is_refused_in_words(wanted: data.Cluster, words: str) -> None:
    """The message names the folder, what it holds and what was asked for."""
    said = refusal(wanted, 19092) or ""
    assert all(part in said for part in (str(FOLDER), words, "Kafka 4.3.1, 3 broker(s), first port 9092"))


def test_a_named_folder_is_kept() -> None:
    """Who names a folder wants the records in it."""
    spec = command.spec_of(3, None, FOLDER, 512, CACHE, keep=None)
    assert (spec.data_dir, spec.is_temporary, spec.brokers) == (FOLDER, False, 3)


def test_nothing_is_kept_unless_asked() -> None:
    """Without a folder the records are temporary."""
    assert command.spec_of(1, None, None, 512, CACHE, keep=None).is_temporary


def test_keep_without_a_folder_keeps_in_the_cache() -> None:
    """The next run with --keep finds the records again."""
    spec = command.spec_of(1, None, None, 512, CACHE, keep=True)
    assert (spec.data_dir, spec.is_temporary) == (CACHE / "kafka-data", False)


def test_a_named_folder_can_be_a_place_only() -> None:
    """A larger disk may hold data that goes away."""
    spec = command.spec_of(1, None, FOLDER, 512, CACHE, keep=False)
    assert (spec.data_dir, spec.is_temporary) == (FOLDER, True)


def test_a_cluster_is_of_no_use_before_it_runs() -> None:
    """Forgetting `with` is an error in words, not an empty address."""
    with pytest.raises(EmbeddedKafkaError, match="inside `with"):
        _ = EmbeddedKafka().bootstrap
