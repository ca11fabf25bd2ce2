"""Notifications to an address that would be ours but for its token, told apart from whatever strangers try."""

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from streams.bridge.sources.address import Sources
from tests.unit.bridge.bench import SETTINGS, TOKEN, Bench, bench_with, sample

EVENTS = "/v1/events"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_with() as made:
        yield made


@pytest.mark.parametrize("path", [f"/{TOKEN[:-1]}x/txpush", "/x/connect", f"//{TOKEN}/txpush", "/txpush"])
async def test_notifications_with_a_wrong_token_have_a_route_of_their_own(bench: Bench, path: str) -> None:
    """What the vendor posts to an address that is not quite ours is lost to us: it counts apart from strangers'."""
    await bench.client.post(path, content=sample("txpush-account-modified-185"))
    assert bench.count("requests", route="unknown_token", outcome="not_found") == 1
    assert bench.count("requests", route="none", outcome="not_found") == 0


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/x/connect"), ("POST", "/wp-login.php"), ("POST", "/txpush/x"), ("POST", EVENTS)]
)
async def test_whoever_tries_other_addresses_counts_as_a_stranger(bench: Bench, method: str, path: str) -> None:
    """Paths that no callback URL has, and those of one that are only looked at."""
    await bench.client.request(method, path, content=b"{}")
    assert bench.count("requests", route="none", outcome="not_found") == 1
    assert bench.count("requests", route="unknown_token", outcome="not_found") == 0


async def test_a_wrong_token_from_elsewhere_is_a_strangers() -> None:
    """Where the vendor's networks are named, what comes from others at a wrong address is no notification."""
    sources = Sources((ip_network("203.0.113.0/24"),))
    async with bench_with(replace(SETTINGS, sources=sources)) as bench:
        assert (await bench.client.post("/x/txpush", content=b"{}")).status_code == 404
        assert bench.count("requests", route="none", outcome="not_found") == 1
