"""Every secret that the bridge checks by can be replaced: the old one and the new one count for a while, then one."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest

from streams.bridge.checks import Signing
from streams.bridge.services.callers import Caller, Callers
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing, UnopenedError
from tests.integration.bridge.hostile.target import BODY, DONE, EVENTS, KEY, TOKEN, Target, another, until
from tests.integration.bridge.hostile.test_owasp_webhook import REPORT, SERVICE
from tests.unit.bridge.signed import CUSTOMER, HOST, OLD_SECRET, SEALING_KEY, SECRET, connect, txpush

pytestmark = pytest.mark.kafka

NEW_TOKEN, NEW_SERVICE_TOKEN, NEW_SEALING_KEY = "n" * 20, "m" * 32, "sealing-key-that-is-new-000000000"
OLD_PROXY, NEW_PROXY = "proxy-secret-old-0000000", "proxy-secret-new-0000000"
NAME = b"CN=app,O=Example"


def callers(tokens: tuple[str, ...], proxy_secrets: tuple[str, ...]) -> Callers:
    """Give one service, by its tokens and by the name that a proxy tells."""
    one = Caller("mailer", frozenset({"command.reported"}))
    hashes = tuple((hashlib.sha256(token.encode()).hexdigest().encode(), one) for token in tokens)
    return Callers(hashes, {NAME: one}, proxy_secrets)


@dataclass
class Replacing:
    """A bridge to which both count, and one to which only the new one does."""

    during: Target
    after: Target


@pytest.fixture(scope="module")
def replacing(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replacing]:
    service_token = SERVICE["Authorization"].removeprefix("Bearer ")
    both, new = (
        {
            "tokens": (NEW_TOKEN, TOKEN)[:count],
            "signing": Signing(
                host=HOST, partner_secrets=(SECRET, OLD_SECRET)[:count], sealing_keys=(NEW_SEALING_KEY, SEALING_KEY)
            ),
            "callers": callers((NEW_SERVICE_TOKEN, service_token)[:count], (NEW_PROXY, OLD_PROXY)[:count]),
        }
        for count in (2, 1)
    )
    folder = tmp_path_factory.mktemp("replacing")
    with another(target, folder / "during", **both) as during, another(target, folder / "after", **new) as after:
        yield Replacing(during, after)


def statuses(target: Target, *requests: tuple[bytes, dict[str, str], str]) -> list[int]:
    """Give what a bridge answers to each."""
    return [target.post(*one).status for one in requests]


def test_a_subscription_is_renewed(target: Target) -> None:
    """The key in use and the one before it are valid; with a third the first is at its end."""
    body = BODY.replace(b"5900000001", b"5900000077")
    target.subscribe("5900000077", "first")
    until(lambda: target.post(body, txpush(body, "first")).status == 200)
    target.subscribe("5900000077", "first", "second")
    until(lambda: target.post(body, txpush(body, "second")).status == 200)
    assert target.post(body, txpush(body, "first")).status == 200
    target.subscribe("5900000077", "first", "second", "third")
    until(lambda: target.post(body, txpush(body, "third")).status == 200)
    assert target.post(body, txpush(body, "second")).status == 200
    with target.nothing_written():
        assert target.post(body, txpush(body, "first")).status == 401


def test_a_path_token_is_replaced(replacing: Replacing) -> None:
    """404 for the one whose time is over, as for any other path."""
    new, old = ((BODY, txpush(BODY, KEY), f"/{token}/txpush") for token in (NEW_TOKEN, TOKEN))
    assert statuses(replacing.during, new, old) == [200, 200]
    with replacing.after.nothing_written():
        assert statuses(replacing.after, old) == [404]
    assert statuses(replacing.after, new) == [200]


def test_a_partner_secret_is_replaced(replacing: Replacing) -> None:
    """What the old one signed is refused at its end."""
    new, old = ((DONE, connect(DONE, secret), f"/{NEW_TOKEN}/connect") for secret in (SECRET, OLD_SECRET))
    assert statuses(replacing.during, new, old) == [200, 200]
    with replacing.after.nothing_written():
        assert statuses(replacing.after, old) == [401]
    assert statuses(replacing.after, new) == [200]


def test_a_token_of_a_service_is_replaced(replacing: Replacing) -> None:
    """By its hash in the callers' file."""
    report = orjson.dumps(REPORT)
    old = (report, SERVICE, EVENTS)
    new = (report, SERVICE | {"Authorization": f"Bearer {NEW_SERVICE_TOKEN}"}, EVENTS)
    assert statuses(replacing.during, new, old) == [200, 200]
    with replacing.after.nothing_written():
        assert statuses(replacing.after, old) == [401]
    assert statuses(replacing.after, new) == [200]


def test_a_secret_of_the_proxy_is_replaced(replacing: Replacing) -> None:
    """What it shows so that the name of a client's certificate is believed; without it a name is nothing."""
    report = orjson.dumps(REPORT)
    named = {"Content-Type": SERVICE["Content-Type"], "X-Client-Name": NAME.decode()}
    new, old = ((report, named | {"X-Proxy-Secret": secret}, EVENTS) for secret in (NEW_PROXY, OLD_PROXY))
    assert statuses(replacing.during, new, old) == [200, 200]
    with replacing.after.nothing_written():
        assert statuses(replacing.after, old, (report, named, EVENTS)) == [401, 401]
    assert statuses(replacing.after, new) == [200]


def test_a_sealing_key_is_replaced(replacing: Replacing) -> None:
    """Signing keys sealed with the old one count while it is set; without it they cannot be opened."""
    assert statuses(replacing.during, (BODY, txpush(BODY, KEY), f"/{NEW_TOKEN}/txpush")) == [200]
    name = record_key(CUSTOMER, "5900000001")
    sealed = Sealing([SEALING_KEY]).seal(name, renewed(None, [Grant("1", "account", KEY)], "", ""))
    assert Sealing([NEW_SEALING_KEY, SEALING_KEY]).open(name, sealed)
    with pytest.raises(UnopenedError):
        Sealing([NEW_SEALING_KEY]).open(name, sealed)
