"""The contract of a store as a test that every implementation passes, ours and yours."""

import inspect
from collections.abc import Callable
from typing import Any

from streams.subscribe.stores.base import MAX_NAMES, AsyncStore, Store

HIGHEST = 2**63 - 1
LONG_NAME = "read/" + "t" * 249 + "/" + "9" * 10


class StoreContractError(AssertionError):
    """A store does not keep the contract; the message says which part of it."""


async def check_store(opened: Callable[[], Store | AsyncStore], *, durable: bool = True) -> None:
    """Hold a store to its contract.

    Args:
        opened: opens the same, at first empty, store; called again for what a restart finds, without a close.
        durable: whether a restart has to find anything.

    Raises:
        StoreContractError: names the part that is not kept.
    """
    store = opened()
    _hold(await _of(store.claim("group one")) == "group one", "the first claim is kept")
    _hold(await _of(store.claim("group two")) == "group one", "a second claim changes nothing")
    _hold(dict(await _of(store.read(["a", LONG_NAME]))) == {}, "what was never kept is left out")
    await _of(store.raise_to({"a": 0, "b": 5, LONG_NAME: HIGHEST}))
    await _of(store.raise_to({"a": 3, "b": 4}))
    wanted = {"a": 3, "b": 5, LONG_NAME: HIGHEST}
    _hold(dict(await _of(store.read(list(wanted)))) == wanted, "each number is the highest that was given")
    _hold(dict(await _of(store.read(["b", "c"]))) == {"b": 5}, "only what was asked for is given")
    await _of(store.raise_to({"a": 3, "b": 5}))
    many = {f"acknowledged/{number}": number for number in range(MAX_NAMES)}
    await _of(store.raise_to(many))
    _hold(dict(await _of(store.read(list(many)))) == many, f"a call may have {MAX_NAMES} names")
    if durable:
        again = opened()
        _hold(await _of(again.claim("group three")) == "group one", "a restart finds the owner")
        _hold(dict(await _of(again.read(list(wanted)))) == wanted, "a restart finds the numbers")


async def _of(answer: Any) -> Any:  # noqa: ANN401 - a store's answer, at once or awaited
    return await answer if inspect.isawaitable(answer) else answer


def _hold(kept: bool, part: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not kept:
        raise StoreContractError(f"the store does not keep the contract: {part}")
