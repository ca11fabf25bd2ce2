"""After a 977 for a customer the institutions that the customer is known to have rest: nobody asks about them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from streams.vendor import TryAgainError, Vendor
from tests.component.vendor.double import ACCOUNT, CUSTOMER, LOGIN, Client, Reply, Upstream, client_of

KNOWN = {CUSTOMER: {"1", "2"}, "7000000043": {"2", "3"}, "7000000044": {"3"}}


@pytest.fixture
async def client(upstream: Upstream) -> AsyncIterator[Client]:
    async with client_of(upstream) as made:
        made.vendor._institutions_of = lambda customer_id: KNOWN.get(customer_id, ())
        yield made


async def rests(vendor: Vendor, customer_id: str) -> bool:
    """Tell whether the accounts of a customer cannot be asked for now, as an institution rests."""
    (answer,) = await asyncio.gather(vendor.account(customer_id, ACCOUNT), return_exceptions=True)
    return isinstance(answer, TryAgainError) and (answer.code, answer.status) == (977, None)


async def limited(client: Client) -> None:
    """Have the vendor say that there are too many calls for an institution of the customer."""
    client.upstream.replies.append(Reply(500, {"code": 977}))
    with pytest.raises(TryAgainError):
        await client.vendor.login_accounts(CUSTOMER, LOGIN)


async def test_who_shares_an_institution_waits(client: Client) -> None:
    """For five minutes, with no call to the vendor; others go on."""
    await limited(client)
    customers = (*KNOWN, "7000000045")
    assert [await rests(client.vendor, one) for one in customers] == [True, True, False, False]
    assert len(client.upstream.calls) == 3
    client.hand.at += 300.0
    assert not await rests(client.vendor, CUSTOMER)


async def test_calls_that_name_it_wait_as_well(client: Client) -> None:
    """A session for the same institution too."""
    await limited(client)
    with pytest.raises(TryAgainError) as told:
        await client.vendor.institution("1")
    assert not told.value.is_of_all
    assert len(client.upstream.calls) == 1


async def test_a_named_institution_rests_alone(client: Client) -> None:
    """Where the call says which one it is about, the others of the customer do not rest."""
    client.upstream.replies.append(Reply(500, {"code": 977}))
    with pytest.raises(TryAgainError):
        await client.vendor.account(CUSTOMER, ACCOUNT, institution_id="1")
    assert [await rests(client.vendor, one) for one in KNOWN] == [True, False, False]


async def test_they_are_not_paced(upstream: Upstream) -> None:
    """What the vendor has stored is read as fast as the app key allows, whichever institutions it may concern."""
    async with client_of(upstream, institution_per_second=1.0) as client:
        client.vendor._institutions_of = lambda _customer_id: {"1"}
        for _ in range(5):
            await client.vendor.account(CUSTOMER, ACCOUNT)
        assert client.hand.waits == []
