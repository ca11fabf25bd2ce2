"""A command that ends while the vendor makes its session."""

import asyncio

import pytest

from schemas.commands import Action
from tests.unit.executor.double import AT, COMMAND, LINKS, Bench, message
from tests.unit.executor.lookups.build import until


@pytest.mark.parametrize("reason", ["healed", "superseded"])
async def test_a_command_that_ends_meanwhile(reason: str) -> None:
    """The page that says so, rather than a session that would repair what is repaired or wanted no more."""
    bench = Bench()
    bench.hear(message())
    bench.vendor.hold = asyncio.Event()
    async with bench.client:
        click = asyncio.create_task(bench.client.post(f"/fix/{LINKS.token(COMMAND, AT)}"))
        await until(lambda: bench.vendor.requests)
        bench.hear(message(sequence=1, action=Action.WITHDRAW, withdraw_reason=reason))
        bench.vendor.hold.set()
        answer = await click
    assert (answer.status_code, answer.headers.get("location")) == (410, None)
    assert bench.count("led_on") == 0
