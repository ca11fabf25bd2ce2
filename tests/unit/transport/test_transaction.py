"""What the transactional producer takes from inside aiokafka."""

import inspect

from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.transport import transaction


def test_the_wait_between_transactions_is_ours() -> None:
    """So long it waits where the broker says that the markers of the last transaction are still being written."""
    assert sender.BACKOFF_OVERRIDE == transaction.MARKERS_SECONDS
    handler = inspect.getsource(sender.AddPartitionsToTxnHandler.handle_response)
    assert "ConcurrentTransactions:" in handler
    assert "return BACKOFF_OVERRIDE" in handler


def test_an_empty_batch_takes_a_record_of_any_size() -> None:
    """A record that does not fit behind others has one of its own: nothing is left out without a word."""
    batch = BatchBuilder(100, 0)
    assert batch.append(timestamp=None, key=None, value=b"x" * 1000) is not None
    assert batch.append(timestamp=None, key=None, value=b"") is None
    assert batch.record_count() == 1
