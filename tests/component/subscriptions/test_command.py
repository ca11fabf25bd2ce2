"""`txpush subscribe` and `txpush unsubscribe`: what they ask for, how they end, and that they say no secret."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError
from click.testing import CliRunner, Result

from streams.cli import txpush
from streams.kafka.applied import TopicsError
from streams.settings import Settings, SettingsError
from streams.subscriptions import command
from streams.subscriptions.held import Account
from streams.subscriptions.run import Done
from streams.vendor import InvalidRequestError, RefusedError
from tests.unit.subscriptions.double import FakeRecords, FakeVendor

TOKEN = "canary-path-token-00000000"  # noqa: S105 - of these tests alone
ENVIRONMENT = {
    "TXPUSH_PUBLIC_URL": "https://hooks.example.com",
    "TXPUSH_CALLBACK_TOKENS": TOKEN,
    "TXPUSH_SEALING_KEYS": "canary-sealing-key-00000000000000000",
    "TXPUSH_APP_KEY": "canary-app-key",
    "TXPUSH_PARTNER_ID": "1445585709680",
    "TXPUSH_PARTNER_SECRETS": "canary-partner-secret",
}
ONE, TWO = Account("7", "5"), Account("7", "6")


class World(FakeRecords):
    """A topic, the vendor, and the accounts that are known."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor = FakeVendor()
        self.known = [ONE, TWO]
        self.away: Exception | None = None
        self.sealed: list[Account] = []

    def accounts(self) -> list[Account]:
        return sorted(self.values)

    async def reseal(self, account: Account) -> Done:
        self.sealed.append(account)
        return Done.DONE

    @asynccontextmanager
    async def book(self, *_: object) -> AsyncIterator["World"]:
        if self.away is not None:
            raise self.away
        yield self

    @asynccontextmanager
    async def vendor_of(self, _settings: object) -> AsyncIterator[FakeVendor]:
        yield self.vendor

    async def known_accounts(self, _bootstrap: str) -> list[Account]:
        return self.known


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(command, "Book", made.book)
    monkeypatch.setattr(command, "vendor_of", made.vendor_of)
    monkeypatch.setattr(command, "known_accounts", made.known_accounts)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return made


def typed(*words: str) -> Result:
    """Run a command line."""
    return CliRunner().invoke(txpush, list(words))


def test_one_account(world: World) -> None:
    """Subscribed, and passed by the next time."""
    assert typed("subscribe", "7", "5").output == "1 subscribed\n"
    assert world.values[ONE].callback_url == f"https://hooks.example.com/{TOKEN}/txpush"
    again = typed("subscribe", "7", "5")
    assert (again.exit_code, again.output) == (0, "1 as it should be already\n")
    assert typed("subscribe", "7", "5", "--renew").output == "1 subscribed\n"


def test_all_accounts(world: World) -> None:
    """All of account.health are subscribed; all that have keys are unsubscribed."""
    assert typed("subscribe", "--all").output == "2 subscribed\n"
    world.known = []
    assert typed("unsubscribe", "--all").output == "2 unsubscribed\n"
    assert (world.values, world.vendor.live) == ({}, {})
    assert typed("unsubscribe", "--all").output == "nothing to do\n"


def test_a_file(world: World, tmp_path: Path) -> None:
    """The accounts of a file."""
    file = tmp_path / "accounts.csv"
    file.write_text("7,6\n")
    assert typed("subscribe", "--file", str(file)).exit_code == 0
    assert list(world.values) == [TWO]
    file.write_text("7\n")
    done = typed("subscribe", "--file", str(file))
    assert (done.exit_code, done.output) == (2, f"{file}:1: write CUSTOMER,ACCOUNT\n")


def test_a_clock_of_its_own_needs_a_cluster_that_allows_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anywhere else nothing is subscribed, and the words say why."""

    async def refused(_settings: Settings) -> None:
        raise TopicsError("TXPUSH_CLOCK is for clusters of `txpush kafka` only")

    monkeypatch.setattr(command, "require_clock", refused)
    done = typed("subscribe", "7", "5")
    assert (done.exit_code, world.values) == (2, {})
    assert done.output == "TXPUSH_CLOCK is for clusters of `txpush kafka` only; nothing was done\n"


@pytest.mark.parametrize("words", [[], ["7"], ["7", "5", "6"], ["7", "5", "--all"], ["--all", "--file", "x"]])
@pytest.mark.usefixtures("world")
def test_what_is_meant_must_be_clear(words: list[str]) -> None:
    """One account, a file, or all: nothing else, and never all by a slip."""
    done = typed("subscribe", *words)
    assert done.exit_code == 2
    assert "CUSTOMER" in done.output


def test_failures_are_told(world: World) -> None:
    """By account, with the reason and what to do; exit 1."""
    world.vendor.errors = [InvalidRequestError("no such thing"), None]
    done = typed("subscribe", "--all")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "1 subscribed, 1 failed",
        "customer 7, account 5: no such thing",
        "run the same again to go on with what is left",
    ]


def test_many_failures_are_told_in_short(world: World) -> None:
    """Twenty, and how many more there are."""
    world.known = [Account("7", str(number)) for number in range(30)]
    world.vendor.errors = [InvalidRequestError("no")] * 30
    lines = typed("subscribe", "--all").output.splitlines()
    assert (len(lines), lines[0], lines[21]) == (23, "30 failed", "and 10 more")


def test_refused_credentials_are_told(world: World) -> None:
    """The rest is not tried."""
    world.vendor.errors = [RefusedError("the vendor refused our credentials")] * 2
    done = typed("subscribe", "--all")
    assert done.exit_code == 1
    assert "stopped before the rest: the vendor refused our credentials" in done.output


@pytest.mark.parametrize("words", [["subscribe", "--all"], ["unsubscribe", "--all"], ["subscribe", "--reseal"]])
def test_without_kafka_nothing_is_done(world: World, words: list[str]) -> None:
    """Exit 2, in words, and none of the client's own."""
    world.away = KafkaConnectionError("Unable to bootstrap from [('127.0.0.1', 9092, <AddressFamily.AF_INET: 2>)]")
    done = typed(*words)
    assert (done.exit_code, world.vendor.calls) == (2, [])
    assert done.output == (
        "no broker answers at 127.0.0.1:9092; nothing was done\n"
        "set TXPUSH_BOOTSTRAP, or start one: txpush kafka --port 9092 --data FOLDER\n"
    )
    assert not logging.getLogger("aiokafka").isEnabledFor(logging.ERROR)


def test_sealing_anew(world: World) -> None:
    """After the sealing key was replaced, all records are sealed with the first: the vendor is not called."""
    assert typed("subscribe", "--all").exit_code == 0
    calls = len(world.vendor.calls)
    assert typed("subscribe", "--reseal").output == "2 sealed\n"
    assert (world.sealed, len(world.vendor.calls)) == ([ONE, TWO], calls)


@pytest.mark.usefixtures("world")
def test_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run is enough to learn of every setting."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    done = typed("subscribe", "--all")
    assert isinstance(done.exception, SettingsError)
    missing = {line.partition(":")[0] for line in str(done.exception).splitlines()}
    assert missing == set(ENVIRONMENT)


def test_no_secret_is_said(world: World) -> None:
    """Neither keys nor tokens are in any output, whatever happens."""
    world.vendor.errors = [None, InvalidRequestError("no")]
    said = typed("subscribe", "--all").output + typed("subscribe", "--all", "--renew").output
    said += typed("unsubscribe", "--all").output
    assert not [secret for secret in ("canary", "key-account") if secret in said]
