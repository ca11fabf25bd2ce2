"""One customer's sweep: what is told of it, when nothing is, and what must hold before a deletion is told."""

from datetime import timedelta

import pytest

from schemas.events import AccountSnapshot, EventType, Source
from streams.sweep.compare import Difference, Silence
from streams.sweep.customer import Allowance, TooManyDeletionsError
from streams.vendor import AggregationFailedError, GoneError, TryAgainError
from tests.unit.sweep.double import (
    ACCOUNT,
    BEFORE,
    CUSTOMER,
    INSTITUTION,
    LOGIN,
    NOW,
    SECOND,
    Bench,
    VendorDouble,
    book_of,
    gone,
    health,
    known,
    shown,
)

OBSERVED, DELETED = EventType.ACCOUNT_OBSERVED, EventType.ACCOUNT_DELETED
ASKED_AT, ANSWERED_AT = NOW + SECOND, NOW + 2 * SECOND
PROXY = GoneError("there is no such thing", status=404)


def bench(*listed: AccountSnapshot, **fields: object) -> Bench:
    """Give a bench whose vendor lists these accounts of the customer."""
    return Bench(VendorDouble({CUSTOMER: list(listed)}), **fields)  # type: ignore[arg-type]


async def test_what_is_equal_is_not_told() -> None:
    """A customer who stands as known costs one call and no record."""
    one = bench(shown(), book=book_of(known()))
    found = await one.customer().sweep(CUSTOMER)
    assert (one.published, one.vendor.asked) == ([], [CUSTOMER])
    assert (found.accounts, found.silent, found.differing) == (1, {Silence.EQUAL: 1}, {})


async def test_what_differs_is_observed_at_the_time_of_the_answer() -> None:
    """The event is the sweep's, of the customer, and says no baseline: something was heard of the account before."""
    failing = shown(aggregation_status_code=185)
    one = bench(failing, shown("2"), book=book_of(known(), known("2")))
    found = await one.customer().sweep(CUSTOMER)
    (event,) = one.published
    assert (event.type, event.source, event.partition_key) == (OBSERVED, Source.SWEEP, CUSTOMER)
    assert (event.time, event.data) == (ANSWERED_AT, failing)
    assert (found.observed, found.differing) == (1, {Difference.CODE: 1})


async def test_an_account_never_heard_of_is_baseline() -> None:
    """R17: a first sweep must not mail everybody; an account that came back is no such one."""
    back = known("2", is_deleted=True, heard_at=BEFORE)
    one = bench(shown(), shown("2"), book=book_of(back))
    found = await one.customer().sweep(CUSTOMER)
    data = {event.data.account_id: event.data for event in one.published if isinstance(event.data, AccountSnapshot)}
    assert (data[ACCOUNT].baseline, data["2"].baseline) == (True, False)
    assert found.differing == {Difference.UNKNOWN: 1, Difference.RETURNED: 1}


async def test_the_book_is_looked_at_after_the_answer() -> None:
    """What was heard while the vendor was asked is known already: an unknown account may be told twice, not wrongly."""
    one = bench(shown(), book=book_of(known(code=185)))
    one.vendor.during = lambda: one.book.hear(health(known()))
    await one.customer().sweep(CUSTOMER)
    assert one.published == []


async def test_a_missing_account_is_told_as_deleted_at_the_time_of_asking() -> None:
    """It was asked for by itself; an attempt made since the question would bring it back (R12)."""
    one = bench(shown(), book=book_of(known(), known("2")))
    found = await one.customer().sweep(CUSTOMER)
    (event,) = one.published
    assert one.vendor.asked == [CUSTOMER, f"{CUSTOMER}/2 at {INSTITUTION}"]
    assert (event.type, event.source, event.time) == (DELETED, Source.SWEEP, ASKED_AT)
    assert event.data == AccountSnapshot(
        customer_id=CUSTOMER, account_id="2", institution_id=INSTITUTION, institution_login_id=LOGIN
    )
    assert (found.deleted, found.differing) == (1, {Difference.DELETED: 1})


async def test_an_account_that_a_list_left_out_is_compared() -> None:
    """A list may leave out what it cannot show, or what we cannot read: such an account is not gone."""
    one = bench(shown(), book=book_of(known(), known("2")))
    one.vendor.accounts["2"] = shown("2", aggregation_status_code=103)
    found = await one.customer().sweep(CUSTOMER)
    assert one.told() == [(OBSERVED, "2")]
    assert (found.accounts, found.deleted) == (2, 0)


async def test_a_customer_who_is_gone_is_told_account_by_account() -> None:
    """Deleted ones have been told."""
    one = Bench(book=book_of(known(), known("2"), known("3", is_deleted=True)))
    found = await one.customer().sweep(CUSTOMER)
    assert one.told() == [(DELETED, ACCOUNT), (DELETED, "2")]
    assert (found.gone, found.deleted, one.vendor.asked) == (1, 2, [CUSTOMER])


@pytest.mark.parametrize("listed", [PROXY, TryAgainError("away", after_seconds=1.0)])
async def test_without_the_vendors_word_nobody_is_gone(listed: Exception) -> None:
    """A 404 without a code of the vendor's may be a proxy's; trouble is no answer at all."""
    one = Bench(VendorDouble({CUSTOMER: listed}), book_of(known()))
    with pytest.raises(type(listed)):
        await one.customer().sweep(CUSTOMER)
    assert one.published == []


@pytest.mark.parametrize("answer", [PROXY, AggregationFailedError(185)])
async def test_without_the_vendors_word_no_account_is_gone(answer: Exception) -> None:
    """The same for an account; what was shown of the others is told all the same."""
    one = bench(shown(aggregation_status_code=185), book=book_of(known(), known("2")))
    one.vendor.accounts["2"] = answer
    with pytest.raises(type(answer)):
        await one.customer().sweep(CUSTOMER)
    assert one.told() == [(OBSERVED, ACCOUNT)]


@pytest.mark.parametrize(
    "meanwhile",
    [
        health(known("2", heard_at=ASKED_AT)),
        health(known("2", heard_at=ASKED_AT, is_deleted=True)),
        gone("2"),
    ],
    ids=["heard", "deleted", "forgotten"],
)
async def test_what_was_heard_since_the_question_wins(meanwhile: object) -> None:
    """Before a deletion is told the log is read to its end: an account heard of since, or gone from it, is left be."""
    one = bench(shown(), book=book_of(known(), known("2")))
    one.settling = lambda: one.book.hear(meanwhile)  # type: ignore[arg-type]
    found = await one.customer().sweep(CUSTOMER)
    assert (one.published, found.heard_since, found.deleted) == ([], 1, 0)
    assert found.differing == {}


async def test_what_was_heard_before_the_question_does_not_protect() -> None:
    """The vendor was asked later."""
    one = bench(book=book_of(known(heard_at=ASKED_AT - timedelta(milliseconds=1))))
    assert (await one.customer().sweep(CUSTOMER)).deleted == 1


async def test_deletions_have_a_limit() -> None:
    """With another account at the vendor all customers would be gone: more than allowed are not told, not even some."""
    one = Bench(book=book_of(known(), known("2")), allowance=Allowance(1))
    with pytest.raises(TooManyDeletionsError):
        await one.customer().sweep(CUSTOMER)
    assert one.published == []
    one.allowance = Allowance(2)
    assert (await one.customer().sweep(CUSTOMER)).deleted == 2
    assert one.allowance.left == 0


async def test_a_customer_forgotten_meanwhile_is_not_told() -> None:
    """R18: an observation would bring back who asked to be forgotten."""
    one = bench(shown(), book=book_of(known(code=185)))
    one.vendor.during = lambda: one.book.hear(gone())
    found = await one.customer().sweep(CUSTOMER)
    assert (one.published, found.forgotten, found.observed) == ([], 1, 0)


async def test_a_named_customer_forgotten_meanwhile_is_not_told_either() -> None:
    """Being in the file is no wish of the customer's."""
    one = bench(shown(), book=book_of(known(code=185)), named=frozenset({CUSTOMER}), known_before=frozenset({CUSTOMER}))
    one.vendor.during = lambda: one.book.hear(gone())
    found = await one.customer().sweep(CUSTOMER)
    assert (one.published, found.forgotten, found.observed) == ([], 1, 0)


async def test_a_customer_who_is_named_needs_no_history() -> None:
    """Of customers in the file nothing was heard yet; one who is gone has nothing to be told."""
    one = bench(shown(), named=frozenset({CUSTOMER, "8"}))
    await one.customer().sweep(CUSTOMER)
    found = await one.customer().sweep("8")
    assert one.told() == [(OBSERVED, ACCOUNT)]
    assert (found.gone, found.deleted) == (1, 0)


async def test_an_account_of_another_customer_is_not_told() -> None:
    """It would lie in the wrong partition, under the wrong name."""
    one = bench(shown(customer_id="8"), named=frozenset({CUSTOMER}))
    found = await one.customer().sweep(CUSTOMER)
    assert (one.published, found.foreign, found.accounts) == ([], 1, 0)


async def test_the_same_reading_again_has_the_same_ids_and_a_later_one_others() -> None:
    """What is written twice is one event; the same standing after a change back is heard again."""
    one = bench(shown(aggregation_status_code=185), book=book_of(known(), known("2")))
    ids = []
    for _ in range(2):
        await one.customer().sweep(CUSTOMER)
        ids.append([event.id for event in one.published])
        one.published.clear()
    assert ids[0] == ids[1]
    customer = one.customer()
    customer.clock.now()
    await customer.sweep(CUSTOMER)
    assert not {event.id for event in one.published} & set(ids[0])
