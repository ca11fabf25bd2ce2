"""Where requests come from: the address of a client, the vendor's networks, and who fails too often."""

from ipaddress import ip_address, ip_network

import pytest

from streams.bridge.sources.address import Sources, address_in, neighbourhood
from streams.bridge.sources.door import Door
from streams.bridge.sources.failures import (
    MAX_SOURCES,
    MAX_TRUSTED,
    TRUSTED_SECONDS,
    WINDOW_SECONDS,
    Failures,
)
from streams.observe.labels import Outcome, Route

Headers = list[tuple[bytes, bytes]]
PEER = ("192.0.2.1", "50000")


def scope(*forwarded: bytes, secret: bytes | None = None) -> dict[str, object]:
    """Give a request of a peer, with what it says of where it comes from."""
    headers = [(b"x-forwarded-for", value) for value in forwarded]
    return {"client": PEER, "headers": headers + ([] if secret is None else [(b"x-proxy-secret", secret)])}


@pytest.mark.parametrize(
    ("hops", "forwarded", "found"),
    [
        (0, [b"203.0.113.9"], "192.0.2.1"),
        (1, [b"203.0.113.9"], "203.0.113.9"),
        (1, [b"6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (1, [b"6.6.6.6", b"203.0.113.9"], "203.0.113.9"),
        (2, [b"6.6.6.6, 203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        (2, [b"203.0.113.9"], None),
        (1, [], None),
        (1, [b"203.0.113.9,"], None),
        (1, [b"unknown"], None),
        (1, [b"_hidden"], None),
        (1, [b"\xff\xfe"], None),
        (1, [b"203.0.113.9:40000"], "203.0.113.9"),
        (1, [b"[2001:db8::1]:40000"], "2001:db8::1"),
        (1, [b"[2001:db8::1]"], "2001:db8::1"),
        (1, [b"::ffff:203.0.113.9"], "203.0.113.9"),
        (1, [b"1" * 5000], None),
    ],
)
def test_the_address_of_a_client(hops: int, forwarded: list[bytes], found: str | None) -> None:
    """Proxies that are counted say it, each at the end of the list; whatever stands before them anybody can write."""
    address = Sources(hops=hops).of(scope(*forwarded))
    assert address == (None if found is None else ip_address(found))


def test_with_a_secret_only_the_proxy_is_believed() -> None:
    """Who reaches the port past the proxy may write what it wants."""
    sources = Sources(hops=1, proxy_secrets=("secret-of-the-proxy",))
    assert sources.of(scope(b"203.0.113.9", secret=b"secret-of-the-proxy")) == ip_address("203.0.113.9")
    assert sources.of(scope(b"203.0.113.9", secret=b"guessed")) is None
    assert sources.of(scope(b"203.0.113.9")) is None
    twice = scope(b"203.0.113.9", secret=b"secret-of-the-proxy")
    assert isinstance(twice["headers"], list)
    twice["headers"].append((b"x-proxy-secret", b"guessed"))
    assert sources.of(twice) is None
    assert "secret-of-the-proxy" not in repr(sources)


def test_the_vendors_networks() -> None:
    """Any address without a list; with one only what is in it, and nothing that nobody knows."""
    assert Sources().may_notify(None)
    listed = Sources((ip_network("68.142.128.0/24"), ip_network("2001:db8::/32")))
    assert [listed.may_notify(address_in(one)) for one in ("68.142.128.67", "2001:db8::1", "68.142.129.1")] == [
        True,
        True,
        False,
    ]
    assert not listed.may_notify(None)


def test_neighbours_of_an_ipv6_address_are_one_client() -> None:
    """Whoever has one has 2^64 of them."""
    first, second = ip_address("2001:db8::1"), ip_address("2001:db8::ffff:1")
    assert neighbourhood(first) == neighbourhood(second) == "2001:db8::/64"
    assert neighbourhood(ip_address("192.0.2.1")) == "192.0.2.1"


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Give them."""
        return self.now


def test_who_fails_too_often_waits_for_the_end_of_the_minute() -> None:
    """The limit is of a minute: past it the rest of the minute is waited, then it begins anew."""
    time = Time()
    failures = Failures(3, time)
    for _ in range(3):
        assert failures.seconds_left("a") == 0
        failures.failed("a")
        time.now += 10
    assert failures.seconds_left("a") == WINDOW_SECONDS - 30
    assert failures.seconds_left("b") == 0
    time.now += WINDOW_SECONDS - 30
    assert failures.seconds_left("a") == 0
    failures.failed("a")
    assert failures.seconds_left("a") == 0


def test_who_sends_something_good_is_never_held_back() -> None:
    """A night in which some accounts have no key goes through; after an hour without a good one the limit counts."""
    time = Time()
    failures = Failures(3, time)
    failures.succeeded("vendor")
    for _ in range(1000):
        failures.failed("vendor")
        assert failures.seconds_left("vendor") == 0
    time.now += TRUSTED_SECONDS
    for _ in range(3):
        failures.failed("vendor")
    assert failures.seconds_left("vendor") == WINDOW_SECONDS


def test_no_more_sources_are_kept_than_there_is_room_for() -> None:
    """Whoever has many addresses makes others be forgotten, and fills nothing; the trusted ones it cannot touch."""
    failures = Failures(1, Time())
    failures.succeeded("vendor")
    for number in range(2 * MAX_SOURCES):
        failures.failed(f"stranger {number}")
    assert len(failures._counts) == MAX_SOURCES
    failures.failed("vendor")
    assert failures.seconds_left("vendor") == 0
    for number in range(2 * MAX_TRUSTED):
        failures.succeeded(f"sender {number}")
    assert len(failures._trusted) == MAX_TRUSTED


def test_a_crowd_is_told_of_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the first that is past the limit: a thousand of them are no thousand lines."""
    failures = Failures(1, Time())
    for number in range(100):
        failures.failed(f"192.0.2.{number}")
    (line,) = caplog.messages
    assert line == "1 requests from 192.0.2.0 were refused within a minute: look who that is"


@pytest.mark.parametrize("outcome", [Outcome.UNSIGNED, Outcome.NO_KEY, Outcome.NOT_FOUND])
def test_who_is_refused_is_held_back_whatever_for(outcome: Outcome) -> None:
    """A source that proxies tell, past its limit, on the route that it takes."""
    door = Door(Sources(hops=1), 2)
    for _ in range(2):
        assert door.refusal(Route.UNKNOWN_TOKEN, scope(b"203.0.113.9")) is None
        door.answered(scope(b"203.0.113.9"), outcome)
    refusal = door.refusal(Route.UNKNOWN_TOKEN, scope(b"203.0.113.9"))
    assert refusal is not None
    assert refusal.outcome is Outcome.TOO_OFTEN


def test_without_known_proxies_nobody_is_held_back() -> None:
    """All clients of an unknown proxy look alike: a stranger's failures must not become the vendor's."""
    door = Door(Sources(), 1)
    for _ in range(10):
        door.answered(scope(), Outcome.UNSIGNED)
    assert door.refusal(Route.TXPUSH, scope()) is None


def test_who_has_no_known_address_is_held_back_by_the_list_alone() -> None:
    """A proxy that forgot its header is not somebody who fails."""
    door = Door(Sources(hops=1), 1)
    for _ in range(10):
        door.answered(scope(), Outcome.UNSIGNED)
    assert door.refusal(Route.TXPUSH, scope()) is None


def test_services_are_not_of_the_vendors_networks() -> None:
    """The list is about callbacks; services of one's own show a token."""
    door = Door(Sources((ip_network("68.142.128.0/24"),)), 60)
    assert door.refusal(Route.EVENTS, scope()) is None
    refusal = door.refusal(Route.CONNECT, scope())
    assert refusal is not None
    assert (refusal.status, refusal.outcome) == (404, Outcome.WRONG_SOURCE)
