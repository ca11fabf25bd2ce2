"""What the canary makes of an address at which nobody can ever answer."""

import asyncio

import httpx
import pytest

from streams.canary.process import _post


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://127.0.0.1:1"])
def test_an_address_without_an_answer_is_no_end_of_the_canary(url: str) -> None:
    """It goes on, and its silence wakes somebody; it would else end at each start, without a word."""

    async def post() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=5) as client:
            await _post(client, b"{}")

    with pytest.raises(OSError, match=r"."):
        asyncio.run(post())
