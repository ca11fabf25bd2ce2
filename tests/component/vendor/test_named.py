"""What a client knows of its credentials before anything is called: what others found out, and that it asks nobody."""

import threading

import pytest
from pydantic import SecretStr

from streams.vendor import MemoryGate, RefusedError, calls
from streams.vendor.gate import MemoryLog, pair_of
from tests.component.vendor.double import Reply, Upstream, client_of
from tests.waiting import until


async def test_a_refusal_is_known_after_a_restart(upstream: Upstream) -> None:
    """A client that is opened on what another one left says that it is refused, with no call and no attempt."""
    upstream.default_token, log = Reply(401, {"code": "10001"}), MemoryLog()
    async with client_of(upstream, MemoryGate(log)) as first:
        with pytest.raises(RefusedError):
            await first.vendor.authenticate()
    async with client_of(upstream, MemoryGate(log)) as second:
        await until(lambda: second.vendor.problems()[0].startswith("the vendor refused the credentials, "))
    assert upstream.attempts == 1


async def test_not_ready_before_it_is_known(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the pair has no name yet nobody can say whether it was refused; the loop goes on meanwhile."""
    may_go_on = threading.Event()

    def slowly(url: str, app_key: SecretStr, partner_id: str, partner_secret: SecretStr) -> str:
        assert may_go_on.wait(10)
        return pair_of(url, app_key, partner_id, partner_secret)

    monkeypatch.setattr(calls, "pair_of", slowly)
    async with client_of(upstream) as client:
        assert client.vendor.problems() == [calls.NOT_NAMED]
        may_go_on.set()
        await until(lambda: client.vendor.problems() == [])
    assert upstream.attempts == 0
