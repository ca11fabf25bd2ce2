"""`txpush vendor`: what it shows of the gate before the credentials, and what it lets be tried again."""

import asyncio

import pytest

from streams.operate import vendor
from streams.settings import read_settings
from streams.vendor import MemoryGate, TryAgainError
from streams.vendor.gate import MemoryLog, Outcome
from tests.component.operate.double import SIGNED, typed

KEY, PARTNER, SECRET = "canary-key", "2445", "canary-secret"
OTHER = "ff" * 16


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    """What the topic would hold; the settings name credentials."""
    log = MemoryLog()
    monkeypatch.setattr(vendor, "KafkaGate", lambda _bootstrap, who: MemoryGate(log, who))
    for name, value in (("APP_KEY", KEY), ("PARTNER_ID", PARTNER), ("PARTNER_SECRETS", SECRET)):
        monkeypatch.setenv(f"TXPUSH_{name}", value)
    return log


@pytest.fixture
def ours(log: MemoryLog) -> str:
    del log
    pair = vendor._ours(read_settings())
    assert pair is not None
    return pair


def tried(log: MemoryLog, pair: str, *outcomes: Outcome) -> None:
    """Have a process try a pair."""

    async def attempt() -> None:
        async with MemoryGate(log, "executor-0") as gate:
            for outcome in outcomes:
                await gate.settle(await gate.claim(pair), outcome, 10001 if outcome is Outcome.REFUSED else None)

    asyncio.run(attempt())


def test_nothing_was_tried(log: MemoryLog) -> None:
    """An empty topic is told as such."""
    done = typed("vendor", "show")
    assert (done.exit_code, done.output, log.records) == (0, "no credentials were tried yet\n", [])


def test_good_credentials_are_shown(log: MemoryLog, ours: str) -> None:
    """Ours are told from others; none is told itself."""
    tried(log, ours, Outcome.ACCEPTED)
    tried(log, OTHER, Outcome.REFUSED)
    done = typed("vendor", "show")
    assert done.exit_code == 0
    first, second = sorted(done.output.splitlines(), key=lambda line: "other" in line)
    assert first.startswith(f"{ours[:8]}  ours  may be tried; accepted 2")
    assert second.startswith("ffffffff  other  the vendor refused the credentials, 2")
    assert second.endswith(" to executor-0; code 10001")
    assert "canary" not in done.output


def test_refused_credentials_are_told(log: MemoryLog, ours: str) -> None:
    """Where ours were refused it ends with 1 and says what to do."""
    tried(log, ours, Outcome.REFUSED)
    done = typed("vendor", "show")
    assert done.exit_code == 1
    assert "run `txpush vendor reset`" in done.output


@pytest.mark.parametrize("outcomes", [[Outcome.REFUSED], [Outcome.UNANSWERED, Outcome.UNANSWERED]])
def test_ours_are_reset(log: MemoryLog, ours: str, outcomes: list[Outcome]) -> None:
    """Without a name it is the pair of the settings; who and why are kept and shown."""
    tried(log, ours, *outcomes)
    done = typed("vendor", "reset", *SIGNED)
    assert (done.exit_code, done.output) == (
        0,
        f"{ours[:8]} may be tried again, by processes that run already, too\n",
    )
    shown = typed("vendor", "show")
    assert shown.exit_code == 0
    assert "may be tried; reset 2" in shown.output
    assert " by ann: asked the customer" in shown.output


def test_another_pair_is_reset(log: MemoryLog, ours: str) -> None:
    """By the first digits of its name, and it alone."""
    tried(log, ours, Outcome.REFUSED)
    tried(log, OTHER, Outcome.REFUSED)
    assert typed("vendor", "reset", "ffffffff", *SIGNED).exit_code == 0
    assert typed("vendor", "show").exit_code == 1


@pytest.mark.parametrize("pair", ["eeee", "f"])
def test_what_is_not_one_pair_is_refused(log: MemoryLog, pair: str) -> None:
    """A name that fits none, or several, changes nothing."""
    tried(log, OTHER, Outcome.REFUSED)
    tried(log, "f0" * 16, Outcome.REFUSED)
    before = len(log.records)
    done = typed("vendor", "reset", pair, *SIGNED)
    assert (done.exit_code, len(log.records)) == (2, before)
    assert f"{pair} is not one pair that was tried" in done.output


def test_no_credentials_in_the_settings(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others can be shown; a reset has to name one."""
    monkeypatch.delenv("TXPUSH_APP_KEY")
    tried(log, OTHER, Outcome.REFUSED)
    shown = typed("vendor", "show")
    assert (shown.exit_code, "ffffffff  other" in shown.output) == (0, True)
    done = typed("vendor", "reset", *SIGNED)
    assert done.exit_code == 2
    assert "name the PAIR" in done.output


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_a_reset_is_signed(missing: str) -> None:
    """Who and why are asked for."""
    words = [word for word in SIGNED if word != missing][:2]
    assert typed("vendor", "reset", *words).exit_code == 2


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize("words", [["show"], ["reset", *SIGNED]])
def test_kafka_is_away(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    """It ends with 2 and says where it looked."""

    async def away(_gate: object) -> None:
        raise TryAgainError("no", after_seconds=1)

    monkeypatch.setattr(MemoryGate, "caught_up", away)
    done = typed("vendor", *words)
    assert done.exit_code == 2
    assert "vendor.auth cannot be read or written at 127.0.0.1:9092\nset TXPUSH_BOOTSTRAP" in done.output


@pytest.mark.parametrize("name", ["show", "reset"])
def test_commands_have_examples(name: str) -> None:
    """Help shows what can be typed."""
    done = typed("vendor", name, "--help")
    assert f"  txpush vendor {name}" in done.output.partition("Examples:")[2]
