"""How much memory the state of an account takes: a worker with a million of them has to fit where it was put."""

import gc
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec
import pytest

from schemas.state import AccountState, CustomerState, LoginState
from streams.transport.state.values import Decode, PartitionValues
from tests.bench.restarts.grown import customers, values
from tests.bench.traffic import Portfolio

ACCOUNTS = 3_000
DECODERS: Mapping[str, Decode] = {
    "accounts": msgspec.json.Decoder(AccountState).decode,
    "customers": msgspec.json.Decoder(CustomerState).decode,
    "logins": msgspec.json.Decoder(LoginState).decode,
}
AS_READ = 800
"""Bytes an account after a restore: 0.8 GB for a million."""
AS_USED = 1_800
"""Bytes an account when every value has been asked for since, as after a night."""


@pytest.fixture
def traced() -> Iterator[None]:
    """Count what is allocated from here on."""
    gc.collect()
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.fixture(scope="module")
def written() -> Mapping[str, list[tuple[str, bytes]]]:
    """Give keys and values of each table after a night in which every account was heard of."""
    tables = defaultdict(list)
    for customer in customers(Portfolio(ACCOUNTS, seed=1)):
        for table, key, value in values(customer):
            tables[table].append((key, value))
    assert tables.keys() == DECODERS.keys()
    return tables


@pytest.mark.usefixtures("traced")
def test_a_million_accounts_fit(written: Mapping[str, list[tuple[str, bytes]]]) -> None:
    """State stays bytes until it is asked for; decoded it has a bound, too."""
    held = {  # copies, so that they count
        table: PartitionValues({key.swapcase(): value + b" " for key, value in rows}, DECODERS[table])
        for table, rows in written.items()
    }
    assert tracemalloc.get_traced_memory()[0] / ACCOUNTS < AS_READ
    for part in held.values():
        for key in part:
            assert type(part[key]) is not bytes
    assert tracemalloc.get_traced_memory()[0] / ACCOUNTS < AS_USED
