"""What the bridge has stored lately, to tell a delivery from one that came again."""

from collections import OrderedDict

REMEMBERED = 32_768
"""Deliveries that a process remembers: some 4 MB, and more than six hours of retries at one a second."""


class Redeliveries:
    """Knows the deliveries of this process that were stored last; for counting only, as the log decides what counts.

    Args:
        remembered: how many of them.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._stored: OrderedDict[int, bool] = OrderedDict()

    def stored(self, correlation_id: str) -> bool:
        """Remember a delivery that is durable, and say whether it was here before.

        Args:
            correlation_id: a SHA-256 in hexadecimal digits; its first 64 bits tell deliveries apart.
        """
        identity = int(correlation_id[:16], 16)
        is_again = self._stored.pop(identity, False)
        self._stored[identity] = True
        if len(self._stored) > self._remembered:
            self._stored.popitem(last=False)
        return is_again
