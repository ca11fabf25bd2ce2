"""Secrets replaced, each kind of them: the old one is good while both are set, and refused once it is not."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from streams.bridge.services.callers import Callers, read_callers
from streams.bridge.sources.address import Sources
from streams.settings import Settings
from streams.subscriptions.book import Book
from streams.subscriptions.held import Account
from streams.subscriptions.run import Done
from streams.subscriptions.sealing import Sealing
from tests.integration.bridge.hostile.target import (
    APP,
    BODY,
    CERTIFICATE,
    CLOUD_EVENT,
    CONNECT,
    DONE,
    EVENTS,
    KEY,
    REPORT,
    SERVICE_TOKEN,
    TOKEN,
    Target,
    another,
    create,
    digest,
    until,
)
from tests.integration.bridge.hostile.wire import head
from tests.unit.bridge.signed import CUSTOMER, OLD_SECRET, SEALING_KEY, SECRET, SIGNING, connect, txpush

pytestmark = [pytest.mark.slow, pytest.mark.kafka]

NEW_TOKEN, NEW_SERVICE_TOKEN = "n" * 20, "n" * 32
NEW_SEALING_KEY = "sealing-key-of-these-tests-1111111"
PROXY_SECRETS = ("proxy-secret-new-0", "proxy-secret-old-0")
VENDOR = Settings(vendor_networks="198.51.100.0/24").vendor_networks
CHECK = "?txpush_verification_code=abc"


def of_account(account_id: str) -> bytes:
    """Give a notification of another account."""
    return BODY.replace(b"5900000001", account_id.encode())


def signed(target: Target, account_id: str, key: str) -> int:
    """Give the answer to a notification of an account, signed with a key."""
    body = of_account(account_id)
    return target.post(body, txpush(body, key)).status


def test_rotation_of_callback_tokens(target: Target, tmp_path: Path) -> None:
    """Either path while there are two, for notifications, webhooks and the vendor's check; then the old one is 404."""

    def answers(bridge: Target, token: str) -> list[int | None]:
        checked = bridge.status(head(f"/{token}/txpush{CHECK}", method="GET"))
        notified = bridge.post(BODY, txpush(BODY, KEY), f"/{token}/txpush").status
        return [checked, notified, bridge.post(DONE, connect(DONE), f"/{token}/connect").status]

    assert (answers(target, TOKEN), answers(target, NEW_TOKEN)) == ([200] * 3, [404] * 3)
    with another(target, tmp_path / "both", tokens=(NEW_TOKEN, TOKEN)) as both:
        assert (answers(both, NEW_TOKEN), answers(both, TOKEN)) == ([200] * 3, [200] * 3)
    with another(target, tmp_path / "new", tokens=(NEW_TOKEN,)) as later:
        assert answers(later, NEW_TOKEN) == [200] * 3
        with later.nothing_written():
            assert answers(later, TOKEN) == [404] * 3


def test_rotation_of_partner_secrets(target: Target, tmp_path: Path) -> None:
    """Webhooks signed with either while both are set, in whatever order; then what the old one signed is refused."""

    def answer(bridge: Target, secret: str) -> int:
        return bridge.post(DONE, connect(DONE, secret), CONNECT).status

    assert target.settings.signing.partner_secrets == (SECRET, OLD_SECRET)
    assert (answer(target, SECRET), answer(target, OLD_SECRET)) == (200, 200)
    with another(target, tmp_path / "new", signing=replace(SIGNING, partner_secrets=(SECRET,))) as later:
        assert answer(later, SECRET) == 200
        with later.nothing_written():
            assert answer(later, OLD_SECRET) == 401


def test_rotation_of_signing_keys(target: Target) -> None:
    """The key of a subscription and the one before it are valid; with a third the first is at its end."""
    account_id = "5900000077"
    target.subscribe(account_id, "first")
    until(lambda: signed(target, account_id, "first") == 200)
    with target.nothing_written():
        assert signed(target, account_id, "second") == 401
    target.subscribe(account_id, "first", "second")
    until(lambda: signed(target, account_id, "second") == 200)
    assert signed(target, account_id, "first") == 200
    target.subscribe(account_id, "first", "second", "third")
    until(lambda: signed(target, account_id, "third") == 200)
    assert signed(target, account_id, "second") == 200
    with target.nothing_written():
        assert signed(target, account_id, "first") == 401


@contextmanager
def sealed_with(target: Target, log: Path, topic: str, *keys: str) -> Iterator[Target]:
    """Run a bridge that opens subscriptions of a topic of their own with these keys."""
    with another(target, log, subscriptions_topic=topic, signing=replace(SIGNING, sealing_keys=keys)) as made:
        yield made


def unreadable(bridge: Target) -> float:
    """Give how many records of signing keys the bridge cannot open."""
    return bridge.bridge.metric("txpush_bridge_signing_keys_unreadable ")


def test_rotation_of_sealing_keys(target: Target, tmp_path: Path) -> None:
    """Either opens while both are set; then a record that nobody sealed anew lends no key, and one sealed anew does."""
    topic = f"sealed-{uuid.uuid4().hex[:8]}"
    create(target.settings, topic)
    old, new, forgotten = "5900000001", "5900000002", "5900000003"
    with sealed_with(target, tmp_path / "both", topic, NEW_SEALING_KEY, SEALING_KEY) as both:
        for account_id, sealing_key in ((old, SEALING_KEY), (new, NEW_SEALING_KEY), (forgotten, SEALING_KEY)):
            both.subscribe(account_id, "key", sealing_key=sealing_key)
        until(lambda: {signed(both, account_id, "key") for account_id in (old, new, forgotten)} == {200})
        assert unreadable(both) == 0
        assert asyncio.run(_sealed_anew(both, old)) is Done.DONE
    with sealed_with(target, tmp_path / "new", topic, NEW_SEALING_KEY) as later:
        assert unreadable(later) == 1
        assert (signed(later, old, "key"), signed(later, new, "key")) == (200, 200)
        with later.nothing_written():
            assert signed(later, forgotten, "key") == 401


async def _sealed_anew(bridge: Target, account_id: str) -> Done:
    """Do what `txpush subscribe --reseal` does for an account."""
    settings = bridge.settings
    async with Book(settings.bootstrap, Sealing(settings.signing.sealing_keys), settings.subscriptions_topic) as book:
        return await book.reseal(Account(CUSTOMER, account_id))


def callers_in(file: Path, *tokens: str) -> Callers:
    """Read a file of callers with one service that has these tokens."""
    file.write_text(f'[mailer]\ntypes = ["command.reported"]\ntoken_sha256 = {[digest(token) for token in tokens]}\n')
    return read_callers(file)


def test_rotation_of_service_tokens(target: Target, tmp_path: Path) -> None:
    """A service shows either of its two; once the file has the new one alone, the old one is 401."""

    def answer(bridge: Target, token: str) -> int:
        return bridge.post(REPORT, CLOUD_EVENT | {"Authorization": f"Bearer {token}"}, EVENTS).status

    assert (answer(target, SERVICE_TOKEN), answer(target, NEW_SERVICE_TOKEN)) == (200, 401)
    callers = callers_in(tmp_path / "both.toml", NEW_SERVICE_TOKEN, SERVICE_TOKEN)
    with another(target, tmp_path / "both", callers=callers) as both:
        assert (answer(both, NEW_SERVICE_TOKEN), answer(both, SERVICE_TOKEN)) == (200, 200)
    with another(target, tmp_path / "new", callers=callers_in(tmp_path / "new.toml", NEW_SERVICE_TOKEN)) as later:
        assert answer(later, NEW_SERVICE_TOKEN) == 200
        with later.nothing_written():
            assert answer(later, SERVICE_TOKEN) == 401


@contextmanager
def behind_a_proxy(target: Target, log: Path, *secrets: str) -> Iterator[Target]:
    """Run a bridge that believes a proxy with one of these secrets who a client is, and from where."""
    callers = Callers(by_certificate={CERTIFICATE.encode(): APP}, proxy_secrets=secrets)
    with another(target, log, callers=callers, sources=Sources(VENDOR, hops=1, proxy_secrets=secrets)) as made:
        yield made


def test_rotation_of_proxy_secrets(target: Target, tmp_path: Path) -> None:
    """The proxy's word on names and addresses counts with either; then with the old secret it is anybody's word."""
    new, old = PROXY_SECRETS

    def answers(bridge: Target, secret: str) -> tuple[int, int]:
        shown = {"X-Proxy-Secret": secret, "X-Forwarded-For": "198.51.100.7"}
        named = bridge.post(REPORT, CLOUD_EVENT | shown | {"X-Client-Name": CERTIFICATE}, EVENTS)
        return named.status, bridge.post(BODY, txpush(BODY, KEY) | shown).status

    with behind_a_proxy(target, tmp_path / "both", new, old) as both:
        assert (answers(both, new), answers(both, old)) == ((200, 200), (200, 200))
    with behind_a_proxy(target, tmp_path / "new", new) as later:
        assert answers(later, new) == (200, 200)
        with later.nothing_written():
            assert answers(later, old) == (401, 404)
