"""What tests of the sandbox share."""

from collections.abc import AsyncIterator

import pytest

from streams.sandbox import SandboxSettings
from streams.testing.clock import VirtualClock
from tests.component.sandbox.bench import START, Bench, Listener, bench_with


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = bench_with(Listener(), SandboxSettings(webhook_seconds=0.2, slow_seconds=0), VirtualClock(START))
    made.api.headers["finicity-app-key"] = made.sandbox.settings.app_key
    made.api.headers["accept"] = "application/json"
    await made.authenticate()
    yield made
    await made.api.aclose()
