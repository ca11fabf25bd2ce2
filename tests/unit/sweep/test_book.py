"""What is known of accounts: the last word of account.health on each, and small."""

import json
import tracemalloc

import pytest

from streams.kafka.view import RecordRefusedError, ViewRecord
from streams.sweep.book import Book
from tests.unit.sweep.double import ACCOUNT, BEFORE, CUSTOMER, book_of, gone, health, known


def test_the_last_word_holds() -> None:
    """An account is as its last record says, other accounts of the customer as theirs."""
    book = book_of(known(code=185), known("2", login_id=None), known(code=0))
    assert book.known(CUSTOMER) == {ACCOUNT: known(code=0), "2": known("2", login_id=None)}
    assert (len(book), list(book.customers()), book.has(CUSTOMER)) == (2, [CUSTOMER], True)


def test_a_deleted_account_is_known_as_such() -> None:
    """Its record stays, and says when it was deleted."""
    deleted = known(is_deleted=True, heard_at=BEFORE, code=None, attempted_at=None)
    assert book_of(deleted).known(CUSTOMER) == {ACCOUNT: deleted}


def test_a_tombstone_forgets() -> None:
    """After the last account nothing is known of the customer (R18); one for an unknown account changes nothing."""
    book = book_of(known(), known("2"))
    book.hear(gone("3"))
    book.hear(gone())
    assert (len(book), book.known(CUSTOMER)) == (1, {"2": known("2")})
    book.hear(gone("2"))
    assert (len(book), book.has(CUSTOMER), book.known(CUSTOMER)) == (0, False, {})


@pytest.mark.parametrize("record", [ViewRecord("account.health", 0, 0, b"7000", b"{}", 0), gone("")])
def test_a_key_of_no_account_is_refused(record: ViewRecord) -> None:
    """Health that cannot be read must not count as unknown: its accounts would all be told as new."""
    with pytest.raises(RecordRefusedError, match=r"account\.health/0/0 is not of this release: the key is none"):
        Book().hear(record)


@pytest.mark.parametrize("key", [b"7000000043/5900000001", b"7000000042/5900000002"])
def test_health_under_another_s_key_is_refused(key: bytes) -> None:
    """An account is known by one name: what is under two would be counted twice, and hide another."""
    with pytest.raises(RecordRefusedError, match="under another's key"):
        Book().hear(health(known())._replace(key=key))


@pytest.mark.parametrize(
    ("value", "why"),
    [(b"{}", "customer_id"), (b'{"later":' + b"[" * 100_000, "nested without end"), (b'{"phase":"\xff"}', "utf-8")],
)
def test_a_value_of_another_release_is_refused(value: bytes, why: str) -> None:
    """The same for a value that lacks what is compared, or cannot be read at all."""
    with pytest.raises(RecordRefusedError, match=why):
        Book().hear(health(known())._replace(value=value))


@pytest.mark.parametrize(
    ("field", "value", "why"), [("code", 2**64, r"code"), ("heard_at", "2026-11-01T03:00:00", "timezone")]
)
def test_a_value_that_cannot_be_compared_is_refused(field: str, value: object, why: str) -> None:
    """A number that is no status code, or a time without a zone."""
    one = health(known())
    changed = json.dumps(json.loads(one.value or b"") | {field: value}).encode()
    with pytest.raises(RecordRefusedError, match=why):
        Book().hear(one._replace(value=changed))


def test_a_million_accounts_fit() -> None:
    """An account takes less than 200 bytes, two a customer, with everything that finds it."""
    tracemalloc.start()
    try:
        book = Book()
        for number in range(4000):
            one = known(str(5_900_000_000 + number), login_id=str(7_100_000_000 + number // 2), code=185)
            book.hear(health(one, str(7_000_000_000 + number // 2)))
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(book) == 4000
    assert size / len(book) < 200
