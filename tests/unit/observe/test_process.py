"""What every process shows of itself."""

import math
import time

import pytest

from streams.observe.process import moment, process_registry


def test_a_process_shows_itself() -> None:
    """Memory, start and open files under their standard names, and which release it is."""
    shown = {sample.name: sample for family in process_registry().collect() for sample in family.samples}
    assert shown["process_start_time_seconds"].value <= time.time()
    assert shown["process_resident_memory_bytes"].value > 0
    assert {"process_open_fds", "process_cpu_seconds_total"} <= shown.keys()
    assert shown["txpush_build_info"].labels["version"]


def test_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Prometheus has them; one that never was is 0."""
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    assert moment(90) == 910
    assert moment(math.inf) == 0
