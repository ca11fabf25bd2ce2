"""What has a limit: bodies, links, visits, tokens and waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.sandbox.api import front
from streams.sandbox.hosted import links, visits
from streams.sandbox.seed import Seed
from tests.component.sandbox.bench import Bench


async def stuck() -> AsyncIterator[bytes]:
    """Give a body that never ends."""
    yield b"{"
    await asyncio.Event().wait()


async def test_a_body_that_does_not_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """408, for a call and for a form."""
    monkeypatch.setattr(front, "BODY_SECONDS", 0.01)
    monkeypatch.setattr(visits, "FORM_SECONDS", 0.01)
    assert (await bench.api.post("/aggregation/v2/customers/testing", content=stuck())).status_code == 408
    customer, login = await bench.connected()
    bench.sandbox.refresh(login)
    page = await bench.visitor().open(await bench.link(customer, login))
    assert (await bench.api.post(page.url, content=stuck())).status_code == 400


async def test_old_links_and_visits_are_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest are kept."""
    monkeypatch.setattr(links, "MAX_LINKS", 1)
    monkeypatch.setattr(visits, "MAX_VISITS", 1)
    customer, login = await bench.connected()
    bench.sandbox.refresh(login)
    first, second = await bench.link(customer, login), await bench.link(customer, login)
    assert (await bench.api.get(first)).status_code == 404
    old, new = await bench.visitor().open(second), await bench.visitor().open(second)
    assert [(await bench.api.get(page.url)).status_code for page in (old, new)] == [410, 200]


async def test_a_link_whose_login_is_gone(bench: Bench) -> None:
    """It opens nothing any more."""
    customer, login = await bench.connected()
    link = await bench.link(customer, login)
    bench.sandbox.world.delete_customer(customer, bench.clock.now())
    assert (await bench.api.get(link)).status_code == 410


@pytest.mark.parametrize("length", [1, 43, 250])
def test_drawn_text_has_its_length(length: int) -> None:
    """Letters and digits only."""
    drawn = Seed("s").text(length, "label")
    assert (len(drawn), drawn.isalnum()) == (length, True)


def test_labels_do_not_run_together() -> None:
    """Two parts are not one."""
    assert Seed("s").share("ab", "c") != Seed("s").share("a", "bc")
