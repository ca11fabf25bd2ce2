"""What every process shows of itself beside its own metrics: memory, time, files, garbage, and its release."""

import time
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, GCCollector, ProcessCollector


def process_registry() -> CollectorRegistry:
    """Give a registry with the standard metrics of a process (`process_…`, `python_gc_…`) and `txpush_build_info`."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    release = Gauge("txpush_build_info", "1, with the release that runs as its label.", ["version"], registry=registry)
    release.labels(version("txpush-remediation")).set(1)
    return registry


def moment(seconds_ago: float) -> float:
    """Give a moment of the past as a timestamp, 0 for one that never was (infinitely long ago)."""
    return max(0.0, time.time() - seconds_ago)
