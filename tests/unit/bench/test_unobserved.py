"""The agent that shows nothing, which the benchmark of observing holds against the agent as it ships."""

from datetime import datetime
from typing import NoReturn

import pytest
from prometheus_client import CollectorRegistry

from streams.fold.effects import Outbox
from streams.observe.metrics import Instruments
from streams.testing.broker import Record
from streams.worker.prometheus import PrometheusMetrics
from tests.bench.contestants import unobserved


class Watched:
    """A clock that nobody may look at."""

    def now(self) -> datetime:
        raise LookupError


def tell(metrics: PrometheusMetrics) -> None:
    """Tell of a poll and its transaction, as a partition does."""
    record = Record(0, 1_700_000_000_000, b"70", b"{}", ())
    metrics.committed(1, Outbox(), 0.01)
    metrics.lag(0, 0, [record])


def refuse(*_: object, **__: object) -> NoReturn:
    raise LookupError


def test_what_is_hidden_does_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a metric touched nor the time asked: else part of what observing costs would be on both sides."""
    instruments = Instruments("agent", CollectorRegistry())
    metrics = PrometheusMetrics(instruments, Watched(), lambda: None)
    monkeypatch.setattr(instruments, "gauge", refuse)
    there = unobserved.hide()
    try:
        tell(metrics)
    finally:
        unobserved.show(there)
    with pytest.raises(LookupError):
        tell(metrics)
