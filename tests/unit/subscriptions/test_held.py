"""What is held of an account's subscriptions when it is subscribed again."""

import pytest

from streams.subscriptions.held import Account, Grant, Held, renewed

CALLBACK, AT = "https://hooks.example.com/token/txpush", "2026-11-01T03:00:00Z"


def subscribed(before: Held | None, of_accounts: str, of_transactions: str) -> Held:
    """Take an answer with one key a class."""
    grants = [Grant("1", "account", of_accounts), Grant("2", "transaction", of_transactions)]
    return renewed(before, grants, CALLBACK, AT)


def test_the_key_before_stays_valid() -> None:
    """The newest first, then the one before it, and no third."""
    held = subscribed(subscribed(subscribed(None, "a1", "t1"), "a2", "t2"), "a3", "t3")
    assert held.keys == {"account": ("a3", "a2"), "transaction": ("t3", "t2")}


def test_the_same_key_again_changes_nothing() -> None:
    """Where subscribing again gives the same keys, the one before them is not pushed out."""
    twice = subscribed(subscribed(None, "a1", "t1"), "a2", "t2")
    assert subscribed(twice, "a2", "t2").keys == twice.keys


def test_going_back_to_the_former_key() -> None:
    """The former key as the newest: both stay."""
    back = subscribed(subscribed(subscribed(None, "a1", "t1"), "a2", "t2"), "a1", "t1")
    assert back.keys["account"] == ("a1", "a2")


def test_one_class_twice() -> None:
    """The vendor's own example names one class twice: both keys are kept, as either may sign."""
    held = renewed(None, [Grant("1", "account", "a1"), Grant("1", "account", "a2")], CALLBACK, AT)
    assert held.keys == {"account": ("a2", "a1")}


@pytest.mark.parametrize("key", [b"", b"7", b"7/", b"/5", b"7/5/6", b"\xff/5"])
def test_what_is_no_account(key: bytes) -> None:
    """Keys are customer and account, with one slash between."""
    with pytest.raises(ValueError, match=r"account|decode"):
        Account.of(key)


def test_an_account_and_its_key() -> None:
    """There and back."""
    assert Account.of(b"7/5") == Account("7", "5")
    assert Account("7", "5").key == b"7/5"
