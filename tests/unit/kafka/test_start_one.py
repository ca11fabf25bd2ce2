"""What to do where no broker answers: the command that brings back what was at that port, if that is this machine."""

import pytest

from streams.kafka.access import Access
from streams.kafka.refusals import start_one

SET = "set TXPUSH_BOOTSTRAP, or start "
ELSEWHERE = f"{SET}the brokers there"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "[::1]"])
def test_a_broker_of_this_machine_has_its_command(host: str) -> None:
    """With its port and a folder: without them it would be another port, and nothing kept."""
    assert start_one(f"{host}:9192") == f"{SET}one: txpush kafka --port 9192 --data FOLDER"


def test_several_of_this_machine_are_one_command() -> None:
    """Ports of the brokers of one command follow each other."""
    addresses = "127.0.0.1:9094,127.0.0.1:9092,127.0.0.1:9093"
    assert start_one(addresses) == f"{SET}one: txpush kafka --brokers 3 --port 9092 --data FOLDER"


@pytest.mark.parametrize(
    "cluster",
    [
        "kafka-0.example.com:9092",
        "10.1.2.3:9092",
        "127.0.0.1:9092,kafka-1.example.com:9092",
        "127.0.0.1:9092,127.0.0.1:9192",
        "127.0.0.1:9092,[::1]:9092",
        Access("127.0.0.1:9092", protocol="SSL"),
    ],
)
def test_no_other_broker_has_one(cluster: str | Access) -> None:
    """Those of `txpush kafka` are on this machine, open to everybody there, and their ports follow each other."""
    assert start_one(cluster) == ELSEWHERE
