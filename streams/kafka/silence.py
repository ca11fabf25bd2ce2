"""What the log says of brokers that do not answer, and when they answer again: one line each."""

import logging

from streams.kafka.access import Bootstrap
from streams.kafka.refusals import LOOK_AT_BROKERS

log = logging.getLogger(__name__)


class Silence:
    """Says it when it has changed; that brokers answer is what is expected at first."""

    def __init__(self, cluster: Bootstrap) -> None:
        self._cluster = cluster
        self._answers = True

    def note(self, *, answers: bool) -> None:
        """Hear whether brokers answer now."""
        if answers is self._answers:
            return
        self._answers = answers
        if answers:
            log.info("Kafka at %s answers again", self._cluster)
        else:
            log.warning("Kafka at %s is silent; %s", self._cluster, LOOK_AT_BROKERS)
