"""The proxy of `deploy/nginx` in front of a bridge: what it hands on, what it adds, and what it keeps away."""

import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest
import trustme

from streams.bridge.sources.address import Sources
from tests.integration.bridge.hostile.proxy import FIX, HOOKS, NGINX, Proxy, name_of, proxy_for
from tests.integration.bridge.hostile.target import (
    APP,
    BODY,
    CLOUD_EVENT,
    EVENTS,
    KEY,
    PROXY_SECRET,
    REPORT,
    TOKEN,
    TXPUSH,
    Target,
    another,
)
from tests.integration.bridge.hostile.wire import Wire, head, request
from tests.unit.bridge.signed import txpush

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.skipif(NGINX is None, reason="nginx is not here: apt-get install nginx-light"),
]

LIMIT = 5
GOOD = request(TXPUSH, BODY, txpush(BODY, KEY))
NAME = "app"
MB = 1 << 20
ELSEWHERE = (
    *(f"/{TXPUSH}", f"/./{TXPUSH[1:]}", f"/x/..{TXPUSH}", f"/%74{TXPUSH[2:]}"),
    *(f"{TXPUSH}/", f"/{TOKEN}//txpush", f"{TXPUSH};x"),
    *("/metrics", "/readyz", "/fix/token"),
)
"""Other spellings of the callback path, and what belongs to others."""


@pytest.fixture(scope="module")
def behind(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A bridge that believes the proxy, and whom the proxy names."""
    callers = replace(target.settings.callers, by_certificate={name_of(NAME).encode(): APP})
    told = {"callers": callers, "sources": Sources(hops=1, proxy_secrets=(PROXY_SECRET,)), "failures_per_minute": LIMIT}
    with another(target, tmp_path_factory.mktemp("behind") / "log", max_body_bytes=MB, **told) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(behind: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy in front of it."""
    with proxy_for(behind.settings.port, tmp_path_factory.mktemp("nginx")) as made:
        yield made


def test_a_notification_arrives(proxy: Proxy, behind: Target) -> None:
    """By way of TLS 1.2 as of 1.3, and with its signature."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls = proxy.context()
        tls.minimum_version = tls.maximum_version = version
        with behind.writing() as written:
            assert proxy.say(GOOD, tls=tls).status == 200
        assert (len(written.events), written.letters) == (1, [])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_tls_is_refused(proxy: Proxy) -> None:
    """A client that speaks no more than TLS 1.1 gets no connection."""
    tls = proxy.context()
    tls.set_ciphers("DEFAULT@SECLEVEL=0")
    tls.minimum_version = ssl.TLSVersion.TLSv1
    tls.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        proxy.say(request(TXPUSH), tls=tls)


@pytest.mark.parametrize("number", range(len(ELSEWHERE)))
def test_nothing_else_is_there(proxy: Proxy, behind: Target, number: int) -> None:
    """Another spelling of the path, the admin port, the other server's pages: 404, and nothing is written."""
    with behind.nothing_written():
        assert proxy.say(request(ELSEWHERE[number], BODY, txpush(BODY, KEY)), source=f"127.0.1.{number}").status == 404


def test_services_show_certificates(proxy: Proxy, behind: Target) -> None:
    """Of the authority that is named; the name reaches the bridge."""
    report = request(EVENTS, REPORT, CLOUD_EVENT)
    assert proxy.say(report, tls=proxy.context(NAME)).status == 200
    with behind.nothing_written():
        assert proxy.say(report, tls=proxy.context("another"), source="127.0.0.4").status == 401
        assert proxy.say(report, tls=proxy.context(NAME, trustme.CA()), source="127.0.0.4").status == 400


@pytest.mark.parametrize("name", ["X-Client-Name", "x-client-name", "X_Client_Name"])
def test_a_name_cannot_be_sent(proxy: Proxy, behind: Target, name: str) -> None:
    """Nor the proxy's own secret: whoever has no certificate has no name."""
    forged = CLOUD_EVENT | {name: name_of(NAME), "X-Proxy-Secret": PROXY_SECRET}
    with behind.nothing_written():
        answer = proxy.say(request(EVENTS, REPORT, forged), source="127.0.0.5")
    assert answer.status == 401


def test_a_large_body_ends_here(proxy: Proxy, behind: Target) -> None:
    """413 from the proxy by what is declared, before any of it is sent."""
    before = behind.outcomes("too_large")
    assert proxy.say(head(TXPUSH, f"Content-Length: {MB + 1}"), source="127.0.0.6").status == 413
    assert behind.outcomes("too_large") == before


def test_who_fails_is_told_apart(proxy: Proxy) -> None:
    """By the address that the proxy saw, whatever the client says of itself: one is held back, the next is not."""
    for number in range(LIMIT):
        forged = {"X-Forwarded-For": f"198.51.100.{number}"}
        assert proxy.say(request(TXPUSH, BODY, forged), source="127.0.0.7").status == 401
    assert proxy.say(GOOD, source="127.0.0.7").status == 429
    assert proxy.say(GOOD, source="127.0.0.8").status == 200


@pytest.mark.slow
def test_who_never_reads_is_closed(proxy: Proxy) -> None:
    """Requests without end whose answers nobody takes: the connection does not stay."""
    with Wire(proxy.port, "127.0.0.10", proxy.context(), HOOKS) as wire:
        assert wire.is_cut_off(head("/nothing", method="GET"), seconds=60.0)


def test_no_secret_is_logged(proxy: Proxy) -> None:
    """Nor with an executor that is away, a name that nobody has, a body that is too large or a head that is none."""
    link = f"/fix/{'canary-link' * 3}"
    assert proxy.say(head(link, method="GET").replace(HOOKS.encode(), FIX.encode()), host=FIX).status == 502
    assert proxy.say(head(TXPUSH, method="GET").replace(HOOKS.encode(), b"another.example.com")).status in {404, 421}
    assert proxy.say(head(TXPUSH, f"X-Long: {'canary' * 8000}")).status in {400, 431}
    assert proxy.say(b"canary\r\n\r\n").status == 400
    assert proxy.say(GOOD).status == 200
    for secret in (TOKEN, "canary", PROXY_SECRET, KEY):
        assert secret not in proxy.logged()
