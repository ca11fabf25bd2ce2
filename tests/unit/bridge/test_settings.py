"""The limits of the bridge."""

import re

import pytest
from click.testing import CliRunner

from streams.bridge import command
from streams.bridge.checks import Signing
from streams.bridge.command import run_bridge
from streams.bridge.settings import BridgeSettings
from streams.kafka import present
from streams.settings import PREFIX, Settings

TOKEN = "t" * 20
COUNTED = Signing(enforce=False)
SIGNED = Signing(host="hooks.example.com", partner_secrets=("partner-secret",), sealing_keys=("s" * 32,))


def test_defaults_hold() -> None:
    """Kafka's address, a token and what signatures are checked with are all that is needed."""
    assert BridgeSettings("localhost:9092", (TOKEN,), signing=SIGNED).problems() == []
    assert BridgeSettings("localhost:9092", (TOKEN, "u" * 20), signing=COUNTED).problems() == []


def test_what_is_not_signed_is_refused_unless_told_otherwise() -> None:
    """Without what signatures are checked with the bridge does not start; only counting them has to be asked for."""
    problems = BridgeSettings("k:1", (TOKEN,)).problems()
    named = [problem.partition(":")[0] for problem in problems]
    assert named == ["TXPUSH_PUBLIC_URL", "TXPUSH_PARTNER_SECRETS", "TXPUSH_SEALING_KEYS"]
    assert all("TXPUSH_SIGNATURES=log" in problem for problem in problems)


def test_counting_signatures_needs_the_token_all_the_same() -> None:
    """Where signatures are only counted, the secret path keeps strangers out: without one there is no bridge."""
    assert any("TXPUSH_CALLBACK_TOKENS" in problem for problem in BridgeSettings("k:1", (), signing=COUNTED).problems())


@pytest.mark.parametrize("tokens", [(), (TOKEN, TOKEN, TOKEN), ("short",), ("with/slash" * 3,)])
def test_tokens_must_be_secret_enough(tokens: tuple[str, ...]) -> None:
    """One or two long plain tokens; anything else is said before the port is open."""
    assert any("TXPUSH_CALLBACK_TOKENS" in problem for problem in BridgeSettings("k:1", tokens).problems())


def test_all_problems_at_once() -> None:
    """Every setting that does not hold is listed, so that one start is enough."""
    problems = BridgeSettings(
        "k:1", (), ack_deadline_seconds=20, max_body_bytes=0, workers=0, signing=COUNTED
    ).problems()
    assert {problem.partition(":")[0] for problem in problems} == {
        "TXPUSH_CALLBACK_TOKENS",
        "TXPUSH_ACK_SECONDS",
        "TXPUSH_MAX_BODY_BYTES",
        "TXPUSH_BRIDGE_WORKERS",
    }


def test_problems_name_settings() -> None:
    """What whoever starts a bridge can set, as they set it; names of the code are none."""
    wrong = BridgeSettings(
        "k:1", ("short",) * 3, max_body_bytes=0, max_held_bytes=-1, ack_deadline_seconds=0, shutdown_seconds=0,
        failures_per_minute=0, max_in_flight=0, workers=0, signing=Signing(enforce=True),
    )  # fmt: skip
    problems = wrong.problems()
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert len(problems) == 12
    assert {problem.partition(":")[0] for problem in problems} <= known
    words = set(re.findall(r"\w+_\w+", "\n".join(problems)))
    assert words <= known, words - known


def test_settings_that_do_not_hold_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The process says what is wrong and ends with 2, without listening."""
    assert run_bridge(BridgeSettings("k:1", ())) == 2
    assert capsys.readouterr().err.startswith("TXPUSH_CALLBACK_TOKENS: 0 given")


def test_settings_are_refused_before_a_broker_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start-up says what is wrong at once, whether or not a broker answers."""

    async def asked(*_: object) -> None:
        raise AssertionError("no broker was to be asked yet")

    monkeypatch.setattr(present, "require_cluster", asked)
    monkeypatch.delenv("TXPUSH_CALLBACK_TOKENS", raising=False)
    done = CliRunner().invoke(command.bridge, [])
    assert (done.exit_code, "TXPUSH_CALLBACK_TOKENS: 0 given" in done.output) == (2, True), done.output


def test_workers_have_admin_ports_of_their_own() -> None:
    """Workers share the port of the world and count up the admin port; 0 stays any free one."""
    settings = BridgeSettings("k:1", (TOKEN,), admin_port=9100).with_workers(3)
    assert [settings.of_worker(index).admin_port for index in range(3)] == [9100, 9101, 9102]
    assert BridgeSettings("k:1", (TOKEN,), admin_port=0).of_worker(2).admin_port == 0


def test_tokens_are_not_shown() -> None:
    """Printing the settings tells nobody the path, nor a key."""
    shown = repr(BridgeSettings("k:1", (TOKEN,), signing=SIGNED))
    assert not [secret for secret in (TOKEN, "partner-secret", "s" * 32) if secret in shown]


@pytest.mark.parametrize(
    ("port", "admin_port", "workers", "told"),
    [
        (
            8080,
            65535,
            2,
            (
                "TXPUSH_ADMIN_PORT: worker 2 of TXPUSH_BRIDGE_WORKERS would listen on 65536, and 65535 is the last "
                "port: set it to 65534 at most"
            ),
        ),
        (
            9100,
            9100,
            1,
            "TXPUSH_BRIDGE_PORT: 9100 is that of TXPUSH_ADMIN_PORT as well: set one of the two to another port",
        ),
        (
            9102,
            9100,
            3,
            (
                "TXPUSH_BRIDGE_PORT: 9102 is among 9100 to 9102, from TXPUSH_ADMIN_PORT on, as well: "
                "set one of the two to another port"
            ),
        ),
    ],
)
def test_ports_that_cannot_be_are_refused(port: int, admin_port: int, workers: int, told: str) -> None:
    """Of all workers, before anything listens: they would end each other one after the other."""
    wrong = BridgeSettings("k:1", (TOKEN,), port=port, admin_port=admin_port, workers=workers, signing=COUNTED)
    assert wrong.problems() == [told]


@pytest.mark.parametrize(
    ("host", "port", "admin_host", "admin_port", "workers"),
    [
        ("127.0.0.1", 0, "127.0.0.1", 0, 2),
        ("127.0.0.1", 9102, "127.0.0.1", 9100, 2),
        ("127.0.0.1", 9099, "127.0.0.1", 9100, 2),
        ("127.0.0.1", 8080, "127.0.0.1", 65534, 2),
        ("127.0.0.1", 9100, "127.0.0.2", 9100, 2),
    ],
)
def test_ports_side_by_side_are_taken(host: str, port: int, admin_host: str, admin_port: int, workers: int) -> None:
    """Ports up to the last, next to each other, and the same of two addresses; a free one is never another's."""
    right = BridgeSettings("k:1", (TOKEN,), host, port, admin_host, admin_port, workers=workers, signing=COUNTED)
    assert right.problems() == []


def test_all_addresses_include_each() -> None:
    """Whoever listens on all of them has the ports of each."""
    for all_of_them in ("0.0.0.0", "::"):  # noqa: S104 - an example
        wrong = BridgeSettings("k:1", (TOKEN,), all_of_them, 9100, "127.0.0.1", 9100, signing=COUNTED)
        assert wrong.problems() != []
