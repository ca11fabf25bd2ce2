"""What a data folder was made with, read by the next cluster on it."""

from pathlib import Path

import pytest

from streams.kafka.embedded.data import Cluster, new_cluster, read_cluster, write_cluster
from streams.kafka.embedded.errors import DataMismatchError
from streams.kafka.embedded.machine import Ports

MADE = new_cluster("4.3.1", 3, 19092)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The same cluster, with two ports for each broker."""
    write_cluster(MADE, tmp_path / "cluster.json")
    assert read_cluster(tmp_path / "cluster.json") == MADE


@pytest.mark.parametrize(
    "text",
    [
        "7",
        '{"format": ' + "[" * 3000,
        MADE.to_json().replace("19092", "x"),
        MADE.to_json().replace('"4.3.1"', "null"),
        MADE.to_json().replace("19092,", ""),
        Cluster("4.3.1", "id", (), Ports((), ())).to_json(),
    ],
    ids=["other", "endless", "no number", "no version", "a port less", "no broker"],
)
def test_what_is_no_cluster_is_refused(tmp_path: Path, text: str) -> None:
    """In words, before anything is started on it."""
    (tmp_path / "cluster.json").write_text(text)
    with pytest.raises(DataMismatchError, match=r"an unreadable cluster\.json"):
        read_cluster(tmp_path / "cluster.json")
