"""What the transactional producer takes from inside aiokafka."""

import inspect

from aiokafka.producer import sender

from streams.transport import transaction


def test_the_wait_between_transactions_is_ours() -> None:
    """So long it waits where the broker says that the markers of the last transaction are still being written."""
    assert sender.BACKOFF_OVERRIDE == transaction.MARKERS_SECONDS
    handler = inspect.getsource(sender.AddPartitionsToTxnHandler.handle_response)
    assert "ConcurrentTransactions:" in handler
    assert "return BACKOFF_OVERRIDE" in handler
