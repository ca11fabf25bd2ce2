"""`txpush sandbox`: which partner it takes, and how it follows its clock."""

import asyncio

import pytest
from pydantic import SecretStr

from streams.sandbox import SandboxSettings
from streams.sandbox.command import sandbox_settings
from streams.settings import Settings
from streams.signatures import Strategy
from streams.testing.clock import VirtualClock
from tests.component.sandbox.bench import START, Bench, Listener, bench_with


def test_without_settings_the_partner_is_the_known_one() -> None:
    """The README's commands work as they stand."""
    assert sandbox_settings(Settings()) == SandboxSettings()


def test_a_client_with_the_same_settings_gets_in() -> None:
    """Partner, secret and key are those of the vendor's client; the first secret is the one in use."""
    settings = Settings(
        partner_id="p",
        partner_secrets=(SecretStr("new"), SecretStr("old")),
        app_key=SecretStr("k"),
        signature_strategy="newline-hex",
        sandbox_seed="s",
        sandbox_any_port=True,
    )
    taken = sandbox_settings(settings)
    assert (taken.partner_id, taken.partner_secret, taken.app_key) == ("p", "new", "k")
    assert (taken.signature_strategy, taken.seed, taken.any_port) == (Strategy.NEWLINE_HEX, "s", True)


async def until_heard(bench: Bench) -> None:
    """Wait until the listener hears something."""
    async with asyncio.timeout(5):
        await bench.listener.heard.wait()


async def test_a_running_sandbox_follows_its_clock() -> None:
    """What is due goes out by itself while it runs, and nothing after it has ended."""
    bench = bench_with(Listener(), SandboxSettings(), VirtualClock(START))
    async with bench.sandbox:
        bench.connected_quietly("tfa_text")
        bench.clock.move_to(START.replace(day=2))
        await until_heard(bench)
    bench.clock.move_to(START.replace(day=20))
    await asyncio.sleep(0)
    assert bench.listener.words() == ["185"]


async def test_a_step_that_fails_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    """It is said without the details, and the next step is taken."""
    bench = bench_with(Listener(), SandboxSettings(), VirtualClock(START))

    def break_down(_at: object) -> None:
        raise ValueError("a name and a balance")

    async with bench.sandbox:
        bench.connected_quietly("tfa_text")
        bench.sandbox.agenda.errand(START, break_down)
        bench.clock.move_to(START.replace(day=2))
        await until_heard(bench)
    assert caplog.messages == ["a step of the sandbox failed: ValueError"]


async def test_its_own_client_is_closed() -> None:
    """Connections to listeners end with the sandbox."""
    bench = bench_with(Listener(), SandboxSettings(), VirtualClock(START))
    bench.sandbox._client = None
    async with bench.sandbox:
        client = bench.sandbox.webhook_client()
        assert bench.sandbox.webhook_client() is client
    assert client.is_closed
