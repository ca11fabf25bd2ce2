"""The signing keys that the bridge knows, as records of the topic come in."""

import logging
import math

import pytest

from streams.kafka.view import TopicView, ViewRecord
from streams.signatures import txpush_key
from streams.subscriptions.held import Grant, record_key, renewed
from streams.subscriptions.sealing import Sealing
from streams.subscriptions.view import KeyView, SigningKeys

SEALING = Sealing(["sealing-key-of-these-tests-0000000"])
WAIT = "wait, or see whether the brokers are slow"
OTHER_SEALING = Sealing(["another-sealing-key-00000000000000"])


def record(customer_id: str, account_id: str, signing_key: str | None, sealing: Sealing = SEALING) -> ViewRecord:
    """Give the record of an account; without a key a tombstone."""
    name = record_key(customer_id, account_id)
    grants = [Grant("1", "account", signing_key or ""), Grant("2", "transaction", "of-transactions")]
    held = renewed(None, grants, "https://callback", "2026-11-01T03:00:00Z")
    return ViewRecord("txpush.subscriptions", 0, 7, name, sealing.seal(name, held) if signing_key else None, 0)


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys(SEALING)


def test_keys_by_account_and_class(keys: SigningKeys) -> None:
    """Each class has its own; a class that is new has all of them."""
    keys.hear(record("7", "5", "of-accounts"))
    known = keys.of("5")
    assert known is not None
    assert known.customer_id == "7"
    assert known.of_class("account") == (b"of-accounts",)
    assert known.of_class("transaction") == (b"of-transactions",)
    assert set(known.of_class("statement")) == {b"of-accounts", b"of-transactions"}
    assert keys.of("6") is None


def test_keys_are_in_no_repr(keys: SigningKeys) -> None:
    """Whatever prints them shows whose they are, and of which class."""
    keys.hear(record("7", "5", "of-accounts"))
    assert repr(keys.of("5")) == "KeysOf('7', ['account', 'transaction'])"


def test_long_keys_are_kept_short(keys: SigningKeys) -> None:
    """Of the vendor's 250 characters 32 bytes are kept: they sign the same."""
    keys.hear(record("7", "5", "k" * 250))
    known = keys.of("5")
    assert known is not None
    assert known.of_class("account") == (txpush_key("k" * 250),)
    assert len(known.of_class("account")[0]) == 32


def test_the_last_record_counts(keys: SigningKeys) -> None:
    """A later record takes the place of an earlier one, a tombstone ends it."""
    keys.hear(record("7", "5", "one"))
    keys.hear(record("7", "5", "two"))
    assert keys.of("5") == ("7", {"account": (b"two",), "transaction": (b"of-transactions",)})
    keys.hear(record("7", "5", None))
    assert (keys.of("5"), len(keys)) == (None, 0)


def test_the_end_of_another_customers_account(keys: SigningKeys) -> None:
    """A tombstone ends the account of its own customer, not one that has the same id by now elsewhere."""
    keys.hear(record("8", "5", "one"))
    keys.hear(record("7", "5", None))
    assert keys.of("5") is not None


def test_a_record_that_cannot_be_opened(keys: SigningKeys, caplog: pytest.LogCaptureFixture) -> None:
    """It takes no key away and ends nothing: it is counted, and said once with its place, without its content."""
    keys.hear(record("7", "5", "one"))
    with caplog.at_level(logging.ERROR):
        for account in ("5", "6"):
            keys.hear(record("7", account, "two", OTHER_SEALING))
    assert keys.of("5") == ("7", {"account": (b"one",), "transaction": (b"of-transactions",)})
    assert keys.unopened == 2
    assert caplog.text.count("txpush.subscriptions/0/7 cannot be read") == 1
    assert "7/5" not in caplog.text


@pytest.mark.parametrize("name", [None, b"", b"no-account", b"\xff\xfe"])
def test_a_record_that_is_no_account(keys: SigningKeys, name: bytes | None) -> None:
    """Whatever stands on the topic, hearing it raises nothing."""
    keys.hear(ViewRecord("txpush.subscriptions", 0, 7, name, b"x", 0))
    assert keys.unopened == 1


def test_wrong_sealing_keys_are_a_problem_and_a_damaged_record_is_none(keys: SigningKeys) -> None:
    """One bad record among good ones takes no bridge away; with most of them bad, the settings are wrong."""
    keys.hear(record("7", "1", "one", OTHER_SEALING))
    assert "TXPUSH_SEALING_KEYS" in keys.problems()[0]
    keys.hear(record("7", "2", "two"))
    assert keys.problems() == []
    keys.hear(record("7", "1", "one"))
    assert keys.unopened == 0


class FakeTopicView(TopicView):
    """A view whose lag the test sets."""

    def __init__(self, lag: float = math.inf) -> None:
        super().__init__("unused:1", ["txpush.subscriptions"], lambda _: None)
        self.lag, self.why = lag, ["txpush.subscriptions cannot be read: away"]

    def lag_seconds(self) -> float:
        return self.lag

    def problems(self) -> list[str]:
        return self.why


def test_a_lag_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first time, without a broker, and far behind: readiness says why, and an unknown key is not judged."""
    view, topic = KeyView("unused:1", SEALING), FakeTopicView()
    monkeypatch.setattr(view, "_view", topic)
    assert (view.is_current(), view.problems()) == (False, ["txpush.subscriptions cannot be read: away"])
    topic.why = []
    assert view.problems() == [f"signing keys have not been read yet; {WAIT}"]
    topic.lag = 20.0
    assert view.problems() == [f"signing keys have not been read for 20 s; {WAIT}"]
    topic.lag = 15.0
    assert (view.is_current(), view.problems(), view.lag_seconds()) == (True, [], 15.0)


def test_with_wrong_sealing_keys_nothing_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is read and nothing known: that is no ground to call anybody a stranger."""
    view = KeyView("unused:1", SEALING)
    monkeypatch.setattr(view, "_view", FakeTopicView(0.0))
    view.keys.hear(record("7", "1", "one", OTHER_SEALING))
    assert not view.is_current()
    assert view.of("1") is None
