"""`txpush bridge`: how the settings become the bridge's, and what is refused before anything listens."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.bridge import command
from streams.bridge.command import bridge_settings
from streams.bridge.settings import BridgeSettings
from streams.cli import txpush
from streams.clock import Clock, ScaledClock
from streams.kafka import present
from streams.settings import read_settings
from streams.signatures import Strategy

TOKEN = "t" * 20
ENVIRONMENT = {
    "TXPUSH_BOOTSTRAP": "127.0.0.1:1",
    "TXPUSH_CALLBACK_TOKENS": TOKEN,
    "TXPUSH_PUBLIC_URL": "https://hooks.example.com",
    "TXPUSH_PARTNER_SECRETS": "secret-new,secret-old",
    "TXPUSH_SEALING_KEYS": "s" * 32,
}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[BridgeSettings, Clock | None]]:
    """Settings in the environment, and what the bridge would have been started with."""
    found: list[tuple[BridgeSettings, Clock | None]] = []

    def run_bridge(settings: BridgeSettings, clock: Clock | None = None) -> int:
        found.append((settings, clock))
        return 0

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(present, "CHECK_SECONDS", 0.5)
    monkeypatch.setattr(command, "run_bridge", run_bridge)
    return found


def typed() -> Result:
    """Run the command."""
    return CliRunner().invoke(txpush, ["bridge"])


@pytest.mark.usefixtures("started")
def test_what_signatures_are_checked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, form, secrets and keys come from the settings; what is not signed is refused unless told otherwise."""
    signing = bridge_settings(read_settings()).signing
    assert (signing.enforce, signing.host, signing.strategy) == (True, "hooks.example.com", Strategy.CONCAT_HEX)
    assert (signing.partner_secrets, signing.sealing_keys) == (("secret-new", "secret-old"), ("s" * 32,))
    monkeypatch.setenv("TXPUSH_SIGNATURES", "log")
    monkeypatch.setenv("TXPUSH_PUBLIC_URL", "http://127.0.0.1:8080")
    signing = bridge_settings(read_settings()).signing
    assert (signing.enforce, signing.host) == (False, "127.0.0.1:8080")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Hooks.Example.COM", "hooks.example.com"),
        ("https://hooks.example.com:443", "hooks.example.com"),
        ("http://hooks:80", "hooks"),
        ("https://hooks.example.com:8443", "hooks.example.com:8443"),
        ("https://münchen.example", "xn--mnchen-3ya.example"),
    ],
)
@pytest.mark.usefixtures("started")
def test_the_host_that_is_signed(monkeypatch: pytest.MonkeyPatch, url: str, host: str) -> None:
    """However the address is spelled, it is what a client's Host header has."""
    monkeypatch.setenv("TXPUSH_PUBLIC_URL", url)
    assert bridge_settings(read_settings()).signing.host == host


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.usefixtures("started")
def test_every_form_can_be_set(monkeypatch: pytest.MonkeyPatch, strategy: Strategy) -> None:
    """The names in the settings are those of the forms."""
    monkeypatch.setenv("TXPUSH_SIGNATURE_STRATEGY", strategy.value)
    assert bridge_settings(read_settings()).signing.strategy is strategy


def test_callers_that_do_not_hold(
    started: list[tuple[BridgeSettings, Clock | None]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file is told with what is wrong, and nothing listens."""
    file = tmp_path / "callers.toml"
    file.write_text("[mailer]\n")
    monkeypatch.setenv("TXPUSH_CALLERS_FILE", str(file))
    done = typed()
    assert (done.exit_code, started) == (2, [])
    assert f"{file}: mailer: types: " in done.output
    assert "mend TXPUSH_CALLERS_FILE" in done.output


def test_without_a_broker_it_starts_all_the_same(started: list[tuple[BridgeSettings, Clock | None]]) -> None:
    """It answers 503 until there is one."""
    assert typed().exit_code == 0
    assert len(started) == 1


def test_a_clock_of_its_own_needs_a_broker_that_allows_it(
    started: list[tuple[BridgeSettings, Clock | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of another time would be in a log for good: without a word of the cluster it does not start."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setenv("TXPUSH_CLOCK", str(ScaledClock(start, start, 43_200)))
    done = typed()
    assert (done.exit_code, started) == (70, [])
    assert "TXPUSH_CLOCK" in done.output
