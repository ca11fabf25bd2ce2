"""What an executor needs to be told, and that all that is missing is told at once."""

import logging

import pytest
from click.testing import CliRunner

from streams.clock import WallClock
from streams.executor import command
from streams.executor.command import needed
from streams.executor.process import run_process
from streams.kafka import present
from streams.settings import Settings, SettingsError
from tests.processes import taken_port

GIVEN = {
    "link_url": "https://fix.example.com",
    "link_keys": "0f" * 32,
    "public_url": "https://hooks.example.com",
    "callback_tokens": "t" * 20,
    "app_key": "key",
    "partner_id": "1",
    "partner_secrets": "secret",
}


def settings(**given: str) -> Settings:
    """Give settings with nothing but these."""
    return Settings(**given)  # type: ignore[arg-type] # fields by name


def test_all_that_is_given() -> None:
    """The webhook is the bridge's, with the token in use."""
    mine, vendor = needed(settings(**GIVEN | {"callback_tokens": f"{'t' * 20},{'u' * 20}"}))
    assert mine.link.webhook == f"https://hooks.example.com/{'t' * 20}/connect"
    assert (mine.port, mine.link.per_second, vendor.partner_id) == (8085, 5.0, "1")
    assert "t" * 20 not in repr(mine)


def test_all_that_is_missing() -> None:
    """One start is enough to learn of it."""
    with pytest.raises(SettingsError) as refused:
        needed(settings())
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "TXPUSH_LINK_URL and TXPUSH_LINK_KEYS",
        "TXPUSH_PUBLIC_URL",
        "TXPUSH_CALLBACK_TOKENS",
        "TXPUSH_APP_KEY",
        "TXPUSH_PARTNER_ID",
        "TXPUSH_PARTNER_SECRETS",
    ]


def test_half_of_the_links() -> None:
    """The same words as at the agent."""
    with pytest.raises(SettingsError, match="TXPUSH_LINK_KEYS: missing, and TXPUSH_LINK_URL is set"):
        needed(settings(**{name: value for name, value in GIVEN.items() if name != "link_keys"}))


def test_the_command_starts_without_a_broker(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It warns, and runs until it ends; the exit code is that of the process."""
    for name, value in (GIVEN | {"bootstrap": "127.0.0.1:1"}).items():
        monkeypatch.setenv(f"TXPUSH_{name.upper()}", value)
    monkeypatch.setattr(present, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(command, "run_process", lambda *_: 7)
    with caplog.at_level(logging.WARNING, logger="streams.kafka.present"):
        done = CliRunner().invoke(command.executor, [])
    assert done.exit_code == 7
    assert "no broker answers at 127.0.0.1:1" in caplog.text


@pytest.mark.parametrize("which", ["EXECUTOR", "ADMIN"])
def test_a_taken_port_is_refused(caplog: pytest.LogCaptureFixture, which: str) -> None:
    """Exit 2 and one line: address, setting, next step; before any broker is talked to."""
    with taken_port() as port:
        ports = {"executor_port": 0, "admin_port": 0, f"{which.lower()}_port": port}
        mine, vendor = needed(Settings(**GIVEN, bootstrap="127.0.0.1:1", **ports))  # type: ignore[arg-type] # by name
        assert run_process(mine, vendor, WallClock()) == 2
    (line,) = caplog.messages
    assert line.startswith(f"the executor cannot listen on 127.0.0.1:{port}: Address already in use; end what listens")
    assert line.endswith(f"set TXPUSH_{which}_PORT to another port")


def test_one_port_is_not_used_twice() -> None:
    """The pages of customers on the admin port: both settings are named, before anything listens."""
    with pytest.raises(SettingsError) as refused:
        needed(Settings(**GIVEN, executor_port=9100, admin_port=9100))  # type: ignore[arg-type] # by name
    assert str(refused.value) == (
        "TXPUSH_EXECUTOR_PORT: 9100 is that of TXPUSH_ADMIN_PORT as well: set one of the two to another port"
    )
