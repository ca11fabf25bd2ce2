"""What the log has of an error that ends a worker."""

from aiokafka.errors import ProducerFenced

from streams.transport.partition import _plainly


def test_brokers_are_quoted_and_records_are_not() -> None:
    """A fence is told as Kafka tells it; what the state says of a customer is a kind and a place."""
    assert _plainly(ProducerFenced("another has the partition")).startswith("ProducerFenced: ")
    assert _plainly(TimeoutError()) == "TimeoutError()"
    try:
        dict[str, str]().pop("7000000042")
    except KeyError as error:
        told = _plainly(error)
    assert told.startswith("KeyError at ")
    assert "7000000042" not in told
